"""The coverage ladder: how many model types and architectures stand on each rung. Never one percentage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hfci.results.reading import Results
from hfci.results.summary import LADDER
from hfci.testing.manifest import ManifestRow
from hfci.testing.records import Record

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


def coverage(rows: Iterable[ManifestRow], results: Results | None = None) -> tuple[Step, ...]:
    """Count `rows` of a manifest on each rung.

    What is catalogued and generated the manifest says; all above it what `results` recorded of these rows. Without
    them the manifest also says what was built and forwarded when it was verified.
    """
    rows = tuple(rows)
    known = {row.model_type for row in rows}
    records = [record for record in results.records if record.model_type in known] if results else []
    steps = []
    for rung, stands in LADDER:
        if (found := _of_manifest(rows, rung, verified=results is None)) is not None:
            steps.append(_step(rung, found, MANIFEST))
        elif results is None:
            steps.append(Step(rung, None, None, None))
        else:
            by_model = {name for name, own in _grouped(records, by_class=False).items() if stands(own)}
            by_class = {name for name, own in _grouped(records, by_class=True).items() if stands(own)}
            steps.append(Step(rung, len(by_model), len({name for _, name in by_class}), RECORDS))
    return tuple(steps)


def _of_manifest(rows: Iterable[ManifestRow], rung: str, *, verified: bool) -> list[tuple[str, list[str]]] | None:
    """Return each model type on `rung` with its classes there; None for a rung of which a manifest says nothing."""
    if rung == "catalogued":
        return [(row.model_type, list(row.names)) for row in rows]
    if rung == "generated":
        found = [(row.model_type, [case.architecture for case in row.cases]) for row in rows]
    elif verified and rung in ("built", "forwarded"):
        stages = ("inputs", "forward") if rung == "built" else ()
        found = [
            (
                row.model_type,
                [one.name for one in row.architectures if one.parameters is not None or one.stage in stages],
            )
            for row in rows
        ]
    else:
        return None
    return [(name, classes) for name, classes in found if classes]


def _step(rung: str, found: list[tuple[str, list[str]]], source: str) -> Step:
    return Step(rung, len(found), len({name for _, classes in found for name in classes}), source)


def _grouped(records: Iterable[Record], *, by_class: bool) -> dict[tuple[str, str], list[Record]]:
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if not by_class or record.architecture:
            key = (record.model_type, (record.architecture or "") if by_class else "")
            groups.setdefault(key, []).append(record)
    return groups
