"""What the dashboard's page holds: the cases as columns of numbers into tables of texts, each text once."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hfci.cases.outcome import RED, Outcome
from hfci.cases.records import Error, Record
from hfci.results.identities import CAUSED, identity_of
from hfci.results.reading import Results

if TYPE_CHECKING:
    from hfci.results.comparison import Comparison, Shift
    from hfci.results.history.runs import Point
    from hfci.results.history.trends import Trends

__all__ = ["SEVERITY", "dashboard_data", "embedded"]

# The worst first: of a cell's cases the page shows the worst.
SEVERITY = (
    Outcome.FAILED,
    Outcome.NOT_RUN,
    Outcome.QUARANTINED,
    Outcome.KNOWN_FAILURE,
    Outcome.UNAVAILABLE,
    Outcome.NOT_APPLICABLE,
    Outcome.ASSUMED,
    Outcome.REUSED,
    Outcome.PASSED,
)
CODES = {outcome: code for code, outcome in enumerate(SEVERITY)}
NONE = -1  # in a column: the case has no such text; in a history: there was no such case

# The fields that most cases share with others. The first ones recur in a case's ID and its command as well.
WITHIN = ("architecture", "check", "model_type", "device", "dtype", "task", "backend")
SHARED = (*WITHIN, "family", "tier", "stage", "reason")

# Most cases have one of a few thousand combinations of the first, and one of a few dozen of the others.
OF_MODEL = ("architecture", "model_type", "family")
TOGETHER = (OF_MODEL, tuple(name for name in SHARED if name not in OF_MODEL))

# In those two texts a field's value gives way to one of these characters; Unicode leaves them to private use.
MARK_OF = {chr(0xF8F0 + index): field for index, field in enumerate(WITHIN)}
MARKS = frozenset(MARK_OF)

# Errors are whole up to so many characters altogether; of those beyond only the message's beginning is kept, so that a
# run in which everything fails makes a page that opens.
ERRORS = 4_000_000
BEGINNING = 200

# What takes no part in HTML, whatever stands around it; json.dumps has made everything else ASCII.
ESCAPED = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})


# The history of one case: from which run on it ended how.
Changes = tuple[tuple[int, Outcome | None], ...]


class Table:
    """Distinct entries, in the order in which they first came."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._numbers: dict[Hashable, int] = {None: NONE}
        self.entries: list[Any] = []

    def number(self, key: Hashable, entry: Callable[[], Any] | None = None) -> int:
        """Return the number of `key`; where it is new it is entered, as what `entry` returns if that is given."""
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.entries)
            self.entries.append(entry() if entry else key)
        return number


class _Together:
    """Some fields of every record, of which there are few combinations."""

    def __init__(self, fields: Sequence[str], tables: Mapping[str, Table]) -> None:
        self._of = operator.attrgetter(*fields)
        self._fields = fields
        self._tables = [tables[name] for name in fields]
        self._known: dict[tuple[Any, ...], tuple[int, list[tuple[str, str]]]] = {}
        self._numbers: list[tuple[int, ...]] = []
        self._places: list[int] = []

    def add(self, record: Record) -> list[tuple[str, str]]:
        """Take in a record; return which of its values stand within others, each with its mark."""
        values = self._of(record)
        known = self._known.get(values)
        if known is None:
            self._numbers.append(tuple(table.number(value) for table, value in zip(self._tables, values, strict=True)))
            of_field = dict(zip(self._fields, values, strict=True))
            marks = ((mark, of_field.get(field)) for mark, field in MARK_OF.items())
            said = [(mark, value) for mark, value in marks if value and not _marked(value)]
            known = self._known[values] = len(self._known), said
        place, said = known
        self._places.append(place)
        return said

    def columns(self) -> Iterator[tuple[str, list[int]]]:
        """Yield each field with the numbers of its values."""
        for index, name in enumerate(self._fields):
            of_field = [numbers[index] for numbers in self._numbers]
            yield name, [of_field[place] for place in self._places]


class Cases:
    """Takes in one record after the other; keeps of each a number in every column."""

    def __init__(self, changes: Mapping[str, Changes]) -> None:
        """Begin with nothing; `changes` are the history's, by case."""
        names = (*SHARED, "case", "reproduce", "error", "cause", "worker", "history")
        self.tables = {name: Table() for name in names}
        own = (name for name in names if name not in SHARED)
        self._columns: dict[str, list[int]] = {name: [] for name in (*own, "outcome", "duration_ms", "peak_kib")}
        self._together = [_Together(fields, self.tables) for fields in TOGETHER]
        self._changes = changes
        self._room = ERRORS

    def add(self, record: Record, shard: int | None) -> int:
        """Take in `record`; return its place."""
        column = self._columns
        said = [pair for fields in self._together for pair in fields.add(record)]
        for name in ("case", "reproduce"):
            column[name].append(self._pattern(name, getattr(record, name), said))
        column["error"].append(self._error(record.error if record.outcome != Outcome.PASSED else None))
        column["cause"].append(self.tables["cause"].number(_cause(record)))
        column["worker"].append(self.tables["worker"].number(_worker(record, shard)))
        column["history"].append(self._history(record.case))
        column["outcome"].append(CODES[record.outcome])
        column["duration_ms"].append(round(1000 * record.duration_s) if math.isfinite(record.duration_s) else 0)
        column["peak_kib"].append(NONE if record.peak_memory_bytes is None else record.peak_memory_bytes >> 10)
        return len(column["outcome"]) - 1

    @property
    def columns(self) -> dict[str, list[int]]:
        """The columns, by name."""
        return {**{name: column for fields in self._together for name, column in fields.columns()}, **self._columns}

    def _pattern(self, name: str, text: str | None, said: Sequence[tuple[str, str]]) -> int:
        """Enter a text as a list of texts and of indices into WITHIN, for what its record has `said` anyway."""
        if text is None or _marked(text):
            return self.tables[name].number(text, lambda: [text])
        for mark, value in said:
            text = text.replace(value, mark)
        return self.tables[name].number(("with marks", text), lambda: _parts(text))

    def _error(self, error: Error | None) -> int:
        if error is None:
            return NONE
        key = (error.type, error.message, error.traceback)
        return self.tables["error"].number(key, lambda: self._kept(error))

    def _kept(self, error: Error) -> tuple[str, str, str | None]:
        self._room -= len(error.message) + len(error.traceback)
        if self._room >= 0:
            return error.type, error.message, error.traceback
        return error.type, error.message[:BEGINNING], None

    def _history(self, case: str) -> int:
        changes = self._changes.get(case)
        if not changes:
            return NONE
        return self.tables["history"].number(changes, lambda: _coded(changes))


