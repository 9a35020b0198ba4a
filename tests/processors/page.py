"""The page "Processor classes", rendered from what `hfci catalog --processors --json` wrote in two environments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hfci.checks.processor_survey import ENDINGS, Survey, Surveyed
from hfci.parsing import read_json
from hfci.results.text import code

__all__ = ["PAGE", "PINNED", "WITH_TORCHVISION", "page", "read_survey"]

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "processors.md"
PINNED, WITH_TORCHVISION = HERE / "pinned.json", HERE / "torchvision.json"

INTRODUCTION = """\
<!-- Rendered by `python -m tests.processors` from tests/processors/*.json -->

# Processor classes

Every class that transformers' tables of tokenizers, image processors, video processors, feature extractors and
processors name, as their source has them: where a package is missing, transformers takes some out when it is imported.
`hfci catalog --processors` builds each, offline, for the first model type of its rows for which that can be done, saves
it, and loads it again by its own class. It ends as

- `same`: once loaded it is of the same class, says the same of itself, and makes the same of the same texts;
- `another`: it was built, and is another once loaded;
- `unavailable`: it wants a package that the environment lacks;
- `refused`: it cannot be built here, for the reason told.

Whether the auto classes load it as it was, and what it makes of images and sounds, `processor_roundtrip` asks of each
model type.
"""


def read_survey(path: Path) -> Survey:
    """Return what was found in an environment; UsageError where the file is wrong."""
    return read_json(path, Survey, "survey of processors", schema=2)


def page() -> str:
    """Return the page."""
    whole, pinned = map(read_survey, (WITH_TORCHVISION, PINNED))
    parts = [
        INTRODUCTION,
        "## With torchvision\n",
        _environment(whole),
        *_counts(whole),
        "## In the pinned environment\n",
        _environment(pinned),
        *_counts(pinned),
        "## What is not the same, and why\n",
        "With torchvision.\n",
        *_others(whole),
        "## Every class\n",
        *_classes(whole, pinned),
    ]
    return "\n".join(parts)


def _environment(survey: Survey) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in survey.packages.items())
    return f"transformers {survey.transformers}, with {packages}.\n"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]], *, numbers: bool) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| --- |{(' ---: |' if numbers else ' --- |') * (len(head) - 1)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _counts(survey: Survey) -> Iterator[str]:
    ended = Counter((row.kind, row.ending) for row in survey.classes)
    keys = {kind: {key for row in survey.classes if row.kind == kind for key in row.keys} for kind in _kinds(survey)}
    rows = (
        (_words(kind), str(len(keys[kind])), *(str(ended[kind, ending]) for ending in ENDINGS), str(_of(ended, kind)))
        for kind in keys
    )
    yield from _table(("kind", "keys", *ENDINGS, "classes"), rows, numbers=True)


def _of(ended: Counter[tuple[str, str]], kind: str) -> int:
    return sum(count for (one, _), count in ended.items() if one == kind)


def _kinds(survey: Survey) -> Sequence[str]:
    return tuple(dict.fromkeys(row.kind for row in survey.classes))


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _others(survey: Survey) -> Iterator[str]:
    others = [row for row in survey.classes if row.ending != "same"]
    rows = ((f"`{row.name}`", row.ending, code(row.why)) for row in others)
    yield from _table(("class", "ending", "why"), rows, numbers=False)


def _classes(whole: Survey, pinned: Survey) -> Iterator[str]:
    elsewhere = {(row.kind, row.name): row for row in pinned.classes}
    for kind in _kinds(whole):
        rows = (
            (f"`{row.name}`", _for(row), row.ending, _alone(elsewhere[kind, row.name]))
            for row in sorted(whole.classes, key=lambda row: row.name)
            if row.kind == kind
        )
        yield f"### {_words(kind).capitalize()}\n"
        yield from _table(("class", "model types", "with torchvision", "pinned"), rows, numbers=False)


def _for(row: Surveyed) -> str:
    first = row.built_for or row.keys[0]
    return f"`{first}`" + (f" and {len(row.keys) - 1} more" if len(row.keys) > 1 else "")


def _alone(row: Surveyed) -> str:
    """Return how it ended, with the packages that it lacks."""
    return f"{row.ending}: {row.why.split(':')[0]}" if row.ending == "unavailable" else row.ending
