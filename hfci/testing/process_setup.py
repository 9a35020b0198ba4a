"""What a process does before it imports its first generated test: offline, packages, threads, device."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from typing import Any

from hfci.catalog.environment import OFFLINE
from hfci.catalog.requirements import is_absent, needs

__all__ = ["OFFLINE", "available_cores", "missing_packages", "prepare", "used_device"]

# A copy of a tiny model is some 5,000 objects, and Python's own threshold of 700 has all that is alive looked through
# seven times meanwhile: 2 % of a run. So many are a few models, of at most 4 MB.
COLLECTED_AFTER = 20_000


def prepare(device: str, threads: int = 1) -> None:
    """Make this process fit for hfci's tests; EnvironmentUnfit says once what is missing, and the mend.

    One thread, whatever cores there are: tiny models gain nothing by more, and the number of threads decides in which
    order kernels sum. Where there is one, transformers loads weights with it too: handing each tensor of a tiny
    checkpoint to a pool is a quarter of what loading takes.
    """
    os.environ.update(OFFLINE)
    if threads == 1:
        os.environ["HF_DEACTIVATE_ASYNC_LOAD"] = "1"
    from hfci.catalog.environment import import_libraries

    import_libraries()
    import torch

    from hfci.tiny.devices import find_device

    torch.set_num_threads(threads)
    # Rounded to ten bits each product would be off by more than any comparison in float32 allows.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    gc.freeze()  # what the libraries are made of stays: to look through it again at each collection is a tenth of a run
    gc.set_threshold(COLLECTED_AFTER)
    find_device(device).require()


def missing_packages(packages: Iterable[str]) -> str | None:
    """Say which of `packages` are not installed, and the mend; None when all are."""
    absent = [name for name in packages if is_absent(name)]
    return needs(absent) if absent else None


def available_cores() -> int:
    """Return how many cores this process may use, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def used_device(model: Any) -> str:
    """Return where the parameters of `model` are, e.g. `cpu`, `cuda:0`; several are joined by `+`."""
    # Not by `model.parameters()`, which makes a name for each: that is twice as dear, and this follows every case.
    parameters = (each for module in model.modules() for each in module._parameters.values())
    return "+".join(sorted(map(str, {each.device for each in parameters if each is not None}))) or "none"
