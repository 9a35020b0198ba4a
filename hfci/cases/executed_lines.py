"""Which lines of its modelling files a model type's cases executed: a header line, then one JSON line a file of tests.

Each worker writes a file of its own; what a model type executed is what all of them say of it together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from hfci.cases.reading import find_files, open_file, read_lines
from hfci.cases.records import Number
from hfci.parsing import Writer, decode, this_hfci

__all__ = ["PATTERN", "ExecutedLines", "Function", "LinesHeader", "lines_file", "read_executed_lines"]

SCHEMA = 1
WHAT = "header of executed lines"

# What `lines_file` gives, whatever the run.
PATTERN = "executed-lines-*.jsonl"


class LinesHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one file of executed lines is about.

    - `schema`: the version of the format
    - `run`: the run's ID, as its records have it
    - `transformers`: the version of what was executed
    """

    schema: Literal[1] = 1
    hfci: Writer = msgspec.field(default_factory=this_hfci)
    run: str
    transformers: str | None = None


class Function(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The statements of one function, by the line that each begins in."""

    executed: tuple[Number, ...]
    missing: tuple[Number, ...]


class ExecutedLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What some cases of a model type executed of a file in which a class of theirs is defined.

    - `file`: its path in the package, such as models/bert/modeling_bert.py
    - `functions`: by qualified name, every function of the file
    """

    model_type: str
    file: str
    functions: dict[str, Function]


_LINES = msgspec.json.Decoder(ExecutedLines)


def lines_file(about: dict[str, Any], worker: str) -> str:
    """Return the name of the file that `worker` writes in the run that `about` describes, as headers do."""
    parts = [about["run"], *(str(about[name]) for name in ("shard", "attempt") if about.get(name) is not None), worker]
    return PATTERN.replace("*", "-".join(parts))


def read_executed_lines(paths: Iterable[Path], runs: Iterable[str]) -> Iterator[ExecutedLines]:
    """Yield what the files that `paths` are or contain say of these `runs`.

    A last line that was cut off is passed over: a killed run leaves it. Raises UsageError for any other that cannot be
    read.
    """
    wanted = frozenset(runs)
    for path in {file.resolve(): file for file in find_files(paths, PATTERN) if file.match(PATTERN)}.values():
        with open_file(path) as file:
            first = file.readline()
        if first.endswith(b"\n") and decode(first, LinesHeader, WHAT, f"{path}:1", schema=SCHEMA).run in wanted:
            yield from (line for _, line in read_lines(path, _LINES, "tells no executed lines") if line is not None)
