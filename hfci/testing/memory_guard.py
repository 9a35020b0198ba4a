"""Memory: that there was none left is a failure of one case alone, and what a file's tests leave on the device is one.

The processor's memory is not asked what is left of it: what lies there is not tensors alone.
"""

from __future__ import annotations

import gc
import re
import sys
import traceback
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from hfci.errors import come_of
from hfci.testing.subject import CASE

if TYPE_CHECKING:
    from hfci.tiny.devices import Device

__all__ = ["MEMORY", "LeftOnDevice", "MemoryGuard", "forget_failure", "is_out_of_memory"]

# The stage of a case for which there was not enough.
MEMORY = "memory"

# How torch's allocators, and those of compilers and chips, say it where their exception has no type of its own.
_SAID = re.compile(
    r"can't allocate memory|not enough memory|out of memory|failed to allocate|RESOURCE_EXHAUSTED", re.IGNORECASE
)

# Bytes that a file may leave: less than the smallest thing of a tiny model that would matter.
_SPARED = 256 * 1024


class LeftOnDevice(AssertionError):
    """Tensors that the tests of a file made are still there after its last."""


def is_out_of_memory(error: BaseException | None) -> bool:
    """Tell whether an exception, or what it came of, says that there was no memory left."""
    return any(
        isinstance(each, MemoryError)
        or type(each).__name__ == "OutOfMemoryError"
        or (isinstance(each, RuntimeError) and _SAID.search(str(each)) is not None)
        for each in come_of(error)
    )


def forget_failure(error: BaseException | None) -> None:
    """Let go of what the frames of a failure hold: a traceback keeps the tensors of every function in it."""
    for each in come_of(error):
        traceback.clear_frames(each.__traceback__)
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        vars(sys).pop(name, None)
    gc.collect()


class MemoryGuard:
    """Has each file leave the device as it found it: the last case of one that does not fails."""

    NAME = "hfci-memory-guard"

    def __init__(self, device: Device) -> None:
        """Watch a device."""
        self.device = device
        self._before: int | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Before the first case of a file see what there is."""
        if CASE in item.stash and self._before is None:
            self._warm_up()
            self._before = self.device.held_memory()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        """After the last one see what is left."""
        done = yield
        if CASE not in item.stash or self._before is None or (nextitem is not None and nextitem.path == item.path):
            return done
        getattr(item, "funcargs", {}).clear()
        forget_failure(getattr(sys, "last_value", None))
        before, self._before = self._before, None
        left = (self.device.held_memory() or 0) - before
        if left > _SPARED:
            raise LeftOnDevice(
                f"the tests of {item.path.name} leave {left:,} bytes on {self.device.place}, which they did not find "
                "there: something outlives them that holds tensors, a cache of a module or of a class, say"
            )
        return done

    def _warm_up(self) -> None:
        """Have the libraries take what they keep for good: a workspace, at the first product of two matrices."""
        import torch

        if self.device.place.type != "cpu":
            square = torch.ones(8, 8, device=self.device.place)
            (square @ square).sum()
            self.device.synchronise()
