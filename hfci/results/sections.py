"""The summary as sections, each a title and a table of plain text: what every page of it shows, and in which order."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import msgspec

from hfci.cases.measured import COUNTS
from hfci.cases.outcome import Outcome
from hfci.cases.records import Header
from hfci.results.causes import Cause, group
from hfci.results.comparison import Shift
from hfci.results.differences import Difference
from hfci.results.executed_lines import Reach, median_reach, unentered
from hfci.results.expiring import Expiring
from hfci.results.ladder import MEANING
from hfci.results.lost import Lost
from hfci.results.speeds import blurred_row, compiled_whole, how_sharp, not_measured, speed_rows
from hfci.results.spent import spent
from hfci.results.summary import VANISHED, Changed, Flaky, Summary
from hfci.results.tally import Cell, Failure, JobTimes
from hfci.results.text import clean, first_line, shorten

__all__ = [
    "RED_MARK",
    "Column",
    "Linked",
    "Section",
    "at",
    "command",
    "fixes",
    "how_flaky",
    "measured",
    "sections",
    "since",
    "strikes",
    "what",
]

RED_MARK = "❌"
TIERS = ("smoke", "functional", "deep")  # the known ones; records may say anything
OTHER_TIERS = "other"

# A section has so many rows at most, however many cases there are; and a command that is longer is nobody's.
MOST_REGRESSIONS, MOST_ROWS = 500, 200
LONGEST_NAME, LONGEST_COMMAND = 300, 1_000
MOST_NAMES = 5


class Linked(str):
    """A cell's text, and the address that it may be linked to, which is none of anybody's but hfci's making."""

    address: str | None = None


class Column(NamedTuple):
    """A column's name, and whether its text is our own, from tests (`foreign`), or a number."""

    name: str
    is_foreign: bool = False
    is_number: bool = False


@dataclass(frozen=True)
class Section:
    """A table, of which the first `opened` rows are seen at once; `total` counts those beyond `rows` too."""

    title: str
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    total: int = 0
    opened: int = MOST_ROWS
    note: str = ""


def sections(summary: Summary) -> tuple[Section, ...]:
    """Return the sections that have something to say, what matters most first."""
    candidates = (
        _causes("Regressions", summary.regressions, most=MOST_REGRESSIONS),
        _section("Different from the baseline", DIFFERENCES, _difference, summary.differences, opened=25),
        _section("Lost since the earlier manifest", LOST, _lost, summary.lost, opened=25),
        Section("", note=_covered(summary)),
        _section(
            "Known from earlier, and not read",
            UNREAD,
            _unread,
            summary.unread,
            note=UNREAD_NOTE if summary.unread else "",
        ),
        _section("No longer tested", CHANGED, _changed, summary.unavailable, opened=10),
        _section("Fixed", FIXED, _fixed, fixes(summary.fixed), opened=5),
        _causes("Failures" if summary.baseline is None else "Other failures", summary.others),
        _section(
            "Numerics changed", NUMERICS, _numerics, tuple(summary.numerics.items()), opened=10, note=_moved(summary)
        ),
        _section("Slower", SHIFTS, _shift, summary.slower, opened=10),
        _section("Heavier", SHIFTS, _shift, summary.heavier, opened=10),
        _section("Slower than the reference says", SPEEDS_MOVED, _moved_speed, summary.slowed, opened=10),
        _section(
            "Slow-downs that would be told",
            BLURRED,
            blurred_row,
            summary.sharpness.blurred,
            opened=0,
            note=how_sharp(summary.sharpness),
        ),
        _section("Compiled less well", SPEEDS_MOVED, _moved_speed, summary.broken, opened=10),
        _section("Quarantined", QUARANTINED, _quarantined, summary.quarantined, opened=10),
        _section("Flaky", FLAKY, _flaky, summary.flaky, opened=10),
        _counts("Outcomes", Column("outcome"), {name: count for name, count in summary.outcomes.items() if count}),
        replace(_counts("Coverage", Column("rung"), summary.ladder, unit="model types"), note=MEANING),
        _families(summary),
        _tasks(summary),
        _counts("Unavailable", REASON, summary.reasons, opened=10),
        _known(summary),
        _section("Known failures about to expire", EXPIRING, _expiring, summary.expiring),
        _section("Executed lines", REACHES, _reach, summary.reaches, opened=10, note=median_reach(summary.reaches)),
        _section(
            "Speeds", SPEEDS, tuple, speed_rows(summary.measured), opened=0, note=compiled_whole(summary.measured)
        ),
        _counts("Not measured", REASON, not_measured(summary.measured), opened=0),
        _section("Failing cases", FAILURES, _failure, (*summary.regressions, *summary.others), opened=0),
        _section("Slowest", SLOWEST, _slow, summary.slowest, opened=0),
        _section("Shards", SHARDS, _shard, summary.shards, opened=0, note=_balance(summary.shards)),
        _section("Runs", RUNS, tuple, _runs(summary), opened=0),
        _counts("Records", Column("what"), _records(summary), unit="records"),
    )
    return tuple(section for section in candidates if section.rows or section.note)


