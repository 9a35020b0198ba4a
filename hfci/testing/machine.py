"""What a process that runs cases really is: its processor, the kernels torch chooses there, its threads.

The process that records does not import torch. Those that run cases ask it, and hand on what it says with what they
collected.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hfci.cases.records import Accelerator

if TYPE_CHECKING:
    from hfci.tiny.devices import Device

__all__ = ["KERNEL_VARIABLES", "Process", "kernel_variables", "with_variables"]

# Each makes torch, oneDNN or MKL choose other kernels than the processor's best, and so other rounding.
KERNEL_VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_MAX_CPU_ISA",
)


class Process(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one process says of itself; each field but the last is one of the header's too.

    - `processor`: the processor's name; `capability`: the vector instructions of torch's own kernels, e.g. AVX2
    - `accelerator`: the device that cases run on, where that is not the processor
    - `threads`: how many torch computes with
    - `transformers`: the folder of the package that it has imported; the header has more of it, as its `source`
    """

    processor: str | None = None
    capability: str | None = None
    accelerator: Accelerator | None = None
    threads: int | None = None
    transformers: str | None = None

    @classmethod
    def here(cls, device: str = "cpu") -> Process:
        """Return what this process is, which runs cases on `device`; it imports torch."""
        import torch

        from hfci.tiny.devices import find_device

        processor, used = find_device("cpu"), find_device(device)
        return cls(
            processor=processor.maker_name(),
            capability=processor.capability(),
            accelerator=None if used.place.type == "cpu" else _accelerator(used),
            threads=torch.get_num_threads(),
            transformers=_imported("transformers"),
        )


def _accelerator(device: Device) -> Accelerator:
    memory = device.memory()
    return Accelerator(
        name=device.maker_name(), capability=device.capability(), memory_bytes=memory.total if memory else None
    )


def _imported(package: str) -> str | None:
    """Return the folder of a package that this process has imported; None where it could not."""
    file = getattr(sys.modules.get(package), "__file__", None)
    return str(Path(file).resolve().parent) if file else None


def kernel_variables() -> dict[str, str]:
    """Return those of KERNEL_VARIABLES that are set, which the processes of a run inherit."""
    return {name: os.environ[name] for name in KERNEL_VARIABLES if os.environ.get(name)}


def with_variables(command: str, variables: Mapping[str, str]) -> str:
    """Return a line for a shell that runs `command` with `variables` set."""
    return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in variables.items()), command])
