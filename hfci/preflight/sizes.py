"""Numbers of bytes, as people write and read them: GB are of 1000, GiB of 1024, and both are said."""

from __future__ import annotations

import math
import re
from typing import Any

__all__ = ["BYTES", "SIZE", "bytes_of", "bytes_of_model", "in_both", "shortly"]

# Bytes of one number, by the names of safetensors and of the configuration.
BYTES = {
    **dict.fromkeys(("F64", "I64", "U64", "float64"), 8.0),
    **dict.fromkeys(("F32", "I32", "U32", "float32"), 4.0),
    **dict.fromkeys(("F16", "BF16", "I16", "U16", "float16", "bfloat16"), 2.0),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E8M0", "I8", "U8", "BOOL", "float8_e4m3fn", "float8_e5m2"), 1.0),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 0.75),
    **dict.fromkeys(("F4", "U4", "I4"), 0.5),
}

SIZE = re.compile(r"^\s*(\d{1,15}(?:\.\d{1,9})?)\s*(?:([kmgtKMGT]?)(i?)[bB]?)?\s*$")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def bytes_of(size: int | str) -> int:
    """Return the bytes that `size` says, "24GiB" or "80 GB" or a number; ValueError where it is no size."""
    if isinstance(size, int):
        return size
    match = SIZE.match(size)
    if match is None:
        raise ValueError(f"{size!r:.60} is no size such as 24GiB")
    number, power, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** _POWERS[(power or "").lower()])


def bytes_of_model(model: Any) -> int:
    """Return the bytes of the parameters and buffers of a model, each once."""
    return sum(each.numel() * each.element_size() for each in (*model.parameters(), *model.buffers()))


def in_both(count: int) -> str:
    """Return `count` bytes as `40.00 GB (37.25 GiB)`."""
    return f"{_number(count / 1000**3)} GB ({_number(count / 1024**3)} GiB)"


def _number(value: float) -> str:
    """Return `value` with two decimals, of what is less than a tenth the first two digits that are not zero."""
    return f"{value:,.2f}" if value >= 0.1 else f"{value:.{1 - math.floor(math.log10(value))}f}" if value else "0.00"


def shortly(count: int) -> str:
    """Return `count` bytes with the unit of their size: `1.44 GB`, `36.0 kB`."""
    for power, unit in ((6, "EB"), (5, "PB"), (4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if abs(count) >= 1000**power:
            return f"{count / 1000**power:.4g} {unit}"
    return f"{count} bytes"