def dashboard_data(results: Results, comparison: Comparison | None, trends: Trends | None) -> dict[str, Any]:
    """Go through `results` once and return what the page needs, as plain data.

    `columns` have a number for each case: an index into the table of that name (-1 for none), an index into
    `outcomes`, milliseconds or KiB. `notes` are by the case's place in the columns.
    """
    cases = Cases(trends.changes if trends else {})
    by_case = _notes(comparison, trends)
    notes: dict[int, dict[str, Any]] = {}
    for head, records in results.parts():
        for record in records:
            place = cases.add(record, head.shard)
            if record.case in by_case:
                notes[place] = by_case[record.case]
    for record in results.absent:
        place = cases.add(record, None)
        if record.case in by_case:
            notes[place] = by_case[record.case]
    return {
        "outcomes": SEVERITY,
        "red": [CODES[outcome] for outcome in RED],
        "within": WITHIN,
        "tables": {name: table.entries for name, table in cases.tables.items()},
        "columns": cases.columns,
        "notes": notes,
        "points": [_point(point) for point in trends.points] if trends else [],
    }


def embedded(data: Any) -> str:
    """Return `data` as JSON that stands in a script element of any page: ASCII, without `<`, `>` and `&`."""
    return json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(ESCAPED)


def _marked(text: str) -> bool:
    """Tell whether a text has one of the marks by itself."""
    return not (text.isascii() or MARKS.isdisjoint(text))


def _parts(text: str) -> list[str | int]:
    parts: list[str | int] = []
    begin = 0
    for end, character in enumerate(text):
        if character in MARKS:
            parts += [text[begin:end], WITHIN.index(MARK_OF[character])]
            begin = end + 1
    return [part for part in (*parts, text[begin:]) if part != ""]


def _coded(changes: Changes) -> list[tuple[int, int]]:
    return [(run, NONE if outcome is None else CODES[outcome]) for run, outcome in changes]


def _cause(record: Record) -> str | None:
    """Return the fingerprint of the cause of what is red or a known failure; None where nothing is known of it."""
    identity = identity_of(record) if record.outcome in CAUSED else None
    return None if identity is None else identity.fingerprint


def _worker(record: Record, shard: int | None) -> str | None:
    if record.worker is None and shard is None:
        return None
    return " ".join(filter(None, (f"shard {shard}" if shard is not None else None, record.worker)))


def _notes(comparison: Comparison | None, trends: Trends | None) -> dict[str, dict[str, Any]]:
    """Return what is to be said of single cases beside their records."""
    notes: dict[str, dict[str, Any]] = {}

    def note(case: str, name: str, value: Any) -> None:
        notes.setdefault(case, {})[name] = value

    if comparison:
        for name in ("failing", "fixed", "unavailable", "inapplicable"):
            for change in getattr(comparison, name):
                note(change.case, "change", (name, change.before))
        for name in ("slower", "heavier"):
            for shift in getattr(comparison, name):
                note(shift.case, name, _shift(shift))
    if trends:
        for name in ("slower", "heavier"):
            for shift in getattr(trends, name):
                note(shift.case, name, _shift(shift))
        for case, streak in trends.streaks.items():
            note(
                case,
                "red",
                {
                    "run": streak.run,
                    "started": streak.started,
                    "commit": streak.commit,
                    "runs": streak.runs,
                    "last_good": streak.last_good,
                },
            )
        for flake in trends.flaky:
            note(flake.case, "flaky", {"passed": flake.passed, "failed": flake.failed, "last_run": flake.last_run})
    return notes


def _shift(shift: Shift) -> dict[str, Any]:
    return {
        "before": _finite(shift.before),
        "after": _finite(shift.after),
        "since": shift.since,
        "commit": shift.commit,
        "started": shift.started,
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "run": point.run,
        "started": point.started,
        "commit": point.commit,
        "branch": point.branch,
        "planned": point.planned,
        "executed": point.executed,
        "green": point.green,
        "outcomes": [point.outcomes.get(outcome, 0) for outcome in SEVERITY],
        "ladder": dict(point.ladder),
        "duration_s": _finite(point.duration_s),
    }


def _finite(number: float) -> float | None:
    return round(number, 4) if math.isfinite(number) else None
