"""What a run says of its cases, as columns: an array a fact, small on the disk and quick to read.

A row of a table for each case of each run would be 80 million rows for 400 runs of 200,000 cases: gigabytes, and
minutes to read. As arrays sorted by case, zlib leaves one to two bytes of each, most of them the durations' noise.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfci.cases.outcome import Outcome
from hfci.errors import UsageError

__all__ = [
    "BIT",
    "CODE",
    "LAYOUT",
    "MOST",
    "OUTCOMES",
    "QUANTITIES",
    "SPEEDS",
    "STEP",
    "Columns",
    "decode",
    "decode_cases",
    "encode",
    "locate",
    "measured",
    "merged",
    "quantised",
]

# All columns of a run have one entry a case, in the order of `case`, which rises.
#
# - `case`: its number; `stage`, `tier`, `device` (the one really used): numbers of words
# - `outcome`: its code; `seen`: bits of all outcomes that the run's attempts gave; 0 where nobody recorded the case
# - `part`: the number of the records file; 0 where nobody recorded the case
# - `cause`: the number of the word that says the cause of what is red, or a known failure; 0 where there is none
# - `identity`: a digest of what was tested; two equal ones tested the same
# - the quantities, quantised
LAYOUT: Mapping[str, str] = {
    "case": "<i4",
    "outcome": "|u1",
    "seen": "|u1",
    "stage": "<u4",
    "tier": "<u4",
    "device": "<u4",
    "part": "<u4",
    "cause": "<u4",
    "identity": "<u4",
    "duration_s": "<u2",
    "peak_memory_bytes": "<u2",
}
Columns = Mapping[str, NDArray[Any]]

# What a run measured of speeds, an entry for each number, in the order of `speed_case`; a run that measured none has no
# such columns.
#
# - `speed_case`: the number of the case; `speed_of`: the word that says what of it
# - `speed_part`: the number of the records file
# - `speed_value`: how many times as long as the reference it took, quantised; or how many there are of what is counted
# - `speed_sustained`: the same of every round but the fastest, at least
SPEEDS: Mapping[str, str] = {
    "speed_case": "<i4",
    "speed_of": "<u4",
    "speed_part": "<u4",
    "speed_value": "<u2",
    "speed_sustained": "<u2",
}
_KINDS = {**LAYOUT, **SPEEDS}

# Those that records say; that one is quarantined, a report says.
OUTCOMES: tuple[Outcome, ...] = tuple(outcome for outcome in Outcome if outcome != Outcome.QUARANTINED)
CODE: dict[Outcome, int] = {outcome: code for code, outcome in enumerate(OUTCOMES)}
CODE[Outcome.QUARANTINED] = CODE[Outcome.FAILED]
BIT = {outcome: 1 << code for outcome, code in CODE.items()}

# Quantities are kept as whole steps of their logarithm, 1 % each, above the least that is told apart; 0 is "unknown".
STEP = 0.01
MOST = 30_000  # fits 16 bits with a sign too
QUANTITIES: Mapping[str, float] = {"duration_s": 1e-4, "peak_memory_bytes": 1024.0}
LEASTS: Mapping[str, float] = {**QUANTITIES, "relative": 1e-3}


def quantised(values: NDArray[np.float64], quantity: str) -> NDArray[np.uint16]:
    """Return positive values in steps; what is not positive is unknown."""
    least = LEASTS[quantity]
    steps = np.rint(np.log(np.maximum(values, least)) / STEP - np.log(least) / STEP) + 1
    return np.where(values > 0, np.minimum(steps, MOST), 0).astype(np.uint16)


def measured(steps: NDArray[Any], quantity: str) -> NDArray[np.float64]:
    """Return steps, whole or not, as values in the quantity's unit, to 0.5 %; 0.0 where they are 0."""
    steps = steps.astype(np.float64)
    return np.where(steps == 0, 0.0, LEASTS[quantity] * np.exp((steps - 1) * STEP))


def encode(name: str, column: NDArray[Any]) -> bytes:
    """Return a column as bytes: differences for the numbers of cases, equal bytes of all entries side by side."""
    column = np.asarray(column, dtype=_KINDS[name])
    if name == "case":
        column = np.diff(column, prepend=column.dtype.type(0))
    planes = column.view(np.uint8).reshape(len(column), column.itemsize).T
    return zlib.compress(planes.tobytes(), level=1)


# Most runs have the cases of the run before, and each is asked for them several times.
@functools.lru_cache(maxsize=8)
def decode_cases(data: bytes) -> NDArray[Any]:
    """Return the column `case`."""
    return decode("case", data)


def decode(name: str, data: bytes) -> NDArray[Any]:
    """Return what `encode` took; UsageError where these bytes are not its."""
    kind = np.dtype(_KINDS[name])
    try:
        planes = np.frombuffer(zlib.decompress(data), np.uint8).reshape(kind.itemsize, -1)
    except (zlib.error, ValueError) as error:
        raise UsageError(f"the history's column {name} is damaged: {error}") from error
    column: NDArray[Any] = planes[0].astype(kind)
    for place, plane in enumerate(planes[1:], 1):
        if plane.any():
            column |= plane.astype(kind) << 8 * place
    if name == "case":
        column = np.cumsum(column, dtype=kind)
    column.flags.writeable = False
    return column


def locate(cases: NDArray[Any], wanted: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where in `cases`, which rise, each of those `wanted` stands, and whether it does; elsewhere it is 0."""
    places = np.searchsorted(cases, wanted.astype(cases.dtype))
    places[places == len(cases)] = 0
    is_there = cases[places] == wanted if len(cases) else np.zeros(len(wanted), np.bool_)
    return np.where(is_there, places, 0), is_there


def merged(earlier: Columns, later: Columns, ranks: NDArray[np.int64]) -> Columns:
    """Return the columns of a run of which both are parts: of each case the entry of the highest rank.

    `ranks` gives that of a part by its number; where equal, `later` wins. What was seen is united.
    """
    both = {name: np.concatenate([earlier[name], later[name]]) for name in LAYOUT}
    order = np.lexsort((ranks[both["part"]], both["case"]))
    cases = both["case"][order]
    first = np.flatnonzero(np.r_[True, cases[1:] != cases[:-1]]) if len(cases) else np.array([], dtype=np.intp)
    last = order[np.r_[first[1:], len(cases)] - 1] if len(cases) else order
    result = {name: column[last] for name, column in both.items()}
    if len(cases):
        result["seen"] = np.bitwise_or.reduceat(both["seen"][order], first)
    return result
