"""The stage `load`: the checkpoint itself, by the evaluation's arguments, onto the devices that were asked for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from hfci.preflight.configuration import Configuration
from hfci.preflight.diagnosis import Diagnosed
from hfci.preflight.keys import SHOWN, judge
from hfci.preflight.loading import device_of, load_model
from hfci.preflight.sizes import bytes_of, bytes_of_model
from hfci.process_memory import forget_peak, peak_memory, resident_memory

if TYPE_CHECKING:
    from hfci.preflight.stages import Context

__all__ = ["HELD", "Load", "MemoryUse", "load"]

# What `context.held` keeps of it for the stage that follows.
HELD = "loaded"


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What `load` finds.

    - `loaded_by`: the auto class; `architecture`: the class; `parameters`: how many; `dtype`: of most of them
    - `device`: where it is; `device_map`: which part on which device, where it is split
    - `seconds`: without the download; `weight_bytes`: what parameters and buffers take now
    - `memory_bytes`: what loading has added to the memory in use; `peak_bytes`: at its peak; null where nobody counts
    - `predicted_bytes`: of the weights, as `size` said; `error`: how far that is from `weight_bytes`, of it
    - `unexpected`: keys that were left out, the first of them
    """

    loaded_by: str
    architecture: str
    parameters: int
    dtype: str
    device: str
    device_map: dict[str, str] = {}
    seconds: float
    weight_bytes: int
    memory_bytes: int | None
    peak_bytes: int | None
    predicted_bytes: int | None
    error: float | None
    unexpected: tuple[str, ...] = ()


def load(context: Context) -> Load:
    """Load the model and keep it for `hello`; Diagnosed where a device is missing, or the weights do not match."""
    found, configuration = context.found, context.configuration
    assert found.access is not None
    assert found.size is not None
    _require_devices(configuration)
    repository, asked = found.access.model, configuration.model
    context.progress("loading", None, None)
    begun = time.monotonic()
    with MemoryUse(device_of(configuration)) as used:
        loaded = load_model(configuration, repository.folder or asked.name, repository.commit, **_spread(configuration))
    seconds = time.monotonic() - begun
    judge(loaded.info)
    context.held[HELD] = loaded
    model = loaded.model
    weights = bytes_of_model(model)
    predicted = found.size.asked_bytes if found.size.memory is None else found.size.memory.weights
    return Load(
        loaded_by=loaded.loaded_by,
        architecture=type(model).__name__,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        dtype=str(model.dtype).removeprefix("torch."),
        device=str(model.device),
        device_map={name or "all": str(device) for name, device in getattr(model, "hf_device_map", {}).items()},
        seconds=round(seconds, 3),
        weight_bytes=weights,
        memory_bytes=used.added,
        peak_bytes=used.peak,
        predicted_bytes=predicted,
        error=None if predicted is None else round(predicted / weights - 1, 4),
        unexpected=tuple(sorted(loaded.info.get("unexpected_keys", ()))[:SHOWN]),
    )


def _spread(configuration: Configuration) -> dict[str, Any]:
    """Return the arguments that put a model on its devices, as lm-evaluation-harness does."""
    performance = configuration.performance
    if not performance.parallelize:
        return {}
    limits: dict[int | str, int] = {}
    if performance.max_memory_per_gpu is not None:
        limits = dict.fromkeys(range(performance.num_gpus or 1), bytes_of(performance.max_memory_per_gpu))
    if performance.max_cpu_memory is not None:
        limits["cpu"] = bytes_of(performance.max_cpu_memory)
    return {"device_map": "auto", "max_memory": limits or None}


def _require_devices(configuration: Configuration) -> None:
    import torch

    performance = configuration.performance
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    wanted = performance.num_gpus or 0
    if wanted > there:
        raise Diagnosed(
            "device_unavailable", asked=f"{wanted} GPUs are" if wanted > 1 else "A GPU is", there=_count(there)
        )
    try:
        torch.empty(1, device=device_of(configuration))
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # what torch raises depends on the kind
        asked = f"The device {performance.device} is"
        raise Diagnosed("device_unavailable", repr(error), asked=asked, there=f"{_count(there)} here") from error


def _count(gpus: int) -> str:
    return "none" if gpus == 0 else "one GPU" if gpus == 1 else f"{gpus} GPUs"


class MemoryUse:
    """How much the memory of a device grows within it: `added` in the end, and at the `peak`; None if nobody counts."""

    def __init__(self, device: str) -> None:
        """Count on `device`."""
        self.device = device
        self.added: int | None = None
        self.peak: int | None = None

    def __enter__(self) -> MemoryUse:
        """Begin to count."""
        import torch

        if self.device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(self.device)
            self._before: int | None = torch.cuda.memory_allocated(self.device)
        else:
            forget_peak()
            self._before = resident_memory()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop counting."""
        import torch

        now: int | None
        peak: int | None
        if self.device.startswith("cuda"):
            now, peak = torch.cuda.memory_allocated(self.device), torch.cuda.max_memory_allocated(self.device)
        else:
            now, peak = resident_memory(), peak_memory()
        if self._before is not None and now is not None and peak is not None:
            self.added, self.peak = now - self._before, peak - self._before
