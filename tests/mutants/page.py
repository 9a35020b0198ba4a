"""The page "What hfci can see", rendered from what was measured: faults that were tried, changes, sensitivity."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from hfci.cases.manifest import Manifest
from hfci.checks.recorded_changes import FOLDER, ChangesFile, Does, read_changes
from hfci.parsing import read_json, read_toml

from .fixes import Kind
from .operators import KINDS
from .results import GOLDEN, Result, Results, undone

__all__ = [
    "EXPLAINED",
    "FAINTEST",
    "FIXES",
    "PAGE",
    "TRIED",
    "Explained",
    "Faint",
    "families",
    "page",
    "read_explained",
    "written",
]

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "sight.md"
TRIED, FIXES = HERE / "tried.jsonl", HERE / "undone.jsonl"
EXPLAINED, FAINTEST = HERE / "survivors.toml", HERE / "faintest.json"

Filled = Annotated[str, Meta(min_length=1)]


class Explained(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a fault survives: it does the same (`is_equivalent`), or something that no test sees.

    Its place, as results have it, begins with `place`: a function, a line of it, or all of it.
    """

    model_type: Filled
    place: Filled
    why: Filled
    is_equivalent: bool = False

    def is_about(self, result: Result) -> bool:
        """Tell whether it is about a survivor."""
        return result.model_type == self.model_type and result.place.startswith(self.place)


class _ExplainedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    survivor: tuple[Explained, ...]


class Faint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parameter of a family that, moved by its own size, moves an output least; by so many times the tolerance."""

    family: Filled
    architecture: Filled
    parameter: Filled
    factor: float


class _FaintestFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    schema: Literal[1] = 1
    parameters: int
    deciles: tuple[float, ...]
    faintest: tuple[Faint, ...]


def read_explained(path: Path = EXPLAINED) -> tuple[Explained, ...]:
    """Return what was read about survivors; UsageError where the file is wrong."""
    return read_toml(path, _ExplainedFile, "the table of survivors").survivor


def families(manifest: Manifest) -> dict[str, str]:
    """Return the family of the base of each model type that has one."""
    return {
        row.model_type: architecture.family
        for row in manifest.model_types
        for architecture in row.architectures
        if architecture.name == row.base and architecture.family is not None
    }


def written(families: Mapping[str, str]) -> str:
    """Return the page of what is written down in this folder and of the recorded changes."""
    changes = [file for path in sorted(FOLDER.glob("*.json")) if (file := read_changes(path.stem)) is not None]
    faint = read_json(FAINTEST, _FaintestFile, "list of faint parameters", schema=1)
    return "\n".join(
        [
            page(Results(TRIED).every, Results(FIXES).every, read_explained(), families),
            _changes(changes, families),
            _faintest(faint),
        ]
    )


def page(
    mutants: Sequence[Result], fixes: Sequence[Result], explained: Sequence[Explained], families: Mapping[str, str]
) -> str:
    """Return what became of mutants and of undone fixes; `families` has the family of each model type."""
    fixes = undone(fixes)
    reasons = [(result, _reason(result, explained)) for result in (*mutants, *fixes) if not result.is_seen]
    equivalent = {id(result) for result, reason in reasons if reason is not None and reason.is_equivalent}
    counted, fixed = ([result for result in some if id(result) not in equivalent] for some in (mutants, fixes))
    parts = [
        _HEAD.format(
            tried=len(mutants),
            types=len({each.model_type for each in mutants}),
            same=len(mutants) - len(counted),
        ),
        _shares("Kind of fault", counted, lambda each: each.kind, KINDS),
        _shares("Family", counted, lambda each: families[each.model_type], sorted(set(families.values()))),
        _FIXES.format(tried=len(fixes), same=len(fixes) - len(fixed)),
        _shares("What was mended", fixed, lambda each: each.kind, get_args(Kind), _SEEN),
        "## What a check sees alone\n\nSo many of all these faults turn one check red and no other.\n\n"
        + _alone((*mutants, *fixes)),
        "## What stays unseen\n\n" + _survivors(reasons),
    ]
    return "\n".join(parts)


_HEAD = """# What hfci can see

A check is worth what it can see. {tried} mutants of {types} model types, drawn at random, were tried: one expression
changed by a rule in a modelling or configuration file of transformers, then the tests of every tier of the model types
whose classes the file has.
{same} of them do the same as the code they were made of, by the reasons below, and are not counted here.

`nox -s mutants` tries them again, `nox -s mutants -- --page` renders this page from what lies in `tests/mutants`.
*Seen* is by an invariant, *with golden outputs* by them too, which know what the outputs were. *Reached* is run at all.
"""

_FIXES = """## Fixes undone

