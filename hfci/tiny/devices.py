"""Devices that a model can run on: one protocol, whatever torch calls the device and whoever makes it.

`cpu` is the processor. Of accelerators torch tells by `torch.accelerator` (https://docs.pytorch.org/docs/stable/accelerator.html):
`cuda`, which ROCm's builds are too, `mps`, `xpu`, and what a vendor's package adds under a name of its own. `tpu` is
written against what torch_xla documents (https://docs.pytorch.org/xla/release/); nobody has tried it yet.
"""

from __future__ import annotations

import gc
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hfci.errors import EnvironmentUnfit, nearest
from hfci.process_memory import available_memory, forget_peak, peak_memory

if TYPE_CHECKING:
    import torch

__all__ = ["Device", "Memory", "find_device"]


class Memory(NamedTuple):
    """Bytes of a device: what nobody has, in any process, and all of it."""

    free: int
    total: int


class Device(Protocol):
    """What a run asks of the device that its models are on. Bytes are None where nobody tells them."""

    @property
    def place(self) -> torch.device:
        """Where torch puts a tensor that is to be there."""

    def require(self) -> None:
        """Raise EnvironmentUnfit where no tensor can be made there: it is not there, or a package is missing."""

    def maker_name(self) -> str | None:
        """Its name as its maker says it, e.g. `NVIDIA H200`."""

    def capability(self) -> str | None:
        """What decides which kernels it runs: of a processor its vector instructions, of CUDA e.g. `9.0`."""

    def memory(self) -> Memory | None:
        """What of its memory is free now, and how much it has."""

    def synchronise(self) -> None:
        """Wait until all that was asked of it is done."""

    def seconds(self) -> float:
        """Return a time in seconds, once all that was asked of it is done; the difference of two is what was between.

        On the processor those that this thread computed: what other processes do in between does not count. Of several
        threads, and on an accelerator, those of the wall.
        """

    def forget_peak(self) -> None:
        """Have the peak be counted from now on."""

    def peak_memory(self) -> int | None:
        """The most bytes that this process held there since `forget_peak`."""

    def held_memory(self) -> int | None:
        """The bytes of the tensors that this process holds there now, after what nobody refers to has gone."""

    def release(self) -> None:
        """Give back what this process keeps there for tensors to come."""

    def seed(self, number: int) -> None:
        """Seed the generators there."""


def find_device(name: str) -> Device:
    """Return the device `name`: a kind, `:` and an index where one is meant of several, such as `cuda:1`.

    Nothing is asked of it yet. EnvironmentUnfit where torch knows no such device.
    """
    import torch

    if name.partition(":")[0] == "tpu":
        return _Tpu(name)
    try:
        place = torch.device(name)
    except RuntimeError as error:
        kinds = ("cpu", "cuda", "mps", "xpu", "tpu", *filter(None, [_accelerator()]))
        raise EnvironmentUnfit(
            f"torch {torch.__version__} knows no device {name!r}: a package that brings one must be installed."
            f"{nearest(name.partition(':')[0], kinds)}"
        ) from error
    return _Processor(place) if place.type == "cpu" else (_Metal if place.type == "mps" else _Accelerator)(place)


def _accelerator() -> str | None:
    """Return the kind of accelerator that this torch was built for, or that a vendor's package has registered."""
    import torch

    accelerator = torch.accelerator.current_accelerator()
    return accelerator.type if accelerator is not None else None


def _require(name: str, place: torch.device) -> None:
    """Make a tensor at `place`; EnvironmentUnfit says why there is none."""
    import torch

    try:
        torch.zeros(1, device=place)
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise EnvironmentUnfit(f"device {name!r} is not available on this machine: {lines[0]}") from error


class _Processor:
    """The machine's own processor and memory."""

    def __init__(self, place: torch.device) -> None:
        self.place = place

    def require(self) -> None:
        _require(str(self.place), self.place)

    def maker_name(self) -> str | None:
        import torch

        return torch.cpu.get_capabilities().get("cpu_name") or None

    def capability(self) -> str | None:
        import torch

        return torch.backends.cpu.get_cpu_capability()

    def memory(self) -> Memory | None:
        import os

        free = available_memory()
        return None if free is None else Memory(free, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))

    def synchronise(self) -> None:
        """Do nothing: a processor has done what it was asked when a call returns."""

    def seconds(self) -> float:
        import torch

        return time.thread_time() if torch.get_num_threads() == 1 else time.perf_counter()

    def forget_peak(self) -> None:
        forget_peak()

    def peak_memory(self) -> int | None:
        if (peak := peak_memory()) is not None:
            return peak
        try:
            import resource
        except ImportError:
            return None
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    def held_memory(self) -> int | None:
        """Return None: what lies in a process's memory is not tensors alone."""
        return None

    def release(self) -> None:
        gc.collect()

    def seed(self, number: int) -> None:
        import torch

        torch.default_generator.manual_seed(number)


