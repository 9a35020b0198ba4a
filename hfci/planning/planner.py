"""Making a plan: what there is to do on each runner, divided into shards, within a budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hfci.cases.manifest import Manifest
from hfci.configuration import Runner
from hfci.errors import NothingToDo, UsageError
from hfci.planning.balance import Load, balance, lower_bound, pack
from hfci.planning.budget import fill, trim
from hfci.planning.estimates import START_UP
from hfci.planning.plan import Absent, LeftOut, Plan, Shard, groups_of
from hfci.planning.runners import LIMIT, Place, cheapest_first, find_places
from hfci.planning.shard_count import Share, share_out, within_limit
from hfci.planning.workload import GIB, Request, Stock, Store

__all__ = ["Request", "make_plan"]


def make_plan(manifest: Manifest, request: Request) -> Plan:
    """Return a plan of what is selected: each case is in one shard, or reused, left out or unavailable.

    A file is whole in one shard, as far as it is not reused. The model types without a test are the first shard's, of
    each tier on each device. Raises NothingToDo where nothing is selected, or nothing of it can run; a plan without
    shards is one in which everything is reused or assumed green. UsageError for what matches nothing, and for too few
    shards.
    """
    if request.shards is not None and request.shards < 1:
        raise UsageError(f"a plan has at least one shard, not {request.shards}")
    places, absences = find_places(request.runners.values(), request.tiers, fork=request.fork)
    absent = tuple(Absent(runner=absence.runner, device=absence.device, reason=absence.reason) for absence in absences)
    if not places:
        raise NothingToDo(f"no runner can take any case: {'; '.join(absence.reason for absence in absent)}")
    store = Store(manifest, request)
    for place in places:
        store.take_in(place)
    if store.is_empty:
        raise NothingToDo("no case was selected")
    division = _Division(store)
    divided = division.divide()
    shards = tuple(_shards(store, divided))
    if not shards and (division.left_out or store.unavailable):
        raise NothingToDo(f"no case can run: {_why_nothing(division)}")
    return Plan(
        run=request.run,
        transformers=manifest.transformers,
        source=request.source,
        imports=request.imports,
        names=request.names,
        tiers=request.tiers,
        checks=request.checks,
        backend=request.backend,
        shards=shards,
        reused=store.reused,
        assumed=store.assumed,
        left_out=tuple(division.left_out),
        unavailable=tuple(store.unavailable),
        absent=absent,
        notes=(*(request.reuse.notes if request.reuse else ()), *division.notes),
        predicted_s=max((shard.predicted_s for shard in shards), default=0.0),
        bound_s=max((_bound(store, stock, loads) for stock, loads in divided if loads), default=0.0),
        start_up_s=_seconds(max((store.estimator(stock.runner).start_up for stock, _ in divided), default=START_UP)),
        budget_s=request.budget,
    )


Divided = list[tuple[Stock, list[Load]]]


class _Division:
    """How many shards each tier on each runner has, and which files are in them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.request = store.request
        self.left_out: list[LeftOut] = []
        self.notes: list[str] = []

    def divide(self) -> Divided:
        """Share out the shards, at most as many as there may be, and fill them; the cheapest runner is first.

        What one has no time for is the next one's, if that has the memory and may have the shards.
        """
        limits = self._limits()
        divided: Divided = []
        for runner in cheapest_first(self.request.runners.values()):
            stocks = self._stocks(runner.name)
            others = sum(stock.shards for stock in self.store.stocks if stock.runner is not runner)
            self._share(stocks, min(limits[runner.name], LIMIT - others))
            for stock in stocks:
                loads, out = self._fill(stock)
                divided.append((stock, loads))
                self._leave_out(stock, self.store.hand_on(stock, out, limits))
        return divided

    def _limits(self) -> dict[str, int]:
        """Return how many shards each runner may have."""
        asked = self.request.shards
        limits = {}
        for runner in self.request.runners.values():
            limits[runner.name] = min(runner.shards, asked or runner.shards)
            stocks = self._stocks(runner.name)
            if stocks and asked is not None and asked > runner.shards:
                self.notes.append(f"of the {asked:,} shards asked for, runner {runner.name} allows {runner.shards:,}")
            if limits[runner.name] < len(stocks):
                tiers = ", ".join(stock.place.tier for stock in stocks)
                few = f"runner {runner.name} may have {limits[runner.name]} of shards, and each has one tier of {tiers}"
                mend = f"name one --tier, or raise --shards or shards in [tool.hfci.runners.{runner.name}]"
                raise UsageError(f"{few}: {mend}")
            self._share(stocks, limits[runner.name])
        counts = {name: sum(stock.shards for stock in self._stocks(name)) for name in limits}
        if (wanted := sum(counts.values())) > LIMIT:
            self.notes.append(f"{wanted:,} shards were wanted; a run has at most {LIMIT}")
            least = {name: len(self._stocks(name)) for name in limits}
            limits = within_limit(counts, least, LIMIT)
            for name, limit in limits.items():
                self._share(self._stocks(name), limit)
        return limits

    def _time(self, runner: Runner) -> float:
        """Return the seconds that a shard has for cases."""
        budget = self.request.budget
        return math.inf if budget is None else max(0.0, budget - self.store.estimator(runner).start_up)

    def _stocks(self, runner: str) -> list[Stock]:
        return [stock for stock in self.store.stocks if stock.runner.name == runner]

    def _share(self, stocks: Sequence[Stock], limit: int) -> None:
        if not stocks:
            return
        runner, exact = stocks[0].runner, self.request.shards is not None
        shares = [Share.of(stock.works, runner.workers) for stock in stocks]
        within, set_up = self._time(runner), self.store.estimator(runner).set_up
        counts = share_out(shares, limit, set_up=set_up, cost=runner.cost, exact=exact, within=within)
        for stock, count in zip(stocks, counts, strict=True):
            stock.shards = count

    def _fill(self, stock: Stock) -> tuple[list[Load], list[str]]:
        """Balance what there is time for; return the names of the rest too, what matters most first."""
        works, workers, memory = stock.works, stock.runner.workers, stock.runner.memory * GIB
        time = self._time(stock.runner)
        loads = balance(works, stock.shards, workers=workers, memory=memory)
        if max(load.seconds for load in loads) > time:
            priority = self._priority(stock)
            kept = fill(works, time, stock.shards * workers, priority)
            chosen = (work for work in works if work.name in kept)
            loads = balance(chosen, stock.shards, workers=workers, memory=memory)
            loads = tuple(trim(load, time, priority) for load in loads)
        planned = {work.name for load in loads for work in load.works}
        out = sorted((name for name in stock.files if name not in planned), key=self._priority(stock))
        return [load for load in loads if load.works], out

    def _priority(self, stock: Stock) -> Callable[[str], Any]:
        return lambda name: (stock.priority(name, self.request.popularity), name)

    def _leave_out(self, stock: Stock, out: Sequence[str]) -> None:
        if out:
            self.left_out.append(
                LeftOut(
                    tier=stock.place.tier,
                    device=stock.place.device,
                    runner=stock.runner.name,
                    groups=groups_of(stock.cases(out), self.store.fingerprints),
                    work_s=_seconds(math.fsum(stock.files[name].work.seconds for name in out)),
                )
            )


