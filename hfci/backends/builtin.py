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
    own would be others.
    """

    def compile_model(model: Any, _: Mapping[str, Any]) -> Callable[..., Any]:
        import torch

        options: Any = {"fallback_random": True, "compile_threads": 1} if backend == "inductor" else None
        compiled: Callable[..., Any] = torch.compile(eager(model, _), backend=backend, dynamic=False, options=options)
        return compiled

    return compile_model


BUILT_IN: Mapping[str, Make] = {"eager": eager}
COMPILERS: Mapping[str, Make] = {name: compiling(name) for name in ("aot_eager", "inductor")}
