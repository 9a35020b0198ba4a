"""A file per worker, as xdist's `loadfile`, but made for workers that die."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdist.scheduler import LoadFileScheduling

__all__ = ["FileScheduling"]


class FileScheduling(LoadFileScheduling):  # type: ignore[misc]
    """Hands the rest of a dead worker's files to others.

    xdist's own puts the killing case back in the queue, where it kills the next worker; hands on finished
    files as empty work, or a single case while others wait, with which a new worker waits for ever; and, after
    two deaths, breaks on giving work to a worker that is still collecting.
    """

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
        """Take note of what `node` has collected; one that collects something else gets no work."""
        super().add_node_collection(node, collection)
        if node not in self.registered_collections:
            node.shutdown()

    def _reschedule(self, node: Any) -> None:
        if node not in self.registered_collections:
            return
        super()._reschedule(node)
        # A worker runs a case only when it knows the next one, or that there is none: one alone would wait.
        while self._pending_of(self.assigned_work[node]) < 2 and not node.shutting_down:
            super()._reschedule(node)
