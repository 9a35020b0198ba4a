"""Numbers for what recurs: the names of cases, what each is about, and words; read from a history, and grown."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from hfci.cases.records import Record

__all__ = ["CaseSubject", "Vocabulary"]

Key = TypeVar("Key")


class CaseSubject(NamedTuple):
    """What a case is about, beside its architecture: which its ID says too."""

    model_type: str
    check: str | None
    task: str | None


class Vocabulary:
    """The numbers of a history's words, subjects and cases; what is new gets the next, and `save` writes it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read what the history has."""
        self._words: dict[str | None, int] = {None: 0, **dict(connection.execute("SELECT text, id FROM words"))}
        subjects = connection.execute("SELECT id, model_type, check_name, task FROM subjects")
        self._subjects = {CaseSubject(*subject): number for number, *subject in subjects}
        self._cases: dict[str, int] = {}
        self._about: dict[int, tuple[int, str | None]] = {}
        for name, number, subject, architecture in connection.execute(
            "SELECT name, id, subject, architecture FROM cases"
        ):
            self._cases[name] = number
            self._about[number] = (subject, architecture)
        self._next = {
            table: 1 + (connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0)  # noqa: S608
            for table in ("words", "subjects", "cases")
        }
        self._new: dict[str, list[tuple[object, ...]]] = {table: [] for table in self._next}

    @property
    def size(self) -> int:
        """One more than the highest number of a case."""
        return self._next["cases"]

    def word(self, text: str | None) -> int:
        """Return the number of a word; 0 is none."""
        number = self._words.get(text)
        return self._enter("words", self._words, text, text) if number is None else number

    def case(self, record: Record) -> int:
        """Return the number of the case that `record` is of."""
        number = self._cases.get(record.case)
        if number is None:
            key = CaseSubject(record.model_type, record.check, record.task)
            subject = self._subjects.get(key)
            if subject is None:
                subject = self._enter("subjects", self._subjects, key, *key)
            number = self._enter("cases", self._cases, record.case, record.case, record.architecture, subject)
            self._about[number] = (subject, record.architecture)
        return number

    def words(self) -> Sequence[str | None]:
        """Return the words by their numbers."""
        return _by_number(self._words)

    def names(self) -> Sequence[str | None]:
        """Return the IDs of the cases by their numbers; None for a number that no case has."""
        return _by_number(self._cases)

    def subjects(self) -> Sequence[CaseSubject | None]:
        """Return the subjects by their numbers."""
        return _by_number(self._subjects)

    def about(self, case: int) -> tuple[int, str | None]:
        """Return the number of a case's subject, and its architecture."""
        return self._about[case]

    def subject_of(self, cases: Sequence[int]) -> list[int]:
        """Return the numbers of the subjects of cases."""
        return [self._about[case][0] for case in cases]

    def save(self, connection: sqlite3.Connection) -> None:
        """Write what is new."""
        for table, rows in self._new.items():
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
                rows.clear()

    def _enter(self, table: str, known: dict[Key, int], key: Key, *row: object) -> int:
        number = known[key] = self._next[table]
        self._next[table] += 1
        self._new[table].append((number, *row))
        return number


def _by_number(numbers: dict[Key, int]) -> list[Key | None]:
    """Return the keys of `numbers` in a list where each stands at its number."""
    result: list[Key | None] = [None] * (max(numbers.values(), default=-1) + 1)
    for key, number in numbers.items():
        result[number] = key
    return result
