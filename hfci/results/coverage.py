"""The coverage ladder: how many model types and architectures stand on each rung. Never one percentage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hfci.cases.manifest import ManifestRow
from hfci.cases.records import Record
from hfci.results.ladder import LADDER, Ladder

__all__ = ["Step", "coverage"]

MANIFEST, RECORDS = "manifest", "records"


@dataclass(frozen=True)
class Step:
    """One rung: how many model types and classes stand on it, and what says so.

    Both are None where nothing says so: no records were given. A class that several model types list counts once.
    """

    rung: str
    model_types: int | None
    architectures: int | None
    source: str | None


def coverage(rows: Iterable[ManifestRow], results: Iterable[Record] | None = None) -> tuple[Step, ...]:
    """Count `rows` of a manifest on each rung.

    What is catalogued and generated the manifest says; all above it what `results` recorded of these rows. Without
    them the manifest also says what was built and forwarded when it was verified.
    """
    rows = tuple(rows)
    known = {row.model_type for row in rows}
    by_model: Ladder[str] = Ladder()
    by_class: Ladder[tuple[str, str]] = Ladder()
    for record in results or ():
        if record.model_type in known:
            by_model.add(record.model_type, record)
            if record.architecture:
                by_class.add((record.model_type, record.architecture), record)
    steps = []
    for rung in LADDER:
        if (on_rung := _of_manifest(rows, rung.name, verified=results is None)) is not None:
            steps.append(_step(rung.name, on_rung, MANIFEST))
        elif results is None:
            steps.append(Step(rung.name, None, None, None))
        else:
            classes = {name for _, name in by_class.on(rung)}
            steps.append(Step(rung.name, len(by_model.on(rung)), len(classes), RECORDS))
    return tuple(steps)


def _of_manifest(rows: Iterable[ManifestRow], rung: str, *, verified: bool) -> list[tuple[str, list[str]]] | None:
    """Return each model type on `rung` with its classes there; None for a rung of which a manifest says nothing."""
    if rung == "catalogued":
        return [(row.model_type, list(row.names)) for row in rows]
    if rung == "generated":
        on_rung = [(row.model_type, [case.architecture for case in row.cases if case.architecture]) for row in rows]
    elif verified and rung in ("built", "forwarded"):
        stages = ("inputs", "forward") if rung == "built" else ()
        on_rung = [
            (
                row.model_type,
                [arch.name for arch in row.architectures if arch.parameters is not None or arch.stage in stages],
            )
            for row in rows
        ]
    else:
        return None
    return [(name, classes) for name, classes in on_rung if classes]


def _step(rung: str, on_rung: list[tuple[str, list[str]]], source: str) -> Step:
    return Step(rung, len(on_rung), len({name for _, classes in on_rung for name in classes}), source)
