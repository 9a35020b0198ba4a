"""What runs measured of speed, as tables show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hfci.cases.measured import BREAKS, Measured
from hfci.results.comparison import Shift
from hfci.results.text import first_line, shorten

__all__ = [
    "OUGHT",
    "Blurred",
    "Sharpness",
    "blurred_row",
    "compiled_whole",
    "explained",
    "how_sharp",
    "not_measured",
    "speed_rows",
]

# The slow-down of which a run that would not tell it, since it scatters too much, has to say so.
OUGHT = 1.5

MOST_REASONS = 3
LONGEST = 300


@dataclass(frozen=True)
class Blurred:
    """A speed that scatters so much that only a slow-down of `least` times or more would be told, or more still."""

    case: str
    quantity: str
    least: float


@dataclass(frozen=True)
class Sharpness:
    """How well slow-downs are seen in the newest run.

    - `speeds`: that it measured; `known`: those of them that have a window
    - `blurred`: those of which one of `OUGHT` times would not be told, the worst first
    """

    speeds: int = 0
    known: int = 0
    blurred: tuple[Blurred, ...] = ()


def speed_rows(measured: Mapping[str, Measured]) -> Sequence[tuple[str, ...]]:
    """Return what was measured by case, a row for each workload, what is slowest beside the reference first.

    The case, the workload, milliseconds, how much of its unit a second, how many times the reference, and its rounds.
    """
    found = [(speed, case) for case, each in measured.items() for speed in each.speeds]
    found.sort(key=lambda pair: (-pair[0].relative, pair[1]))
    return [
        (
            shorten(case, LONGEST),
            shorten(speed.name, LONGEST),
            f"{1e3 * speed.seconds:,.2f}",
            f"{speed.a_second:,.0f} {shorten(speed.unit, LONGEST)}",
            f"{speed.relative:,.2f}",
            f"{min(speed.rounds):,.2f} to {max(speed.rounds):,.2f}",
        )
        for speed, case in found
    ]


def compiled_whole(measured: Mapping[str, Measured]) -> str:
    """Return how many forwards torch.compile takes as one graph, and what breaks most of the others."""
    graphs = [each.graphs for each in measured.values() if each.graphs is not None]
    if not graphs:
        return ""
    whole = sum(not each.counts[BREAKS] for each in graphs)
    reasons = Counter(reason for each in graphs for reason in {one.reason for one in each.breaks})
    why = "".join(f"; {count:,}: {first_line(reason)}" for reason, count in reasons.most_common(MOST_REASONS))
    others = f" What breaks the others{why}." if why else ""
    return f"torch.compile takes {whole:,} of {len(graphs):,} forwards as one graph.{others}"


def explained(broken: Iterable[Shift], measured: Mapping[str, Measured]) -> tuple[Shift, ...]:
    """Return what is compiled less well with the reasons that torch gives in this run, the most frequent first."""
    found = []
    for shift in broken:
        graphs = measured[shift.case].graphs if shift.case in measured else None
        reasons = sorted(graphs.breaks if graphs is not None else (), key=lambda each: -each.count)
        said = "; ".join(f"{each.count} x {each.reason}" for each in reasons[:MOST_REASONS])
        found.append(replace(shift, evidence=first_line(said)))
    return tuple(found)


def not_measured(measured: Mapping[str, Measured]) -> Mapping[str, int]:
    """Return why what could not be measured, each reason with how many there are, the most frequent first."""
    reasons = (f"{what}: {why}" for each in measured.values() for what, why in each.stopped.items())
    return dict(Counter(map(first_line, reasons)).most_common())


def how_sharp(sharpness: Sharpness) -> str:
    """Return of how many speeds a slow-down would be told, and what to do about the others."""
    if not sharpness.speeds:
        return ""
    told = sharpness.known - len(sharpness.blurred)
    said = [f"A slow-down of {OUGHT:g} times would be told of {told:,} of {sharpness.speeds:,} speeds."]
    if new := sharpness.speeds - sharpness.known:
        said.append(f"{new:,} were measured too few times under the same conditions.")
    if sharpness.blurred:
        many = len(sharpness.blurred)
        said.append(f"{many:,} scatter too much, here or in the runs before: measure where less else runs.")
    return " ".join(said)


def blurred_row(blurred: Blurred) -> tuple[str, ...]:
    """Return the case, the workload, and how many times as slow it would have to be."""
    return shorten(blurred.case, LONGEST), shorten(blurred.quantity, LONGEST), f"{blurred.least:.2f}"