def _shards(store: Store, divided: Divided) -> Iterator[Shard]:
    """Yield the shards; the first of each tier on each device has the model types without a test."""
    untested = dict(store.untested)
    jobs = [(stock, at, len(loads), load) for stock, loads in divided for at, load in enumerate(loads, 1)]
    if not (store.stocks or store.reused or store.assumed or store.unavailable):
        jobs = [(Stock(place, place.runners[0]), 1, 1, pack([], 1)) for place in _first_places(store)]
    for index, (stock, at, of, load) in enumerate(jobs):
        place, runner = stock.place, stock.runner
        largest = sorted((work.memory for work in load.works), reverse=True)[: load.workers]
        yield Shard(
            index=index,
            name=f"{place.tier} on {runner.name} {at}/{of}",
            runner=runner.name,
            runs_on=runner.runs_on,
            container=runner.container,
            packages=runner.packages,
            package_index=runner.index,
            concurrency=runner.concurrency,
            workers=load.workers,
            tier=place.tier,
            device=place.device,
            groups=groups_of(stock.cases(work.name for work in load.works), store.fingerprints),
            untested=untested.pop(place, ()),
            predicted_s=_seconds(store.estimator(runner).start_up + load.seconds),
            work_s=_seconds(math.fsum(work.seconds for work in load.works)),
            memory=int(sum(largest)),
        )


def _first_places(store: Store) -> list[Place]:
    """Return a place for each device, where there is nothing but model types without a test."""
    by_device: dict[str, Place] = {}
    for place in store.untested:
        by_device.setdefault(place.device, place)
    return list(by_device.values())


def _bound(store: Store, stock: Stock, loads: Sequence[Load]) -> float:
    works = [work for load in loads for work in load.works]
    return _seconds(store.estimator(stock.runner).start_up + lower_bound(works, len(loads), stock.runner.workers))


def _why_nothing(division: _Division) -> str:
    reasons = [batch.reason for batch in division.store.unavailable]
    if division.left_out:
        least = min(division.store.estimator(stock.runner).start_up for stock in division.store.stocks)
        reasons.append(f"{least:g} s are needed to start, and then there is no time for a file")
    return "; ".join(reasons)


def _seconds(value: float) -> float:
    return round(value, 3)
