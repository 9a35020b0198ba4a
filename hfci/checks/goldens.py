"""The golden outputs: a committed file a model type, of what its architectures computed when somebody last looked.

They are hfci's own, in `data/golden/`, and go with the package: a repository that uses hfci need not have any. A field
is a line, so that a change reads as one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from hfci.checks.summaries import Summary
from hfci.confined import inside, plain_name
from hfci.errors import UsageError
from hfci.parsing import read_json
from hfci.writing import replacing

__all__ = ["CAP", "FACTOR", "FLOOR", "FOLDER", "SCHEMA", "Golden", "GoldenFile", "read_golden", "tolerance", "versions"]

FOLDER = Path(__file__).parent / "data" / "golden"
SCHEMA = 1

# How much of a field's root mean square it may differ by: so many times the most that it was measured to, since a
# processor that was not measured sums in yet another order; not below FLOOR, since a measurement of a few numbers may
# fall out small; and nothing is compared that would have to be allowed more than CAP, where faults begin.
FACTOR, FLOOR, CAP = 10.0, 1e-5, 1e-2


class Golden(Summary, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The summary of a field, with what it may differ by; `unsteady`: float error alone moves it by this, over the cap.

    Of an unsteady field only what rounding cannot change is compared: its shape and its dtype.
    """

    tolerance: float | None = None
    unsteady: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where it says nothing, or allows what it must not."""
        if (self.tolerance is not None) + (self.unsteady is not None) + bool(self.digest) != 1:
            raise ValueError("a field has a tolerance, or is unsteady, or has the digest of whole numbers")
        if self.tolerance is not None and not FLOOR <= self.tolerance <= CAP:
            raise ValueError(f"a tolerance of {self.tolerance}; it is from {FLOOR} to {CAP}")
        if (self.tolerance is not None) != bool(self.values) or not all(map(math.isfinite, self.values)):
            raise ValueError("a field with a tolerance has finite values, and no other has any")


class GoldenFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Architecture → field → what it was, on the version of transformers that it was measured on."""

    schema: Literal[1] = 1
    transformers: str
    model_type: str
    architectures: dict[str, dict[str, Golden]]

    def write(self, folder: Path) -> Path:
        """Write it into `folder` and return where."""
        path = _path(self.model_type, folder)
        head: dict[str, str | int] = {
            "schema": self.schema,
            "transformers": self.transformers,
            "model_type": self.model_type,
        }
        lines = ["{", *(f' "{key}": {_line(value)},' for key, value in head.items()), ' "architectures": {']
        for name, fields in self.architectures.items():
            rows = ",\n".join(f"   {_line(field)}: {_line(golden)}" for field, golden in fields.items())
            comma = "" if name == list(self.architectures)[-1] else ","
            lines.append(f"  {_line(name)}: {{\n{rows}\n  }}{comma}")
        with replacing(path) as file:
            file.write("\n".join([*lines, " }", "}", ""]).encode())
        return path


def tolerance(noise: float) -> float | None:
    """Return what a field may differ by that float error was measured to move by `noise`; None where over the cap."""
    allowed = max(FLOOR, float(f"{FACTOR * noise:.2g}"))
    return allowed if allowed <= CAP else None


def read_golden(model_type: str, folder: Path = FOLDER) -> GoldenFile | None:
    """Return the golden outputs of `model_type`; None where `folder` holds none.

    Raises UsageError with the file for what cannot be read, is of another schema, or is another model type's.
    """
    path = _path(model_type, folder)
    if not path.exists():
        return None
    mend = f"remove it, then `hfci golden accept {model_type}`"
    golden = read_json(path, GoldenFile, "file of golden outputs", schema=SCHEMA, mend=mend)
    if golden.model_type != model_type:
        raise UsageError(f"{path} holds the golden outputs of {golden.model_type!r:.100}, not of {model_type}")
    return golden


@functools.cache
def versions(folder: Path = FOLDER) -> frozenset[str]:
    """Return the versions of transformers that the golden outputs in `folder` were measured on."""
    files = (read_golden(path.stem, folder) for path in sorted(folder.glob("*.json")))
    return frozenset(file.transformers for file in files if file is not None)


def _path(model_type: str, folder: Path) -> Path:
    try:
        return inside(folder, f"{plain_name(model_type)}.json")
    except ValueError as error:
        raise UsageError(f"no golden outputs can be of {model_type!r:.100}: {error}") from error


def _line(value: str | int | Golden | Mapping[str, str]) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
