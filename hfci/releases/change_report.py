"""A comparison as people read it: release notes, grouped by what changed and by the source that it depends on.

Every text that comes from a side is hostile: it is cleaned and escaped where it is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hfci.releases.changes import ArchitectureChange, ChangeKind, Changes, ModelTypeChange
from hfci.releases.measurements import Field
from hfci.releases.source_diff import SourceDiff
from hfci.results.html import write_page
from hfci.results.text import code, shorten

__all__ = ["Entry", "Line", "Section", "sections", "write_html", "write_markdown"]

STYLES = ("dashboard.css", "changes.css")

# Of a list of names so many are shown in Markdown and in a terminal; a page and JSON have them all.
MOST = 12
_DIFFS = 6
_LONGEST = 300

MEANING = {
    ChangeKind.SAME: "every output has the same bits",
    ChangeKind.NOISE: "no output moved by more than float error does there",
    ChangeKind.NUMERICS: "the same weights and inputs give other numbers",
    ChangeKind.ADDED: "on the second side alone",
    ChangeKind.REMOVED: "on the first side alone",
    ChangeKind.MENDED: "stopped on the first side",
    ChangeKind.FAILS: "worked on the first side, and stops on the second",
    ChangeKind.BROKEN: "stops on both sides",
}


@dataclass(frozen=True)
class Line:
    """What is said of some architectures: `whose` names them, `text` what of them."""

    whose: str
    text: str


@dataclass
class Entry:
    """One change: its title, of whom it is told and what, and the sources it depends on."""

    title: str
    lines: list[Line] = field(default_factory=list)
    sources: tuple[SourceDiff, ...] = ()


@dataclass(frozen=True)
class Section:
    """One kind of change: how many architectures or model types it is about, and its entries."""

    title: str
    about: str
    count: int
    entries: Sequence[Entry]
    what: str = "architecture"

    @property
    def counted(self) -> str:
        """How many, in words."""
        return f"{self.count:,} {self.what}{'s' * (self.count != 1)}"


def sections(changes: Changes) -> tuple[Section, ...]:
    """Return what changed, the worst first; kinds of which there is nothing are left out."""
    named = (
        _cases("Newly failing", changes.failing, "passed on the first side"),
        _of_kind(changes, ChangeKind.FAILS),
        _of_kind(changes, ChangeKind.NUMERICS),
        _interface(changes),
        _configurations(changes),
        _keys(changes),
        _of_kind(changes, ChangeKind.REMOVED),
        _of_kind(changes, ChangeKind.ADDED),
        _of_kind(changes, ChangeKind.MENDED),
        _cases("Fixed", changes.fixed, "failed on the first side"),
        _of_kind(changes, ChangeKind.NOISE),
        _of_kind(changes, ChangeKind.BROKEN),
    )
    return tuple(section for section in named if section.count)


def _of_kind(changes: Changes, kind: ChangeKind) -> Section:
    """Group architectures by the model type, and model types by the sources and the words that they share."""
    found = [(row, each) for row, each in changes.each() if each.kind == kind]
    by_cause: dict[tuple[object, ...], list[tuple[ModelTypeChange, ArchitectureChange]]] = defaultdict(list)
    for row, each in found:
        if kind in (ChangeKind.ADDED, ChangeKind.REMOVED):
            by_cause[("new model type" if row.is_there != "both" else "new class", row.model_type)].append((row, each))
        else:
            by_cause[_shared(changes, each) or each.sources or (each.stage, each.error)].append((row, each))
    entries = [_entry(changes, group) for group in by_cause.values()]
    entries.sort(key=lambda entry: -len(entry.lines))
    return Section(kind.value.capitalize(), MEANING[kind], len(found), entries)


def _shared(changes: Changes, each: ArchitectureChange) -> tuple[object, ...]:
    """Return the sources of models' parts that differ: those of an architecture itself are no other one's."""
    own = (each.name, f"{each.name}.")
    parts = [key for key in each.sources if changes.sources[key].file.startswith("models/")]
    return tuple(key for key in parts if not f"{changes.sources[key].name}.".startswith(own))


def _entry(changes: Changes, group: Sequence[tuple[ModelTypeChange, ArchitectureChange]]) -> Entry:
    model_types = list(dict.fromkeys(row.model_type for row, _ in group))
    sources = tuple(changes.sources[key] for key in group[0][1].sources if key in changes.sources)
    lines = [Line(f"{row.model_type} {each.name}", _said(each)) for row, each in group]
    return Entry(few(model_types), lines, sources)


def _said(each: ArchitectureChange) -> str:
    if each.error is not None:
        return f"{each.stage}: {each.error}" if each.stage else each.error
    parts = [_moved(one) for one in each.fields[:3]]
    parts += [f"{len(each.fields) - 3} more"] if len(each.fields) > 3 else []
    said = "; ".join(parts) or (f"family {each.family}" if each.family else "")
    return f"{said} (fed inputs of its own: {each.note})" if each.note else said


def _moved(one: Field) -> str:
    if one.what or one.moved is None:
        return f"{one.name} {one.what}"
    limit = f", float error {one.allowed:.0e}" if one.allowed is not None else ""
    return f"{one.name} by {one.moved:.1e} of its size{limit}"


def _interface(changes: Changes) -> Section:
    by_line: dict[str, list[str]] = defaultdict(list)
    sources: dict[str, dict[str, None]] = defaultdict(dict)
    for row, each in changes.each():
        for line in each.interface:
            by_line[line].append(f"{row.model_type} {each.name}")
            own = (each.name, f"{each.name}.forward")
            sources[line].update((key, None) for key in each.sources if changes.sources[key].name in own)
    entries = [
        Entry(line, [Line(few(whose, 2 * MOST), "")], _few_sources(changes, sources[line], len(whose)))
        for line, whose in sorted(by_line.items(), key=lambda item: -len(item[1]))
    ]
    count = sum(bool(each.interface) for _, each in changes.each())
    return Section("Interface changed", "arguments, output fields, family, tasks, checks that apply", count, entries)


def _few_sources(changes: Changes, keys: dict[str, None], of: int) -> tuple[SourceDiff, ...]:
    """Return the sources of a line about few architectures; one about many has another each."""
    return tuple(changes.sources[key] for key in keys if key in changes.sources)[:_DIFFS] if of <= MOST else ()


def _configurations(changes: Changes) -> Section:
    by_lines: dict[tuple[str, ...], list[ModelTypeChange]] = defaultdict(list)
    for row in changes.model_types:
        if row.config:
            by_lines[row.config].append(row)
    entries = []
    for lines, rows in sorted(by_lines.items(), key=lambda item: -len(item[1])):
        sources = tuple(changes.sources[key] for key in rows[0].config_sources if key in changes.sources)
        entries.append(Entry(few([row.model_type for row in rows]), [Line("", line) for line in lines], sources))
    count = sum(bool(row.config) for row in changes.model_types)
    return Section("Configuration changed", "fields of the default one, and their values", count, entries, "model type")


def _keys(changes: Changes) -> Section:
    by_keys: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row, each in changes.each():
        if each.keys:
            by_keys[each.keys].append(f"{row.model_type} {each.name}")
    entries = [
        Entry(few(whose), [Line("", line) for line in keys[:MOST]] + _more(len(keys)))
        for keys, whose in by_keys.items()
    ]
    about = "a checkpoint of the first side loads, and its weights bear other names then"
    return Section("State-dict keys changed", about, sum(map(len, by_keys.values())), entries)


def _more(count: int) -> list[Line]:
    return [Line("", f"{count - MOST} more")] if count > MOST else []


def _cases(title: str, cases: Sequence[object], about: str) -> Section:
    from hfci.releases.changes import CaseChange

    entries = []
    for case in cases:
        assert isinstance(case, CaseChange)
        entries.append(Entry(case.case, [Line(f"{case.before} → {case.after}", case.reason), Line("", case.reproduce)]))
    return Section(title, about, len(entries), entries, "case")


def few(names: Sequence[str], most: int = MOST) -> str:
    """Return names in one line, with how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def write_markdown(changes: Changes) -> str:
    """Return the comparison as a page in Markdown, for a pull request or a job's summary."""
    return "".join(f"{line}\n" for line in _markdown(changes))