{tried} fixes that transformers made between 5.17 and 5.24 were undone, one at a time, and the tests run of one to three
model types that the fix is about (`nox -s mutants -- --fixes`). {same} of them change nothing, by the reasons below.
"""


# What a column of shares counts. Whether a line is run at all is measured of mutants alone: a fix has no line.
_SEEN = {"seen": "is_seen", "with golden outputs": "is_seen_with_golden"}
_MEASURED = {"reached": "reached", **_SEEN}


def _shares(
    title: str,
    results: Sequence[Result],
    key: Callable[[Result], str],
    order: Iterable[str],
    columns: Mapping[str, str] = _MEASURED,
) -> str:
    """Return a table of how many were tried and, by a key of theirs, the share that each of `columns` is of."""
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        groups[key(result)].append(result)
    rows = [(name, groups[name]) for name in order if name in groups] + [("**together**", list(results))]
    lines = [f"| {title} | tried | {' | '.join(columns)} |", "|---|--:" + "|--:" * len(columns) + "|"]
    for name, some in rows:
        shares = (sum(map(attrgetter(field), some)) / max(len(some), 1) for field in columns.values())
        lines.append(f"| {name} | {len(some)} | {' | '.join(f'{share:.0%}' for share in shares)} |")
    return "\n".join([*lines, ""])


def _alone(results: Iterable[Result]) -> str:
    alone = Counter(next(iter(each.red)) for each in results if len(each.red) == 1)
    rows = (f"| `{name}` | {count} |" for name, count in alone.most_common())
    return "\n".join(["| Check | faults |", "|---|--:|", *rows, ""])


def _reason(result: Result, explained: Iterable[Explained]) -> Explained | None:
    return next((each for each in explained if each.is_about(result)), None)


def _survivors(reasons: Iterable[tuple[Result, Explained | None]]) -> str:
    lines = ["| Model type | Fault | Why |", "|---|---|---|"]
    for result, reason in reasons:
        if reason is not None:
            why = f"{'does the same: ' if reason.is_equivalent else ''}{reason.why}"
        else:
            why = "no test runs this line" if not result.reached else "not read yet"
        golden = "" if GOLDEN not in result.red else "; golden outputs see it"
        lines.append(f"| {result.model_type} | {_cell(result.place)} | {_cell(why + golden)} |")
    return "\n".join([*lines, ""])


def _changes(files: Sequence[ChangesFile], families: Mapping[str, str]) -> str:
    """Return a table, by family, of the fields of configurations, and of what became of their changes."""
    kinds: tuple[str, ...] = get_args(Does)
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for file in files:
        row = rows[families[file.model_type]]
        reached = {change.partition("=")[0] for change in file.by_change}
        row.update(model_types=1, fields=len(reached) + len(file.unreached), reached=len(reached))
        row.update(effect.does for effect in file.by_change.values())
    together = sum(rows.values(), Counter[str]())
    lines = [
        "## The space of configurations",
        "",
        "Each field of the configuration of a base, changed alone to what its class says that it may be, and what nine",
        "checks say of the model then (`hfci changes show`).",
        "",
        f"| Family | model types | fields | reached | {' | '.join(kinds)} |",
        f"|---|{'--:|' * (3 + len(kinds))}",
    ]
    for name, row in [*sorted(rows.items()), ("**together**", together)]:
        share = f"{row['reached'] / max(row['fields'], 1):.0%}"
        numbers = [row["model_types"], row["fields"], share, *(row[kind] for kind in kinds)]
        lines.append(f"| {name} | {' | '.join(map(str, numbers))} |")
    return "\n".join([*lines, ""])


def _faintest(file: _FaintestFile) -> str:
    """Return a table of the parameter of each family that matters least."""
    deciles = ", ".join(f"{decile:,.0f}" for decile in file.deciles)
    lines = [
        "## The least sensitive parameters",
        "",
        f"{file.parameters:,} parameters were moved alone, each by its own size. By how many times what comparisons",
        f"allow each moves the output that it moves most, in deciles: {deciles}.",
        "Below is the least of each family that was measured, of those of which no rule and no exception says why",
        "they do nothing. Ten times are asked for, and less where an exception says what makes it faint.",
        "",
        "| Family | Architecture | Parameter | moves it by |",
        "|---|---|---|--:|",
        *(
            f"| {each.family} | {each.architecture} | `{each.parameter}` | {_times(each.factor)} times |"
            for each in file.faintest
        ),
    ]
    return "\n".join([*lines, ""])


def _times(factor: float) -> str:
    return f"{factor:,.0f}" if factor >= 10 else f"{factor:.2g}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
