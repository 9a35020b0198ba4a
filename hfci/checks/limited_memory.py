"""A limit of memory while something is asked that may take all there is."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from hfci.process_memory import virtual_memory

__all__ = ["at_most"]


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Let this process take at most `size` bytes more than it has: beyond them Python raises MemoryError.

    Where the system does not say how much a process has, as macOS does not, nothing is limited.
    """
    if (taken := virtual_memory()) is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = min(limit for limit in (taken + size, soft, hard) if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
