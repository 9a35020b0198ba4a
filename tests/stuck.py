"""What is stuck deep in C code, where no handler of Python is called."""

from __future__ import annotations

__all__ = ["STUCK"]

# A lock that waits for its own holder, called with the interpreter's lock held: neither a signal nor another thread of
# Python ends it, and it takes no processor, of which the other tests have none to spare.
STUCK = (
    "import ctypes; c = ctypes.PyDLL(None); lock = ctypes.create_string_buffer(256); "
    "c.pthread_mutex_init(lock, None); c.pthread_mutex_lock(lock); c.pthread_mutex_lock(lock)\n"
)