# Their columns: of our own words, foreign text, and numbers.


def _columns(*own: str, foreign: Sequence[str] = (), numbers: Sequence[str] = ()) -> tuple[Column, ...]:
    return tuple(Column(name, name in foreign, name in numbers) for name in own)


UNREAD = _columns("what is wrong with it", foreign=("what is wrong with it",))
UNREAD_NOTE = "Nothing here goes by it: no baseline, no trend, no order."
NUMERICS_NOTE = (
    "Another transformers computes other numbers than those that were measured: no failure, look whether it is meant."
)
REASON = Column("reason", is_foreign=True)
CAUSES = _columns(
    *("cases", "cause", "where", "strikes", "since", "reproduce"),
    foreign=("cause", "where", "strikes", "since", "reproduce"),
    numbers=("cases",),
)
KNOWN = _columns(
    *("cases", "entry of the ledger", "error", "where", "strikes", "since"),
    foreign=("entry of the ledger", "error", "where", "strikes", "since"),
    numbers=("cases",),
)
FAILURES = _columns("case", "outcome", "error", foreign=("case", "error"))
DIFFERENCES = _columns("what", "in the baseline", "now", foreign=("what", "in the baseline", "now"))
CHANGED = _columns("case", "was", "now", "reason", foreign=("case", "reason"))
FIXED = _columns("case", "cases", "what was wrong", foreign=("case", "what was wrong"), numbers=("cases",))
SHIFTS = _columns(
    "case", "before", "now", "times", "since", foreign=("case", "since"), numbers=("before", "now", "times")
)
NUMERICS = _columns("case", "how", foreign=("case", "how"))
SPEEDS_MOVED = _columns(
    *("case", "what", "before", "now", "times", "since", "evidence"),
    foreign=("case", "what", "since", "evidence"),
    numbers=("before", "now", "times"),
)
SPEEDS = _columns(
    *("case", "what", "milliseconds", "a second", "times the reference", "rounds"),
    foreign=("case", "what", "a second"),
    numbers=("milliseconds", "times the reference"),
)
BLURRED = _columns(
    *("case", "what", "times that would be told"), foreign=("case", "what"), numbers=("times that would be told",)
)
FLAKY = _columns("case", "how", "last in", foreign=("case", "last in"))
QUARANTINED = _columns("case", "error", "reproduce", foreign=("case", "error", "reproduce"))
EXPIRING = _columns("entry of the ledger", "expires", "days left", "reason", foreign=("entry of the ledger", "reason"))
REACHES = _columns(
    *("model type", "executed", "lines", "share", "never entered"),
    foreign=("model type", "never entered"),
    numbers=("executed", "lines", "share"),
)
SLOWEST = _columns("case", "seconds", foreign=("case",), numbers=("seconds",))
SHARDS = _columns(
    *("run", "shard", "runner", "cases", "seconds of work", "longest worker", "its seconds", "started"),
    foreign=("run", "runner", "longest worker", "started"),
    numbers=("cases", "seconds of work", "its seconds"),
)
TASK_COUNTS = ("allowed", "run", "passed")
EXCLUDED = "excluded by rule"
FACTS = ("run", "started", "commit", "branch", "device", "tier", "seed", "versions", "imports", "machine")
LOST = _columns("whose", "what", "accepted because", foreign=("whose", "what", "accepted because"))
RUNS = _columns("of", *FACTS, foreign=FACTS)

Thing = TypeVar("Thing")
Row = tuple[str, ...]