def _markdown(changes: Changes) -> Iterator[str]:
    yield f"## transformers {code(changes.before)} → {code(changes.after)}"
    yield ""
    yield from ("| kind | architectures | |", "|---|---:|---|")
    yield from (f"| {kind} | {count:,} | {MEANING[kind]} |" for kind, count in changes.counts.items() if count)
    yield ""
    if changes.left:
        yield f"Interrupted: {len(changes.left):,} model types were not compared."
        yield ""
    for section in sections(changes):
        yield f"<details><summary><b>{section.title}</b>: {section.counted}, {section.about}</summary>"
        yield ""
        for entry in section.entries[: 4 * MOST]:
            yield f"- {code(shorten(entry.title, _LONGEST))}"
            for line in entry.lines[:MOST]:
                said = ": ".join(code(shorten(part, _LONGEST)) for part in (line.whose, line.text) if part)
                yield f"  - {said}" if said else ""
            if len(entry.lines) > MOST:
                yield f"  - {len(entry.lines) - MOST:,} more"
            for source in entry.sources[:_DIFFS]:
                yield f"  - {code(f'{source.file}: {source.name}')}"
        if len(section.entries) > 4 * MOST:
            yield f"- {len(section.entries) - 4 * MOST:,} more"
        yield ""
        yield "</details>"
        yield ""


def write_html(path: Path, changes: Changes) -> None:
    """Write the comparison as a page that opens from disk and loads nothing; EnvironmentUnfit where it cannot be."""
    write_page(
        path,
        "changes.html.jinja",
        STYLES,
        changes=changes,
        sections=sections(changes),
        meaning=MEANING,
        counts={kind: count for kind, count in changes.counts.items() if count},
    )
