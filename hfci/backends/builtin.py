"""The backends that are built in: the model itself, and torch.compile. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["BUILT_IN", "COMPILERS", "Make"]

# What a backend is: a function of a model and example inputs, which returns what runs instead.
Make = Callable[[Any, Mapping[str, Any]], Callable[..., Any]]


def eager(model: Any, _: Mapping[str, Any]) -> Callable[..., Any]:
    """Return what runs a model: what every other backend is compared with."""
    from hfci.catalog.facts import entry_point

    run: Callable[..., Any] = entry_point(model)
    return run


def compiling(backend: str) -> Make:
    """Return the function that compiles a model with a backend of torch.compile, when it is first called.

    It is compiled for the shapes of that call. What draws random numbers draws those that it draws without: inductor's
    own would be others. What inductor keeps for later processes is for those whose kernels have the same instructions.
    """

    def compile_model(model: Any, _: Mapping[str, Any]) -> Callable[..., Any]:
        import torch

        if backend == "inductor":
            _keep_apart_by_instructions()
        options: Any = {"fallback_random": True, "compile_threads": 1} if backend == "inductor" else None
        compiled: Callable[..., Any] = torch.compile(eager(model, _), backend=backend, dynamic=False, options=options)
        return compiled

    return compile_model


def _keep_apart_by_instructions() -> None:
    """Have code that is kept be found by the vector instructions of torch's kernels, which inductor compiles for too.

    ATEN_CPU_CAPABILITY chooses them, and of torch 2.13 the cache of graphs does not know it (`FxGraphHashDetails`).
    Before 2.7 it takes no tag.
    """
    import torch
    from torch.compiler import config

    instructions, tag = torch.backends.cpu.get_cpu_capability(), getattr(config, "cache_key_tag", None)
    if tag is not None and instructions not in tag:
        config.cache_key_tag = f"{tag} {instructions}".strip()


BUILT_IN: Mapping[str, Make] = {"eager": eager}
COMPILERS: Mapping[str, Make] = {name: compiling(name) for name in ("aot_eager", "inductor")}
