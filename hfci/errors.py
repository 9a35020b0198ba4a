"""The errors a user can meet, each with its exit code.

Exit codes: 0 done; 1 tests failed or a regression was found; 2 wrong use or configuration; 3 nothing to do;
4 the environment cannot do it; 130 on Ctrl-C.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import ClassVar, NamedTuple

__all__ = [
    "FOREIGN",
    "Broken",
    "Deviates",
    "Deviation",
    "Differs",
    "EnvironmentUnfit",
    "HfciError",
    "NothingToDo",
    "StageError",
    "UsageError",
    "come_of",
    "in_one_line",
    "nearest",
    "without_places",
]

# What transformers' modules may raise when they are imported or run: anything, and it is an error of one row alone.
FOREIGN = (Exception, SystemExit)

_PLACES = re.compile(r"(?:/[^\s/:'\"]+)+/(?:site-packages|dist-packages)/")
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
_LONGEST = 300


class HfciError(Exception):
    """Base of everything hfci reports as one line instead of a traceback."""

    exit_code: ClassVar[int] = 1


class UsageError(HfciError):
    """A wrong argument or configuration; the message says what, and the nearest right thing."""

    exit_code = 2


class NothingToDo(HfciError):
    """No case was selected: never green."""

    exit_code = 3


class EnvironmentUnfit(HfciError):
    """A package or device is missing or broken; the message names it and the mend."""

    exit_code = 4


class Broken(AssertionError):
    """What must hold does not, of `names`: parameters, say, each of which would fail by itself.

    A known failure of some of them does not hide that of another.
    """

    def __init__(self, message: str, names: Iterable[str]) -> None:
        """Take what went wrong in words, and of what."""
        super().__init__(message)
        self.names = tuple(names)


class Differs(AssertionError):
    """Two computations that must agree do not; `module` is the first whose outputs differ, None where nobody knows."""

    def __init__(self, message: str, module: str | None) -> None:
        """Take what differs in words, and where it begins to."""
        super().__init__(message)
        self.module = module


class Deviation(NamedTuple):
    """Where an output is not what it must be: in words, or by how much.

    - `output`: its name
    - `problem`: what else is wrong than its numbers; empty where it is those
    - `difference`, `allowed`: by how much numbers differ, and may, relative to the largest of either
    - `place`: the indices of the worst
    """

    output: str
    problem: str
    difference: float | None = None
    allowed: float | None = None
    place: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return it as a message says it."""
        if self.difference is None:
            return f"{self.output} {self.problem}"
        at = f" at {list(self.place)}" if self.place else ""
        return f"{self.output} by {self.difference:.1e} of its magnitude{at} (float error: {self.allowed:.1e})"


class Deviates(AssertionError):
    """What a backend gives is not what the model gives: it got to the end, and `worst` is what is furthest from it."""

    def __init__(self, message: str, worst: Deviation | None = None) -> None:
        """Take what differs in words, and the worst of it."""
        super().__init__(message)
        self.worst = worst


class StageError(HfciError):
    """A tiny model could not be made or run: `stage` says where, `__cause__` is the original error.

    Stages, in order: `config`, `build`, `inputs`, `forward`; of what a backend makes of it `export`, `compile`, `run`.
    """

    def __init__(self, stage: str, model_type: str, architecture: str | None, cause: BaseException) -> None:
        self.stage = stage
        self.model_type = model_type
        self.architecture = architecture
        text = str(cause).strip() or repr(cause)
        super().__init__(f"{model_type} ({architecture}) stops at {stage}: {type(cause).__name__}: {text}")


def come_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, what it came of, and so on to the first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def in_one_line(error: BaseException) -> str:
    """Return type and first line of `error`, without what differs between two machines or two runs."""
    text = (str(error).strip() or "no message").splitlines()[0]
    whole = f"{type(error).__name__}: {without_places(text)}"
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}…"


def without_places(text: str) -> str:
    """Return `text` without what differs between two machines or two runs: where packages lie, and addresses."""
    return _ADDRESS.sub("0x…", _PLACES.sub("", text))


# What people say, and what it is called here.
SYNONYMS = {
    **dict.fromkeys(("gpu", "nvidia", "rocm", "hip", "amd"), "cuda"),
    **dict.fromkeys(("apple", "metal"), "mps"),
    **dict.fromkeys(("intel", "sycl"), "xpu"),
    **dict.fromkeys(("x86", "x86_64", "arm64", "aarch64"), "cpu"),
}


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """Return ` Did you mean …?` with the `count` nearest of `known`, or an empty string when none is near.

    Capitals make no difference; what is known under another name is looked for under its own.
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    asked = name.casefold()
    asked = SYNONYMS[asked] if SYNONYMS.get(asked) in folded else asked
    close = [folded[match] for match in difflib.get_close_matches(asked, list(folded), n=count, cutoff=0.6)]
    return f" Did you mean {', '.join(close)}?" if close else ""
