"""Comparing two sides: what the first saves, the second loads and computes again, an architecture after the other.

Each side has a process of its own, of which one works ahead of the other; a checkpoint lies in memory from its saving
to its loading.
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from hfci.cases.selector import Known, choose
from hfci.errors import NothingToDo
from hfci.releases.changes import (
    ArchitectureChange,
    ChangeKind,
    ModelTypeChange,
    config_changes,
    interface_changes,
    kind_of,
)
from hfci.releases.environments import Environment
from hfci.releases.measurements import Answer, Forwarded, Function, Interface, Question, Row, Told
from hfci.releases.processes import SideProcess, link_hfci
from hfci.releases.source_diff import SourceDiff, differing
from hfci.tiny.model import folder_in_memory

__all__ = ["Comparer", "compared", "folder_of"]

# So many model types lie in memory between the first side and the second.
AHEAD = 2
# Of so many sources that differ, an architecture names these.
MOST_SOURCES = 40


@dataclass
class Comparer:
    """Two sides with their processes, in pairs; `sources` grows with what was compared."""

    first: Environment
    second: Environment
    folder: Path
    pairs: int = 1
    sources: dict[str, SourceDiff] = field(default_factory=dict)
    computing: float = 0.0

    def __post_init__(self) -> None:
        """Start a process of each side, and ask them what they are."""
        alone = link_hfci(self.folder)
        make = [(SideProcess(self.first, alone), SideProcess(self.second, alone)) for _ in range(self.pairs)]
        self._crew = make
        self.told: tuple[Told, Told] = self._tell()

    def choose(self, names: Sequence[str]) -> dict[str, set[str]]:
        """Return the model types of either side that `names` mean, each with the architectures; none is all of them."""
        every = tuple(dict.fromkeys((*self.told[0].model_types, *self.told[1].model_types)))
        rows: dict[str, Row] = {}

        def read() -> Mapping[str, Row]:
            for name in every:
                if name not in rows:
                    side = 0 if name in self.told[0].model_types else 1
                    rows[name] = self._crew[0][side].ask(Question("row", name)).row or Row()
            return rows

        chosen = choose(
            names,
            Known(
                every,
                lambda: {name: tuple(row.architectures) for name, row in read().items()},
                lambda: {
                    name: {arch: interface.family for arch, interface in row.architectures.items()}
                    for name, row in read().items()
                },
            ),
        )
        if not chosen:
            raise NothingToDo("neither side has a model type")
        return chosen

    def compare(self, chosen: Mapping[str, set[str]]) -> Iterator[ModelTypeChange]:
        """Yield what changed of each of the chosen model types, as they are done."""
        todo = deque(chosen)
        done: queue.SimpleQueue[ModelTypeChange | BaseException] = queue.SimpleQueue()
        threads = [
            threading.Thread(target=target, daemon=True)
            for pair in self._crew
            for target in self._workers(pair, todo, chosen, done)
        ]
        for thread in threads:
            thread.start()
        for _ in chosen:
            found = done.get()
            if isinstance(found, BaseException):
                raise found
            yield found

    def stop(self) -> None:
        """End the processes."""
        for pair in self._crew:
            for process in pair:
                process.stop()

    def _tell(self) -> tuple[Told, Told]:
        answers: list[Told | BaseException | None] = [None, None]

        def ask(side: int) -> None:
            try:
                answers[side] = self._crew[0][side].tell()
            except BaseException as error:  # told to whoever waits
                answers[side] = error

        threads = [threading.Thread(target=ask, args=(side,), daemon=True) for side in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first, second = answers
        for answer in answers:
            if isinstance(answer, BaseException):
                self.stop()
                raise answer
        assert isinstance(first, Told)
        assert isinstance(second, Told)
        return first, second

    def _workers(
        self,
        pair: tuple[SideProcess, SideProcess],
        todo: deque[str],
        chosen: Mapping[str, set[str]],
        done: queue.SimpleQueue[ModelTypeChange | BaseException],
    ) -> tuple[Callable[[], None], Callable[[], None]]:
        """Return what works on the first side of a pair, and what follows it on the second."""
        saved: queue.Queue[_Saved | None] = queue.Queue(AHEAD)

        def save() -> None:
            try:
                while True:
                    try:
                        name = todo.popleft()
                    except IndexError:
                        break
                    saved.put(self._save(pair[0], name, chosen[name]))
            except BaseException as error:  # told to whoever waits
                done.put(error)
            finally:
                saved.put(None)

        def load() -> None:
            try:
                while (one := saved.get()) is not None:
                    try:
                        done.put(self._load(pair, one))
                    finally:
                        shutil.rmtree(one.folder, ignore_errors=True)
            except BaseException as error:  # told to whoever waits
                done.put(error)

        return save, load

    def _save(self, process: SideProcess, model_type: str, wanted: set[str]) -> _Saved:
        folder = self.folder / folder_of(model_type)
        if model_type not in self.told[0].model_types:
            return _Saved(model_type, wanted, folder, Row(), {})
        row = _row(process, model_type)
        if model_type not in self.told[1].model_types:
            return _Saved(model_type, wanted, folder, row, {})
        named = (name for name in row.architectures if name in wanted or not wanted)
        names = tuple(name for name in named if name.isidentifier())  # each is a folder's name, too
        return _Saved(model_type, wanted, folder, row, self._forwarded(process, "build", model_type, names, folder))

    def _load(self, pair: tuple[SideProcess, SideProcess], saved: _Saved) -> ModelTypeChange:
        model_type, before = saved.model_type, saved.row
        if model_type not in self.told[1].model_types:
            return _whole(model_type, before, saved.wanted, "removed")
        after = _row(pair[1], model_type)
        if model_type not in self.told[0].model_types:
            return _whole(model_type, after, saved.wanted, "added")
        both = [name for name in saved.forwarded if name in after.architectures]
        works = tuple(name for name in both if saved.forwarded[name].error is None)
        stops = tuple(name for name in both if name not in works)
        found = self._forwarded(pair[1], "load", model_type, works, saved.folder)
        found |= self._forwarded(pair[1], "build", model_type, stops, saved.folder / "anew")
        other = tuple(name for name in works if found[name].stage == "load" or not found[name].same)
        repeated = self._forwarded(pair[0], "repeat", model_type, other, saved.folder)
        kinds = {name: kind_of(saved.forwarded[name], found[name], repeated.get(name)) for name in both}
        changed = tuple(name for name in both if kinds[name] in (ChangeKind.NUMERICS, ChangeKind.FAILS))
        executed = self._executed(pair, model_type, changed, saved.folder)
        architectures = [
            self._change(name, kinds[name], saved, after, found[name], repeated.get(name), executed.get(name, set()))
            for name in both
        ]
        names = [name for name in after.architectures if name in saved.wanted or not saved.wanted]
        lost = [name for name in saved.forwarded if name not in after.architectures]
        architectures += [_plain(name, before.architectures[name], ChangeKind.REMOVED) for name in lost]
        new = [name for name in names if name not in before.architectures]
        architectures += [_plain(name, after.architectures[name], ChangeKind.ADDED) for name in new]
        config = tuple(config_changes(before, after))
        by = [row.configured_by for row in (before, after) if row.configured_by is not None]
        by += [Function(one.file, f"{one.name}.__post_init__") for one in by]
        return ModelTypeChange(
            model_type=model_type,
            config=config,
            config_sources=self._sources(by) if config else (),
            architectures=tuple(architectures),
            error=after.error if after.error != before.error else None,
        )

    def _change(
        self,
        name: str,
        kind: ChangeKind,
        saved: _Saved,
        after: Row,
        found: Forwarded,
        repeated: Forwarded | None,
        executed: set[Function],
    ) -> ArchitectureChange:
        old, new = saved.row.architectures[name], after.architectures[name]
        interface = (*interface_changes(old, new), *found.gives)
        if interface and not executed:
            executed = {Function(new.file, f"{name}.forward")}
        first = saved.forwarded[name]
        stopped = found if found.error is not None else first
        limits = {each.name: each.allowed for each in repeated.fields} if repeated is not None else {}
        fields = [msgspec.structs.replace(each, allowed=limits.get(each.name)) for each in found.fields]
        fields.sort(key=lambda each: -(each.moved if each.moved is not None else 1e301))
        return ArchitectureChange(
            name=name,
            kind=kind,
            family=new.family,
            fields=tuple(fields),
            interface=interface,
            keys=found.keys,
            stage=stopped.stage,
            error=stopped.error,
            sources=self._sources(executed) if kind != ChangeKind.SAME or interface else (),
            note=found.own_inputs,
            seconds=round(first.seconds + found.seconds, 4),
        )

    def _forwarded(
        self, process: SideProcess, do: str, model_type: str, names: tuple[str, ...], folder: Path
    ) -> dict[str, Forwarded]:
        """Ask for all at once; where the process dies on the way, for each alone."""
        if not names:
            return {}
        answer = process.ask(Question(do, model_type, names, str(folder)))
        if answer.error is not None and len(names) > 1:
            found: dict[str, Forwarded] = {}
            for name in names:
                if do == "build":
                    shutil.rmtree(folder / name, ignore_errors=True)
                found |= self._forwarded(process, do, model_type, (name,), folder)
            return found
        stage = "load" if do == "load" else "build"
        found = dict(answer.forwarded) or {name: Forwarded(stage=stage, error=answer.error) for name in names}
        self.computing += sum(each.seconds for each in found.values())
        return found

    def _executed(
        self, pair: tuple[SideProcess, SideProcess], model_type: str, names: tuple[str, ...], folder: Path
    ) -> dict[str, set[Function]]:
        found: dict[str, set[Function]] = {name: set() for name in names}
        for process in pair if names else ():
            answer: Answer = process.ask(Question("trace", model_type, names, str(folder)))
            for name, functions in answer.functions.items():
                found[name] |= set(functions)
        return found

    def _sources(self, functions: Sequence[Function] | set[Function]) -> tuple[str, ...]:
        before, after = (Path(told.path) for told in self.told)
        diffs = differing(functions, before, after)[:MOST_SOURCES]
        self.sources |= {diff.key: diff for diff in diffs}
        return tuple(diff.key for diff in diffs)


@dataclass(frozen=True)
class _Saved:
    """What the first side has of a model type."""

    model_type: str
    wanted: set[str]
    folder: Path
    row: Row
    forwarded: dict[str, Forwarded]


@contextlib.contextmanager
def compared(first: Environment, second: Environment, pairs: int) -> Iterator[Comparer]:
    """Hold two sides, and the memory that goes with them."""
    with tempfile.TemporaryDirectory(prefix="hfci-", dir=folder_in_memory(), ignore_cleanup_errors=True) as folder:
        comparer = Comparer(first, second, Path(folder), pairs)
        try:
            yield comparer
        finally:
            comparer.stop()


def _row(process: SideProcess, model_type: str) -> Row:
    answer = process.ask(Question("row", model_type))
    return answer.row if answer.row is not None else Row(error=answer.error)


def _whole(model_type: str, row: Row, wanted: set[str], is_there: str) -> ModelTypeChange:
    kind = ChangeKind.ADDED if is_there == "added" else ChangeKind.REMOVED
    names = [name for name in row.architectures if name in wanted or not wanted]
    return ModelTypeChange(
        model_type=model_type,
        is_there="added" if kind == ChangeKind.ADDED else "removed",
        architectures=tuple(_plain(name, row.architectures[name], kind) for name in names),
        error=row.error,
    )


def _plain(name: str, interface: Interface, kind: ChangeKind) -> ArchitectureChange:
    return ArchitectureChange(name=name, kind=kind, family=interface.family, error=interface.error)


def folder_of(model_type: str) -> str:
    """Return the name of a model type's folder: what a checkout calls a model type is no path."""
    return hashlib.sha256(model_type.encode("utf-8", "surrogateescape")).hexdigest()[:16]
