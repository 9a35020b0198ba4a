"""Under which conditions a case was executed: what may change an outcome although the code is the same."""

from __future__ import annotations

import json

import msgspec

from hfci.cases.records import Header, Number
from hfci.results.comparison import digest

__all__ = ["Conditions", "conditions_of"]


class Conditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The conditions of a run's job.

    - `capability`: the vector instructions of torch's kernels, or the accelerator's name and what it is capable of
    - `threads`: of each process that ran cases
    - `versions`: by package
    """

    capability: str | None
    threads: Number | None
    versions: dict[str, str | None]

    @property
    def digest(self) -> int:
        """32 bits that are equal where the conditions are."""
        return digest(json.dumps([self.capability, self.threads, self.versions], sort_keys=True))


def conditions_of(head: Header) -> Conditions:
    """Return under which conditions the records of a file were made."""
    capability = str(msgspec.structs.replace(head.accelerator, memory_bytes=None)) if head.accelerator else ""
    return Conditions(capability=capability or head.capability, threads=head.threads, versions=head.versions)
