"""What became of faults: a line each in a file, as they are tried, and what they say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from .faults import Fault
from .trials import Ended

__all__ = ["Result", "Results", "summary", "undone"]

# Compares with outputs as they were; what it alone sees, an invariant does not.
GOLDEN = "golden_output"


class Result(msgspec.Struct, frozen=True):
    """What became of a fault: the checks that were red; `reached` is false where no test runs its line."""

    model_type: str
    file: str
    kind: str
    place: str
    start: int
    new: str
    reached: bool = True
    red: dict[str, str] = {}
    broken: str = ""
    seconds: float = 0.0

    @classmethod
    def of(cls, fault: Fault, ended: Ended | None) -> Result:
        """Return it for a trial that ended; None where there was none, since no test runs its line."""
        about = (fault.model_type, fault.file, fault.kind, fault.place, fault.start, fault.new)
        if ended is None:
            return cls(*about, reached=False)
        return cls(*about, red=ended.red, broken=ended.broken, seconds=ended.seconds)

    @property
    def is_seen(self) -> bool:
        """Whether an invariant is red, or it does not end."""
        return bool(self.broken or self.red.keys() - {GOLDEN})

    @property
    def is_seen_with_golden(self) -> bool:
        """Whether any check is red."""
        return bool(self.broken or self.red)

    def __str__(self) -> str:
        """Return it in a line."""
        if not self.reached:
            what = "not reached"
        elif self.is_seen_with_golden:
            first, *others = [self.broken] if self.broken else sorted(self.red, key=lambda name: name == GOLDEN)
            what = f"seen by {first}{f' and {len(others)} more' if others else ''}"
        else:
            what = "SURVIVES"
        return f"{self.model_type}: {self.kind} in {self.place}: {what} ({self.seconds:.1f} s)"


class Results:
    """The results in a file of JSON lines, to which each is added when it is there."""

    def __init__(self, path: Path) -> None:
        """Read what there is; a line that was cut off, by the death of who wrote it, is left out."""
        self.path = path
        self.every: list[Result] = []
        if path.exists():
            content = path.read_bytes()
            if content and not content.endswith(b"\n"):
                self._append(b"")
            for line in content.splitlines():
                try:
                    self.every.append(msgspec.json.decode(line, type=Result))
                except msgspec.MsgspecError:
                    print(f"{path}: left out {line[:60]!r}, which is no result")
        self._known = {(each.model_type, each.file, each.start, each.new) for each in self.every}

    def has(self, fault: Fault) -> bool:
        """Tell whether it was tried."""
        return (fault.model_type, fault.file, fault.start, fault.new) in self._known

    def sees(self, fault: Fault) -> bool:
        """Tell whether an invariant saw it, with whichever model type."""
        return any(each.is_seen and (each.file, each.place) == (fault.file, fault.place) for each in self.every)

    def add(self, result: Result) -> None:
        """Write it, and say it."""
        self.every.append(result)
        self._append(msgspec.json.encode(result))
        print(result, flush=True)

    def _append(self, line: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(line + b"\n")


def undone(results: Sequence[Result]) -> list[Result]:
    """Return a result for each fix: of its model types the one whose tests see it, by an invariant if one does."""
    best: dict[str, Result] = {}
    for result in results:
        before = best.setdefault(result.place, result)
        if (result.is_seen, result.is_seen_with_golden) > (before.is_seen, before.is_seen_with_golden):
            best[result.place] = result
    return list(best.values())


def summary(results: Sequence[Result]) -> str:
    """Return the share of faults that are seen, by kind, and what each check alone sees."""
    lines = ["kind           tried  reached  by invariants  with golden outputs"]
    for kind in (*dict.fromkeys(each.kind for each in results), ""):
        some = [each for each in results if kind in ("", each.kind)]
        if some:
            seen, golden = (sum(getattr(each, name) for each in some) for name in ("is_seen", "is_seen_with_golden"))
            reached = sum(each.reached for each in some)
            shares = f"{seen / len(some):14.1%} {golden / len(some):20.1%}"
            lines.append(f"{kind or 'together':13} {len(some):6} {reached:8} {shares}")
    alone = Counter(next(iter(each.red)) for each in results if len(each.red) == 1)
    lines += ["", "seen by one check alone:", *(f"{count:5} {name}" for name, count in alone.most_common())]
    return "\n".join(lines)