def _section(
    title: str,
    columns: tuple[Column, ...],
    row: Callable[[Thing], Row],
    things: Sequence[Thing],
    *,
    opened: int = MOST_ROWS,
    most: int = MOST_ROWS,
    note: str = "",
) -> Section:
    return Section(title, columns, tuple(map(row, things[:most])), len(things), opened, note)


def _counts(title: str, column: Column, counts: Mapping[str, int], unit: str = "cases", opened: int = 200) -> Section:
    columns = (column, Column(unit, is_number=True))
    return _section(title, columns, lambda item: (_name(item[0]), f"{item[1]:,}"), tuple(counts.items()), opened=opened)


def _causes(title: str, failures: Sequence[Failure], most: int = MOST_ROWS) -> Section:
    """Return failures by their causes."""
    return _told(_section(title, CAUSES, _cause, group(failures), most=most, opened=25))


def _known(summary: Summary) -> Section:
    """Return known failures by their causes: of one entry of the ledger there may be several."""
    of_entry: dict[str, list[Failure]] = {entry: [] for entry in summary.known}
    for failure in summary.known_failures:
        of_entry[failure.entry].append(failure)
    causes = tuple(itertools.chain.from_iterable(map(group, of_entry.values())))
    return _told(_section("Known failures", KNOWN, _known_cause, causes, opened=10))


def _told(section: Section) -> Section:
    """Return a section of causes without the columns for where and since when, if it says that of none of them."""
    told = [
        name not in ("where", "since") or any(row[place] for row in section.rows)
        for place, (name, *_) in enumerate(section.columns)
    ]
    rows = (tuple(itertools.compress(row, told)) for row in section.rows)
    return replace(section, columns=tuple(itertools.compress(section.columns, told)), rows=tuple(rows))


def _cause(cause: Cause) -> Row:
    example = cause.example
    return f"{cause.count:,}", what(cause), _where(cause), strikes(cause), since(cause), command(example.reproduce)


def _known_cause(cause: Cause) -> Row:
    example = cause.example
    return f"{cause.count:,}", example.entry, first_line(example.error), _where(cause), strikes(cause), since(cause)


def _where(cause: Cause) -> str:
    where = Linked(_name(cause.example.place))
    where.address = cause.example.address
    return where


def what(cause: Cause) -> str:
    """Return how the cases of a cause ended, and with which error."""
    example = cause.example
    stage = f" at {_name(example.stage)}" if example.stage else ""
    outcomes = ", ".join(map(_name, cause.outcomes))
    error = first_line(example.error)
    return f"{outcomes}{stage}: {error}" if error else f"{outcomes}{stage}"


def strikes(cause: Cause) -> str:
    """Return which model types a cause strikes, and of which families; of a single case, its ID."""
    if cause.count == 1:
        return _name(cause.example.case)
    return f"{_listed(cause.model_types)} ({_listed(cause.families)})"


def _listed(names: Collection[str]) -> str:
    """Return the first of some names, and how many there are beyond them."""
    shown = [_name(name) for name, _ in zip(names, range(MOST_NAMES), strict=False)]
    left = f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
    return ", ".join(shown) + left


def since(cause: Cause) -> str:
    """Return since when a cause is there, where a history says it, and whether what changed touches its cases."""
    return "; ".join(filter(None, (_dated(cause.example), _touched(cause))))


def _dated(failure: Failure) -> str:
    if failure.episode or failure.since is None:
        return shorten(failure.episode, LONGEST_NAME)
    return f"since run {at(failure.since, failure.since_commit)}, {failure.runs:,} run{'s' * (failure.runs != 1)}"


def _touched(cause: Cause) -> str:
    if cause.touched is None:
        return ""
    touched = {0: "none", cause.count: "all"}.get(cause.touched, f"{cause.touched:,}")
    return f"the change touches {touched} of them" if cause.count > 1 else "the change touches it" * bool(cause.touched)


def _failure(failure: Failure) -> Row:
    was = f" (was {failure.before})" if failure.before and failure.outcome != VANISHED else ""
    return _name(failure.case), failure.outcome + was, first_line(failure.error)


def _difference(difference: Difference) -> Row:
    return _name(difference.what), _name(difference.before), _name(difference.now)


def at(run: str | None, commit: str | None) -> str:
    """Return where a run stands in the history; nothing where there is none."""
    parts = (_name(run), f"(commit {shorten(commit, LONGEST_NAME)[:12]})" if commit else "")
    return " ".join(filter(None, parts))


