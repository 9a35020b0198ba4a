"""What there is to do on each runner: the files of what is selected, without what is reused, where the memory is."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hfci.cases.case import Case
from hfci.cases.manifest import Manifest
from hfci.configuration import Runner
from hfci.imports import Imported
from hfci.origin import Origin
from hfci.planning.balance import Work
from hfci.planning.estimates import Estimate, Estimator
from hfci.planning.plan import Assumed, Reused, Unavailable, Untested, groups_of
from hfci.planning.requirements import Requirements
from hfci.planning.runners import LIMIT, Place, find_places
from hfci.planning.select import select

if TYPE_CHECKING:
    from hfci.planning.fingerprinting.reuse import Reuse
    from hfci.planning.popularity import Popularity

__all__ = ["GIB", "File", "Request", "Stock", "Store", "cases_of"]

GIB = 2**30

# How urgent a file is, where there is not time for all.
RED, NEW, USUAL = range(3)


@dataclass(frozen=True)
class Request:
    """What a plan is asked for.

    - `source`: the transformers that is to be tested, if it is here; `imports`: what registers models beside it
    - `names`, `tiers`, `checks`: what to run; none is all; `backend`: only what asks about this one
    - `reuse`: what need not run; `red`: the cases that were red when last seen
    - `shards`: so many jobs of each runner, rather than as few as hardly make it longer
    - `budget`: seconds that the longest shard may take
    - `fork`: the code is a stranger's
    """

    run: str
    runners: Mapping[str, Runner]
    source: Origin | None = None
    imports: tuple[Imported, ...] = ()
    names: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    backend: str | None = None
    requirements: Requirements = field(default_factory=Requirements)
    reuse: Reuse | None = None
    red: frozenset[str] = frozenset()
    popularity: Popularity | None = None
    shards: int | None = None
    budget: float | None = None
    fork: bool = False


@dataclass
class File:
    """A generated file: its cases of one tier on one device, how urgent they are, and what they need."""

    cases: list[Case]
    work: Work
    urgency: int = USUAL


@dataclass
class Stock:
    """The files of one tier that one runner has, and how many shards they get."""

    place: Place
    runner: Runner
    files: dict[str, File] = field(default_factory=dict)
    shards: int = 0

    @property
    def works(self) -> list[Work]:
        """What the files need."""
        return [file.work for file in self.files.values()]

    def cases(self, names: Iterable[str]) -> Iterable[Case]:
        """Yield the cases of these files."""
        return (case for name in names for case in self.files[name].cases)

    def priority(self, name: str, popularity: Popularity | None) -> Any:
        """Return a key: what was red, what was never green, the rest; in each the most used model types first."""
        file = self.files[name]
        return file.urgency, popularity.priority(file.cases[0].model_type) if popularity else 0


def cases_of(manifest: Manifest, request: Request) -> list[Case]:
    """Return the cases that are asked for, whether they need run or not."""
    places, _ = find_places(request.runners.values(), request.tiers, fork=request.fork)
    asked: dict[str, Any] = {"checks": request.checks, "backend": request.backend}
    return [
        case
        for place in places
        for case in select(manifest, request.names, tier=place.tier, device=place.device, **asked).cases
    ]


class Store:
    """Takes in one place after the other."""

    def __init__(self, manifest: Manifest, request: Request) -> None:
        """Take note of what is asked for."""
        self.manifest = manifest
        self.request = request
        self.fingerprints: Mapping[str, str] = request.reuse.fingerprints if request.reuse else {}
        self.stocks: list[Stock] = []
        self.untested: dict[Place, tuple[Untested, ...]] = {}
        self.unavailable: list[Unavailable] = []
        self._green: Mapping[str, str] = request.reuse.reused if request.reuse else {}
        self._same: Mapping[str, str] = request.reuse.assumed if request.reuse else {}
        self._assumed: dict[tuple[str, str, str], list[Case]] = defaultdict(list)
        self._reused: dict[tuple[str, str, str], list[Case]] = defaultdict(list)
        self._estimators: dict[str, Estimator] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was selected."""
        settled = self._reused or self._assumed
        return not (self.stocks or self.unavailable or settled or any(self.untested.values()))

    @property
    def reused(self) -> tuple[Reused, ...]:
        """What need not run, by the run in which it was green."""
        return tuple(
            Reused(tier=tier, device=device, run=run, groups=groups_of(cases, self.fingerprints))
            for (tier, device, run), cases in self._reused.items()
        )

    @property
    def assumed(self) -> tuple[Assumed, ...]:
        """What does not run, by the commit since which nothing that it depends on has changed."""
        return tuple(
            Assumed(tier=tier, device=device, commit=commit, groups=groups_of(cases, self.fingerprints))
            for (tier, device, commit), cases in self._assumed.items()
        )

    def take_in(self, place: Place) -> None:
        """Select the cases of a tier on a device, and give each file to the first runner that has the memory."""
        where, request = {"tier": place.tier, "device": place.device}, self.request
        selection = select(self.manifest, request.names, checks=request.checks, backend=request.backend, **where)
        self.untested[place] = tuple(
            Untested(model_type=case.model_type, architecture=case.architecture, family=case.family)
            for case in selection.untested
        )
        stocks = {runner.name: Stock(place, runner) for runner in place.runners}
        lacking: dict[str, list[Case]] = defaultdict(list)
        for name, cases in self._to_run(place, selection.cases).items():
            outcome = self._find_runner(name, cases, place.runners)
            if isinstance(outcome, str):
                lacking[outcome] += cases
            else:
                runner, file = outcome
                stocks[runner.name].files[name] = file
        self.stocks += [stock for stock in stocks.values() if stock.files]
        self.unavailable += [
            Unavailable(**where, groups=groups_of(cases, self.fingerprints), reason=reason)
            for reason, cases in lacking.items()
        ]

    def hand_on(self, stock: Stock, names: Sequence[str], limits: Mapping[str, int]) -> list[str]:
        """Give files of `stock` to the runners after its own that have the memory; return those that none takes.

        `limits` is how many shards each runner may have: there must be one for each tier that it has files of.
        """
        runners = stock.place.runners[stock.place.runners.index(stock.runner) + 1 :]
        busy = {(other.place, other.runner.name): other for other in self.stocks}
        tiers = Counter(other.runner.name for other in self.stocks)
        able = [
            runner
            for runner in runners
            if (stock.place, runner.name) in busy or tiers[runner.name] < limits[runner.name]
        ]
        left = []
        for name in names:
            outcome = self._find_runner(name, stock.files[name].cases, able) if able else ""
            if isinstance(outcome, str):
                left.append(name)
                continue
            runner, file = outcome
            if (stock.place, runner.name) not in busy:
                if sum(other.shards for other in self.stocks) >= LIMIT:
                    left.append(name)
                    continue
                busy[stock.place, runner.name] = Stock(stock.place, runner, shards=1)
                self.stocks.append(busy[stock.place, runner.name])
            busy[stock.place, runner.name].files[name] = file
            del stock.files[name]
        return left

    def _to_run(self, place: Place, cases: Iterable[Case]) -> dict[str, list[Case]]:
        """Return what is neither reused nor assumed green, by file."""
        files: dict[str, list[Case]] = defaultdict(list)
        for case in cases:
            if (run := self._green.get(case.id)) is not None:
                self._reused[place.tier, place.device, run].append(case)
            elif (commit := self._same.get(case.id)) is not None:
                self._assumed[place.tier, place.device, commit].append(case)
            else:
                files[case.file or ""].append(case)
        return files

    def _find_runner(self, name: str, cases: list[Case], runners: Sequence[Runner]) -> tuple[Runner, File] | str:
        """Return the first of `runners` with enough memory, and what the file needs there; else what they lack."""
        needed = math.inf
        for runner in runners:
            estimator, available = self.estimator(runner), runner.memory * GIB
            estimates = [estimator.estimate(case) for case in cases]
            # A guess keeps nothing from running: at most it has the machine to itself.
            memory = max(
                estimate.memory if estimate.is_memory_measured else min(estimate.memory, available)
                for estimate in estimates
            )
            if memory <= available:
                work = Work(name, math.fsum(estimate.seconds for estimate in estimates), memory)
                return runner, File(cases, work, self._urgency(cases, estimates))
            needed = min(needed, memory)
        largest = max(runner.memory for runner in runners)
        return f"needs {needed / GIB:,.3g} GiB, the largest runner has {largest:,.3g}"

    def estimator(self, runner: Runner) -> Estimator:
        """Return what estimates on a runner."""
        if runner.name not in self._estimators:
            known = self.request.requirements
            self._estimators[runner.name] = Estimator(self.manifest, known, runner.name, runner.device)
        return self._estimators[runner.name]

    def _urgency(self, cases: Iterable[Case], estimates: Iterable[Estimate]) -> int:
        if self.request.budget is None:
            return USUAL
        if self.request.red and not self.request.red.isdisjoint(case.id for case in cases):
            return RED
        return USUAL if all(estimate.is_measured for estimate in estimates) else NEW