class _Accelerator:
    """What torch's own interface for accelerators speaks of."""

    def __init__(self, place: torch.device) -> None:
        self.place = place

    @property
    def _module(self) -> Any:
        import torch

        return torch.get_device_module(self.place)

    def require(self) -> None:
        """Raise EnvironmentUnfit, also for a device that holds no numbers."""
        if self.place.type == "meta":
            raise EnvironmentUnfit("nothing can be run on the device 'meta': it holds no numbers")
        _require(str(self.place), self.place)

    def maker_name(self) -> str | None:
        ask = getattr(self._module, "get_device_name", None)
        return str(ask(self.place)) if ask else None

    def capability(self) -> str | None:
        ask = getattr(self._module, "get_device_capability", None)
        found = ask(self.place) if ask else None
        return ".".join(map(str, found)) if isinstance(found, tuple) else None  # xpu's is a mapping of all it has

    def memory(self) -> Memory | None:
        import torch

        try:
            return Memory(*torch.accelerator.get_memory_info(self.place))
        except (RuntimeError, NotImplementedError):  # a vendor's allocator need not tell
            return None

    def synchronise(self) -> None:
        import torch

        torch.accelerator.synchronize(self.place)

    def seconds(self) -> float:
        self.synchronise()
        return time.perf_counter()

    def forget_peak(self) -> None:
        import torch

        gc.collect()
        torch.accelerator.reset_peak_memory_stats(self.place)

    def peak_memory(self) -> int | None:
        import torch

        return torch.accelerator.max_memory_allocated(self.place) or None

    def held_memory(self) -> int | None:
        import torch

        gc.collect()
        return torch.accelerator.memory_allocated(self.place)

    def release(self) -> None:
        import torch

        gc.collect()
        torch.accelerator.empty_cache()

    def seed(self, number: int) -> None:
        self._module.manual_seed_all(number)


class _Metal(_Accelerator):
    """Apple's, whose allocator tells what it holds and keeps no peak (https://docs.pytorch.org/docs/stable/mps.html)."""

    def memory(self) -> Memory | None:
        most = self._module.recommended_max_memory()
        return Memory(max(0, most - self._module.driver_allocated_memory()), most)

    def synchronise(self) -> None:
        self._module.synchronize()

    def forget_peak(self) -> None:
        gc.collect()

    def peak_memory(self) -> int | None:
        return None

    def held_memory(self) -> int | None:
        gc.collect()
        return int(self._module.current_allocated_memory())

    def release(self) -> None:
        gc.collect()
        self._module.empty_cache()

    def seed(self, number: int) -> None:
        self._module.manual_seed(number)


class _Tpu:
    """Google's, by torch_xla, for which tensors lie on `xla`."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def _xla(self) -> Any:
        try:
            return import_module("torch_xla")
        except ImportError as error:
            raise EnvironmentUnfit(
                f"device {self.name!r} needs torch_xla; `pip install 'torch_xla[tpu]'` brings it"
            ) from error

    @property
    def place(self) -> torch.device:
        index = self.name.partition(":")[2]
        device: torch.device = self._xla.device(int(index)) if index else self._xla.device()
        return device

    def require(self) -> None:
        """Raise EnvironmentUnfit, also where torch_xla runs on something else than a TPU."""
        kind = self._xla and import_module("torch_xla.runtime").device_type()
        if kind != "TPU":
            raise EnvironmentUnfit(f"device {self.name!r} is not available on this machine: torch_xla runs on {kind}")
        _require(self.name, self.place)

    def maker_name(self) -> str | None:
        return str(self._xla.tpu.version()) if hasattr(self._xla, "tpu") else None

    def capability(self) -> str | None:
        return None

    def memory(self) -> Memory | None:
        told = self._told()
        return Memory(told["bytes_limit"] - told["bytes_used"], told["bytes_limit"]) if told else None

    def synchronise(self) -> None:
        self._xla.sync(wait=True)

    def seconds(self) -> float:
        self.synchronise()
        return time.perf_counter()

    def forget_peak(self) -> None:
        """Collect what nobody refers to: the runtime keeps its peak from the beginning."""
        gc.collect()

    def peak_memory(self) -> int | None:
        return self._told().get("peak_bytes_used")

    def held_memory(self) -> int | None:
        gc.collect()
        self.synchronise()
        return self._told().get("bytes_used")

    def release(self) -> None:
        gc.collect()
        self.synchronise()

    def seed(self, number: int) -> None:
        self._xla.manual_seed(number)

    def _told(self) -> dict[str, int]:
        return dict(import_module("torch_xla.core.xla_model").get_memory_info(self.place))
