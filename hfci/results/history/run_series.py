"""Runs of a history, and after them perhaps one that is not in it, as what trends are made from."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hfci.errors import UsageError
from hfci.results.history.columns import Columns
from hfci.results.history.conditions import Conditions, conditions_of
from hfci.results.history.identifiers import Vocabulary
from hfci.results.history.ingestion import Part, Run
from hfci.results.history.runs import Point
from hfci.results.history.stored import StoredRun, has_column, read_column, read_parts, read_speeds
from hfci.results.identities import Identity

__all__ = ["NewRun", "RunLog"]


class NewRun(NamedTuple):
    """A run that the history has not."""

    run: StoredRun
    content: Run
    parts: Sequence[Part]


class RunLog:
    """Runs, oldest first, by index; a column is read when it is asked for."""

    def __init__(
        self,
        connection: Connection,
        vocabulary: Vocabulary,
        runs: Sequence[StoredRun],
        newest: NewRun | None = None,
    ) -> None:
        """Take stored runs and perhaps a new one, whose cases `vocabulary` knows too."""
        self._connection = connection
        self._names = vocabulary.names()
        self._words = vocabulary.words()
        self._newest = newest
        self._runs = [*runs, newest.run] if newest is not None else list(runs)
        self.points: Sequence[Point] = [run.point for run in self._runs]
        self.scopes: Sequence[str] = [run.scope for run in self._runs]
        self.size = vocabulary.size
        self.causes = len(self._words)

    def name(self, case: int) -> str:
        """Return the ID of a case."""
        name = self._names[case]
        assert name is not None
        return name

    def column(self, run: int, name: str) -> NDArray[Any]:
        """Return one column of a run."""
        if (newest := self._newest_at(run)) is not None:
            return newest.content.columns[name]
        return read_column(self._connection, self._number(run), name)

    def speeds(self, run: int) -> Columns:
        """Return what a run measured of speeds."""
        newest = self._newest_at(run)
        return newest.content.speeds if newest is not None else read_speeds(self._connection, self._number(run))

    def word(self, number: int) -> str:
        """Return the word of a number."""
        return self._words[number] or ""

    def knows_causes(self, run: int) -> bool:
        """Tell whether the causes of a run are known: an older hfci kept none."""
        return self._newest_at(run) is not None or has_column(self._connection, self._number(run), "cause")

    def identity_of_cause(self, cause: int) -> Identity:
        """Return what a number in the column `cause` stands for; UsageError where it stands for none."""
        try:
            return Identity.parse(self._words[cause] or "")
        except (ValueError, TypeError, IndexError) as error:
            raise UsageError(f"this history is damaged: it lacks the cause {cause}; restore a copy") from error

    def conditions(self, run: int) -> Sequence[Conditions]:
        """Return under which conditions each part of a run was executed, by the part's number; 0 is as the first."""
        known = [conditions_of(part.header) for part in self._parts(run)]
        return [known[0], *known]

    def runners(self, run: int) -> Sequence[str | None]:
        """Return the kind of machine of each part of a run, by the part's number; 0, of no part, is as the first."""
        kinds = [part.header.runner for part in self._parts(run)]
        return [kinds[0], *kinds]

    def identity(self, run: int, case: int) -> str:
        """Name what a case that is red or unsteady in a run tested: its fingerprint, or what stands for one."""
        if (newest := self._newest_at(run)) is not None:
            fingerprints = [detail.fingerprint for detail in newest.content.details if detail.case == case]
        else:
            query = "SELECT fingerprint FROM details WHERE run = ? AND case_id = ?"
            fingerprints = [row[0] for row in self._connection.execute(query, (self._number(run), case))]
        if fingerprints and fingerprints[0] is not None:
            return fingerprints[0]
        place = np.searchsorted(self.column(run, "case"), np.int32(case))
        return f"{self.column(run, 'identity')[place]:08x}"

    def _parts(self, run: int) -> Sequence[Part]:
        newest = self._newest_at(run)
        return newest.parts if newest is not None else read_parts(self._connection, self._number(run))

    def _newest_at(self, run: int) -> NewRun | None:
        return self._newest if self._runs[run].number is None else None

    def _number(self, run: int) -> int:
        number = self._runs[run].number
        assert number is not None
        return number
