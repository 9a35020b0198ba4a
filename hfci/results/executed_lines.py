"""How many lines of its modelling files each model type executed, and which functions none of its cases entered."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from hfci.cases.executed_lines import ExecutedLines

__all__ = ["Reach", "median_reach", "reaches", "unentered"]

MOST_NAMED = 5


@dataclass(frozen=True)
class Reach:
    """A model type's modelling files, as far as its cases went.

    - `executed`, `lines`: statements in functions, by the line that each begins in
    - `unentered`: the functions of which no line was executed, those with the most lines first, each with their number
    """

    model_type: str
    files: tuple[str, ...]
    executed: int
    lines: int
    unentered: tuple[tuple[str, int], ...]

    @property
    def share(self) -> float:
        """Executed lines of all; 1 where there is none to execute."""
        return self.executed / self.lines if self.lines else 1.0


def reaches(parts: Iterable[ExecutedLines]) -> tuple[Reach, ...]:
    """Put together what workers tell, the model type that reached least first.

    A file that several model types share counts for each as all of them together executed it: `clip_text_model` is a
    part of `clip`, whose other half it can never enter.
    """
    files: defaultdict[str, set[str]] = defaultdict(set)
    executed: defaultdict[str, dict[str, set[int]]] = defaultdict(dict)
    lines: defaultdict[str, dict[str, set[int]]] = defaultdict(dict)
    for part in parts:
        files[part.model_type].add(part.file)
        for name, function in part.functions.items():
            executed[part.file].setdefault(name, set()).update(function.executed)
            lines[part.file].setdefault(name, set()).update(function.executed, function.missing)

    def reach(model_type: str, paths: tuple[str, ...]) -> Reach:
        functions = [(path, name) for path in paths for name in lines[path]]
        unentered = ((name, len(lines[path][name])) for path, name in functions if not executed[path][name])
        return Reach(
            model_type,
            paths,
            executed=sum(len(executed[path][name]) for path, name in functions),
            lines=sum(len(lines[path][name]) for path, name in functions),
            unentered=tuple(sorted(filter(itemgetter(1), unentered), key=lambda entry: (-entry[1], entry[0]))),
        )

    reached = (reach(model_type, tuple(sorted(paths))) for model_type, paths in files.items())
    return tuple(sorted(reached, key=lambda each: (each.share, each.model_type)))


def median_reach(reaches: Sequence[Reach]) -> str:
    """Return what the model type in the middle executed of its modelling files; nothing where none is measured."""
    if not reaches:
        return ""
    middle = statistics.median(reach.share for reach in reaches)
    return (
        f"Of the lines in functions of its modelling files: {middle:.1%} in the median of {len(reaches):,} model types."
    )


def unentered(reach: Reach) -> str:
    """Return the largest functions that none of its cases entered, each with its lines, and how many more there are."""
    shown = [f"{name} ({count:,})" for name, count in reach.unentered[:MOST_NAMED]]
    left = len(reach.unentered) - len(shown)
    return ", ".join([*shown, *([f"{left:,} more"] if left else [])])
