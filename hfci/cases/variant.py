"""A check with values for its axes: `half_precision_stays_close[dtype=bfloat16]`."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable

import msgspec

from hfci.errors import UsageError, nearest

__all__ = ["AXES", "Variant", "inside"]

# What a case may vary beside what it is of and the device; in the order in which its ID says them.
AXES = ("task", "backend", "dtype")

_VARIANT = re.compile(r"(?P<check>[^\[\]]+)(?:\[(?P<axes>[^\[\]]*)\])?")


class Variant(msgspec.Struct, frozen=True, order=True):
    """A check, and the values of the axes that are not at their default, which is None."""

    check: str
    task: str | None = None
    backend: str | None = None
    dtype: str | None = None

    def __str__(self) -> str:
        """Return the check's name and, in brackets, the axes that are not at their default."""
        axes = inside({name: getattr(self, name) for name in AXES}.items())
        return f"{self.check}[{axes}]" if axes else self.check

    def is_among(self, asked: Collection[str | None]) -> bool:
        """Tell whether `asked` means this one too: the check whatever its axes, or exactly this."""
        return self.check in asked or str(self) in asked or self.exact in asked

    @property
    def exact(self) -> str:
        """What `is_among` takes for this one and no other: with brackets, though there be nothing in them."""
        return str(self) if "[" in str(self) else f"{self.check}[]"

    @classmethod
    def of_case(cls, case: str) -> Variant:
        """Return the variant in the ID of a case, without its device; of an ID that is none, all of it is the check."""
        check, _, axes = case.rpartition("/")[2].partition("[")
        kept = [pair for pair in axes.rstrip("]").split(",") if not pair.startswith("device=")]
        try:
            return cls.parse(f"{check}[{','.join(kept)}]")
        except UsageError:
            return cls(case)

    @classmethod
    @functools.cache
    def parse(cls, text: str) -> Variant:
        """Return what `text`, as written by `str`, says; UsageError for another form or an unknown axis."""
        match = _VARIANT.fullmatch(text)
        pairs = [pair.partition("=") for pair in (match["axes"] or "").split(",") if pair] if match else []
        if match is None or not all(value for _, _, value in pairs) or len({name for name, _, _ in pairs}) < len(pairs):
            raise UsageError(f"{text!r:.200} is no check: it is NAME or NAME[AXIS=VALUE,…], each axis once")
        for name, _, _ in pairs:
            if name not in AXES:
                raise UsageError(f"{text!r:.200}: no axis {name!r}; there are {', '.join(AXES)}.{nearest(name, AXES)}")
        return cls(match["check"], **{name: value for name, _, value in pairs})


def inside(axes: Iterable[tuple[str, str | None]]) -> str:
    """Return what stands in the brackets of a case's ID: the axes that have a value."""
    return ",".join(f"{name}={value}" for name, value in axes if value is not None)
