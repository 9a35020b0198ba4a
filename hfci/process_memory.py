"""How much memory this process takes and the machine has left, in bytes, as Linux tells; None where nobody does."""

from __future__ import annotations

import contextlib
from pathlib import Path

__all__ = ["available_memory", "forget_peak", "peak_memory", "resident_memory", "virtual_memory"]

# What is in them, and what writing 5 to the last does: see proc(5).
_STATUS, _MACHINE, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/meminfo"), Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """Have the peak be the most that is resident from now on; where that cannot be, it is since the process began."""
    with contextlib.suppress(OSError):
        _CLEAR_REFS.write_text("5", encoding="ascii")


def peak_memory() -> int | None:
    """Return the most that was resident since `forget_peak`."""
    return _field(_STATUS, "VmHWM")


def resident_memory() -> int | None:
    """Return what is resident now."""
    return _field(_STATUS, "VmRSS")


def virtual_memory() -> int | None:
    """Return what addresses were given out, whether anything lies there or not."""
    return _field(_STATUS, "VmSize")


def available_memory() -> int | None:
    """Return what the machine could give to processes without taking it from others."""
    return _field(_MACHINE, "MemAvailable")


def _field(path: Path, name: str) -> int | None:
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)