def command(reproduce: str | None) -> str:
    """Return a command whole, so that it can be pasted, or say that it is too long to be one."""
    text = reproduce or ""
    return clean(text) if len(text) <= LONGEST_COMMAND else "(too long to show; it is in the records)"


def _name(text: object) -> str:
    return "" if text is None else shorten(str(text), LONGEST_NAME)


def _changed(changed: Changed) -> Row:
    return _name(changed.case), changed.before or "", changed.after or "", changed.reason


def _unread(error: str) -> Row:
    return (first_line(error),)


def fixes(fixed: Sequence[Changed]) -> tuple[tuple[Changed, int], ...]:
    """Return one case of each cause that is gone, and how many there were."""
    causes: dict[str, list[Changed]] = {}
    for changed in fixed:
        causes.setdefault(changed.cause or changed.case, []).append(changed)
    return tuple((cases[0], len(cases)) for cases in causes.values())


def _fixed(fix: tuple[Changed, int]) -> Row:
    changed, count = fix
    return _name(changed.case), f"{count:,}", _name(changed.reason or changed.before)


def measured(shift: Shift) -> tuple[str, str]:
    """Return what was measured before and now, with the unit."""
    unit, form = UNITS.get(shift.quantity, RELATIVE)
    return form.format(shift.before / unit), form.format(shift.after / unit)


def _shift(shift: Shift) -> Row:
    times = f"{shift.after / shift.before:.1f}" if shift.before else ""
    return (_name(shift.case), *measured(shift), times, at(shift.since, shift.commit))


def _moved_speed(shift: Shift) -> Row:
    times = f"{shift.after / shift.before:.2f}" if shift.before else ""
    at_what = _name(shift.quantity), *measured(shift), times
    return _name(shift.case), *at_what, at(shift.since, shift.commit), first_line(shift.evidence)


def how_flaky(flaky: Flaky) -> str:
    """Return why a case is held for flaky."""
    if flaky.passed is None:
        return "two attempts of this run ended differently"
    return f"{flaky.passed:,} passed and {flaky.failed:,} failed on the same code"


UNITS = {
    "duration_s": (1, "{:.2f} s"),
    "peak_memory_bytes": (2**20, "{:,.0f} MiB"),
    **dict.fromkeys(COUNTS, (1, "{:,.0f}")),
}
RELATIVE = (1, "{:.2f} references")


def _flaky(flaky: Flaky) -> Row:
    return _name(flaky.case), how_flaky(flaky), _name(flaky.last_run)


def _quarantined(failure: Failure) -> Row:
    return _name(failure.case), _name(failure.error), command(failure.reproduce)


def _lost(loss: Lost) -> Row:
    return _name(loss.whose), _name(loss.what), first_line(loss.accepted) if loss.accepted else f"{RED_MARK} no"


def _numerics(changed: tuple[str, str]) -> Row:
    return _name(changed[0]), changed[1]


def _moved(summary: Summary) -> str:
    return NUMERICS_NOTE if summary.numerics else ""


def _expiring(entry: Expiring) -> Row:
    left = f"{entry.days_left}" if entry.days_left >= 0 else f"over for {-entry.days_left}"
    return _name(entry.name), entry.expires, left, first_line(entry.reason)


def _reach(reach: Reach) -> Row:
    numbers = f"{reach.executed:,}", f"{reach.lines:,}", f"{reach.share:.1%}"
    return _name(reach.model_type), *numbers, _name(unentered(reach))


def _slow(slow: tuple[str, float]) -> Row:
    return _name(slow[0]), f"{slow[1]:.2f}"


def _covered(summary: Summary) -> str:
    """Return what is not covered, and what changed beside the regressions, in a line each."""
    names = (Outcome.UNAVAILABLE, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN, Outcome.ASSUMED)
    missed = ", ".join(f"{summary.outcomes[name]:,} {name}" for name in names if summary.outcomes[name])
    checked, catalogued = summary.ladder["checked"], summary.ladder["catalogued"]
    text = f"Not covered: {missed or 'nothing that was planned'}. Checked: {checked:,} of {catalogued:,} model types."
    counts = {"fixed": len(summary.fixed), "no longer tested": len(summary.unavailable), "new": summary.added}
    changed = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return f"{text} Besides: {changed}." if changed else text


