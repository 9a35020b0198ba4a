"""What makes two failures one cause: the same stage, exception and message at the same place, and its fingerprint.

A place is the innermost line of the tested library, known by its file, function and text, since its number moves with
whatever is added above it. What a check asserts by itself is known by the check and the words before what was measured,
and by the first module whose outputs differ.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from typing import NamedTuple

from hfci.cases.outcome import RED, Outcome
from hfci.cases.records import Error, Frame, Record
from hfci.results.messages import READ, general, heading
from hfci.results.text import shorten

__all__ = ["CAUSED", "Identity", "frame_of", "identity_of"]

# Of a traceback so many characters are read, from its end; so many are kept of a name.
READ_OF_TRACEBACK, LONGEST = 8_000, 200

# Where the tested library stands in a traceback of Python, or of pytest: its path, line, function and text.
PACKAGE = r"(?:site-packages|dist-packages|src)/(?P<path>transformers/[\w/]{1,200}\.py)"
FRAMES = (
    re.compile(
        rf'^ *File "[^"\n]*{PACKAGE}", line (?P<line>\d{{1,9}}),? in (?P<function>\S+)\n? *(?P<source>.*)', re.M
    ),
    re.compile(rf"^(?:\S*/)?{PACKAGE}:(?P<line>\d{{1,9}}): in (?P<function>\S+)\n? *(?P<source>.*)", re.M),
)

# What has a cause.
CAUSED = (*RED, Outcome.KNOWN_FAILURE, Outcome.QUARANTINED)

DIGITS = re.compile(r"\d+")


class Identity(NamedTuple):
    """What two failures of one cause have in common, in words."""

    stage: str
    kind: str
    message: str
    place: str

    @property
    def text(self) -> str:
        """All of it in one line, from which `parse` makes it again."""
        return json.dumps(self)

    @classmethod
    def parse(cls, text: str) -> Identity:
        """Return the identity whose `text` this is; ValueError or TypeError where it is none's."""
        return cls(*json.loads(text))

    def __str__(self) -> str:
        """Return it in one line, for whoever has no example."""
        stage = f" at {self.stage}" if self.stage else ""
        place = f", {self.place}" if self.place else ""
        return f"{self.kind}{stage}: {self.message}{place}"

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits: the same for the same cause, in whatever run."""
        return _digest(self)


def identity_of(record: Record) -> Identity | None:
    """Return what the cause of a red record, or of a known failure, is known by; None where it says nothing."""
    names = (record.model_type, record.architecture)
    stage = shorten(record.stage or "", LONGEST)
    if record.error is None:
        reason = general((record.reason or "")[:READ], *names)
        return Identity(stage, record.outcome.value, reason, "") if reason else None
    message, kind = general(record.error.message[:READ], *names), shorten(record.error.type, LONGEST)
    frame = frame_of(record.error)
    if frame is not None:
        function = frame.function.rpartition(".")[2]
        return Identity(stage, kind, message, " ".join(map(_short, (frame.path, function, frame.source))))
    if kind != AssertionError.__name__:
        return Identity(stage, kind, message, "")
    module = DIGITS.sub("#", _short(record.error.module or ""))
    return Identity(stage, kind, heading(message), f"{_short(record.check or '')} {module}".strip())


def frame_of(error: Error) -> Frame | None:
    """Return the innermost frame of the tested library; from the traceback, where an older record names none."""
    return error.frame or _frame_in(error.traceback[-READ_OF_TRACEBACK:])


def _short(text: str) -> str:
    return shorten(text, LONGEST)


@functools.lru_cache(maxsize=65_536)
def _digest(identity: Identity) -> str:
    return hashlib.blake2b(json.dumps(identity).encode(), digest_size=8).hexdigest()


@functools.lru_cache(maxsize=4_096)
def _frame_in(traceback: str) -> Frame | None:
    """Return the last frame of the tested library in a traceback; the beginning of one may have been cut off."""
    found = [match for pattern in FRAMES for match in pattern.finditer(traceback)]
    if not found:
        return None
    last = max(found, key=lambda match: match.start())
    return Frame(last["path"], int(last["line"]), last["function"], last["source"].strip()[:LONGEST])
