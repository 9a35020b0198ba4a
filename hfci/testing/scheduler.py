"""A file per worker, as xdist's `loadfile`, but made for workers that die."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from xdist.scheduler import LoadFileScheduling

__all__ = ["FileScheduling"]


class _Numbered(list[str]):
    """What a worker has collected, which tells the number of a case without going through those before it."""

    def __init__(self, cases: Iterable[str]) -> None:
        super().__init__(cases)
        self.numbers = {case: number for number, case in enumerate(self)}

    def index(self, case: str, *_: Any) -> int:
        """Return its number."""
        return self.numbers[case]


class FileScheduling(LoadFileScheduling):  # type: ignore[misc]
    """Hands the rest of a dead worker's files to others.

    xdist's own puts the killing case back in the queue, where it kills the next worker; hands on finished
    files as empty work, or a single case while others wait, with which a new worker waits for ever; after
    two deaths, breaks on giving work to a worker that is still collecting; and runs nothing where a worker has died
    of a file that another has collected.
    """

    collection: list[str] | None

    def remove_node(self, node: Any) -> str | None:
        """Take `node` out; return the case it died of, if it was running one."""
        files: dict[str, dict[str, bool]] = self.assigned_work.pop(node)
        unfinished = {file: cases for file, cases in files.items() if not all(cases.values())}
        if not unfinished:
            return None
        first = next(iter(unfinished.values()))
        killer = next(case for case, done in first.items() if not done)
        first[killer] = True
        self.workqueue.update({file: cases for file, cases in unfinished.items() if not all(cases.values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return killer

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        """Take note of what `node` has collected. What it lacks is given to nobody any more."""
        self.registered_collections[node] = _Numbered(collection)
        if self.collection is not None:
            self._keep(collection)

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """Take note that `node` has run a case. A finished file is forgotten: each call goes through all there are."""
        super().mark_test_complete(node, item_index, duration)
        files: dict[str, dict[str, bool]] = self.assigned_work[node]
        file = self._split_scope(self.registered_collections[node][item_index])
        if all(files[file].values()):
            del files[file]

    def schedule(self) -> None:
        """Give each worker its first files; called again, it gives some to those that have come since."""
        if self.collection is None:
            first, *others = self.registered_collections.values()
            self.collection = first
            for case in first:
                self.workqueue.setdefault(self._split_scope(case), {})[case] = False
            for other in others:
                self._keep(other)
            longest_first = sorted(self.workqueue.items(), key=lambda unit: -len(unit[1]))
            self.workqueue.clear()
            self.workqueue.update(longest_first)
        for node in self.nodes:
            self._reschedule(node)

    def _keep(self, collected: Iterable[str]) -> None:
        known = set(collected)
        for file, cases in list(self.workqueue.items()):
            kept = {case: done for case, done in cases.items() if case in known}
            if all(kept.values()):
                del self.workqueue[file]
            else:
                self.workqueue[file] = kept

    def _reschedule(self, node: Any) -> None:
        if node not in self.registered_collections:
            return
        super()._reschedule(node)
        # A worker runs a case only when it knows the next one, or that there is none: one alone would wait.
        while self._pending_of(self.assigned_work[node]) < 2 and not node.shutting_down:
            super()._reschedule(node)