def _families(summary: Summary) -> Section:
    """Return passed / executed / planned of each family in each tier, those with something red first."""
    tiers = tuple(tier for tier in TIERS if any(tier in cells for cells in summary.families.values()))
    others = any(cells.keys() - set(TIERS) for cells in summary.families.values())
    columns = _columns("family", *tiers, *((OTHER_TIERS,) if others else ()), foreign=("family",))

    def red(family: str) -> int:
        return sum(cell.red for cell in summary.families[family].values())

    def row(family: str) -> Row:
        cells = summary.families[family]
        rest = (Cell.sum(cell for tier, cell in cells.items() if tier not in TIERS),) if others else ()
        return (_name(family), *(_cell(cell) for cell in (*map(cells.get, tiers), *rest)))

    families = sorted(summary.families, key=lambda family: (-red(family), family))
    note = "In each tier: passed / executed / planned."
    opened = sum(red(family) > 0 for family in families[:10])
    return _section("Families", columns, row, families, opened=opened, note=note if families else "")


def _tasks(summary: Summary) -> Section:
    """Return of each pipeline task how many architectures may serve it, run it, and pass whatever of it was executed.

    Those that its table lists and a rule excludes stand beside, the rule that excludes most of them first.
    """
    columns = _columns("task", *TASK_COUNTS, EXCLUDED, foreign=("task", EXCLUDED), numbers=TASK_COUNTS)

    def row(task: str) -> Row:
        cells = summary.tasks.get(task, {}).values()
        run = [cell for cell in cells if cell.executed]
        passed = sum(cell.passed == cell.executed and not cell.red for cell in run)
        rules = Counter(summary.excluded_tasks.get(task, {})).most_common()
        excluded = ", ".join(f"{rule} {count:,}" for rule, count in rules)
        return (_name(task), f"{len(cells):,}", f"{len(run):,}", f"{passed:,}", excluded)

    note = "Of each pipeline task, in architectures; `hfci catalog --tasks` says whom a rule excludes, and why."
    tasks = sorted({*summary.tasks, *summary.excluded_tasks}) if summary.tasks else []
    return _section("Tasks", columns, row, tasks, opened=0, note=note if tasks else "")


def _cell(cell: Cell | None) -> str:
    if cell is None or not cell.planned:
        return ""
    mark = f"{RED_MARK} " if cell.red else ""
    return f"{mark}{cell.passed:,} / {cell.executed:,} / {cell.planned:,}"


def _shard(shard: JobTimes) -> Row:
    attempt = f", attempt {shard.attempt}" if shard.attempt > 1 else ""
    name = f"{'all' if shard.shard is None else shard.shard}{attempt}"
    work = f"{shard.cases:,}", f"{shard.seconds:,.1f}", _name(shard.longest_worker), f"{shard.longest_s:,.1f}"
    return _name(shard.run), name, _name(shard.runner), *work, _name(shard.started)


def _balance(shards: Sequence[JobTimes]) -> str:
    """Return by how much the slowest of several shards worked longer than their mean."""
    busy = [shard.longest_s for shard in shards if shard.longest_s > 0]
    took = f"{spent(shards)}." if busy else ""
    if len(busy) < 2:
        return took
    mean = sum(busy) / len(busy)
    return (
        f"{took} The longest of {len(busy):,} shards took {max(busy):,.1f} s, {max(busy) / mean:.2f} times their mean."
    )


def _runs(summary: Summary) -> Sequence[Row]:
    """Return the facts of each run, once, and of the baseline."""
    rows = {
        ("this run", *(_name(facts[name]) for name in FACTS)): None
        for head in summary.runs
        for facts in (_facts(head),)
    }
    earlier = summary.baseline
    if earlier is not None:
        rows["the baseline", *(_name(earlier.get(name)) for name in FACTS)] = None
    return tuple(rows)


def _facts(head: Mapping[str, Any]) -> Mapping[str, Any]:
    whole = msgspec.convert(head, Header)
    return {**head, "versions": _versions(head), "imports": whole.beside, "machine": whole.machine}


def _versions(head: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in head["versions"].items() if version)


def _records(summary: Summary) -> dict[str, int]:
    counts = {
        "torn: a run was cut off": summary.torn,
        "announced and never written: not-run": summary.missing,
        "superseded by a later attempt or run of the same case": summary.superseded,
    }
    return {what: count for what, count in counts.items() if count}
