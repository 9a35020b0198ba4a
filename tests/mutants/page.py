"""The page "What hfci can see": what became of the mutants that were tried, rendered from their results."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from hfci.parsing import read_toml

from .operators import KINDS
from .results import GOLDEN, Result

__all__ = ["EXPLAINED", "PAGE", "Explained", "page", "read_explained"]

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "sight.md"
EXPLAINED = HERE / "survivors.toml"

Filled = Annotated[str, Meta(min_length=1)]


class Explained(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a mutant survives: it does the same (`is_equivalent`), or something that no test sees.

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


def read_explained(path: Path = EXPLAINED) -> tuple[Explained, ...]:
    """Return what was read about survivors; UsageError where the file is wrong."""
    return read_toml(path, _ExplainedFile, "the table of survivors").survivor


def page(results: Sequence[Result], families: Mapping[str, str], explained: Sequence[Explained]) -> str:
    """Return the page; `families` has the family of each model type."""
    reasons = [(result, _reason(result, explained)) for result in results if not result.is_seen]
    equivalent = {id(result) for result, reason in reasons if reason is not None and reason.is_equivalent}
    counted = [result for result in results if id(result) not in equivalent]
    parts = [
        _HEAD.format(tried=len(results), types=len({each.model_type for each in results}), same=len(equivalent)),
        _shares("Kind of fault", counted, lambda each: each.kind, KINDS),
        _shares("Family", counted, lambda each: families[each.model_type], sorted(set(families.values()))),
        "## What a check sees alone\n\nSo many mutants turn one check red and no other.\n\n" + _alone(results),
        "## What stays unseen\n\n" + _survivors(reasons),
    ]
    return "\n".join(parts)


_HEAD = """# What hfci can see

A check is worth what it can see. {tried} mutants of {types} model types, drawn at random, were tried: one expression
changed by a rule in a modelling or configuration file of transformers, then the smoke and functional tests of the model
type. {same} of them do the same as the code they were made of, by the reasons below, and are not counted here.

`nox -s mutants` tries them again; it is rendered from `tests/mutants/tried.jsonl` and `tests/mutants/survivors.toml`.
*Seen* is by an invariant, *with golden outputs* by them too, which know what the outputs were. *Reached* is run at all.
"""


def _shares(title: str, results: Sequence[Result], key: Callable[[Result], str], order: Iterable[str]) -> str:
    """Return a table of how many were tried, reached and seen, by a key of theirs."""
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        groups[key(result)].append(result)
    rows = [(name, groups[name]) for name in order if name in groups] + [("**together**", list(results))]
    lines = [f"| {title} | tried | reached | seen | with golden outputs |", "|---|--:|--:|--:|--:|"]
    for name, some in rows:
        reached = sum(each.reached for each in some) / len(some)
        seen = sum(each.is_seen for each in some) / len(some)
        golden = sum(each.is_seen_with_golden for each in some) / len(some)
        lines.append(f"| {name} | {len(some)} | {reached:.0%} | {seen:.0%} | {golden:.0%} |")
    return "\n".join([*lines, ""])


def _alone(results: Iterable[Result]) -> str:
    alone = Counter(next(iter(each.red)) for each in results if len(each.red) == 1)
    rows = (f"| `{name}` | {count} |" for name, count in alone.most_common())
    return "\n".join(["| Check | mutants |", "|---|--:|", *rows, ""])


def _reason(result: Result, explained: Iterable[Explained]) -> Explained | None:
    return next((each for each in explained if each.is_about(result)), None)


def _survivors(reasons: Iterable[tuple[Result, Explained | None]]) -> str:
    lines = ["| Model type | Mutant | Why |", "|---|---|---|"]
    for result, reason in reasons:
        if reason is not None:
            why = f"{'does the same: ' if reason.is_equivalent else ''}{reason.why}"
        else:
            why = "no test runs this line" if not result.reached else "not read yet"
        golden = "" if GOLDEN not in result.red else "; golden outputs see it"
        lines.append(f"| {result.model_type} | {_cell(result.place)} | {_cell(why + golden)} |")
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
