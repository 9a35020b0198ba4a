"""Is everything that a model computes with known to it as its own?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hfci.errors import Broken

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["parameters_are_in_the_module_tree"]


def parameters_are_in_the_module_tree(tiny: TinyModel) -> None:
    """Assert that every module and tensor that a module of the model holds is among its modules, parameters or buffers.

    In a plain list or attribute it is not moved with the model, not saved, not trained, and lost where the model is
    built without memory, as `from_pretrained` does. Asked of a model that was just built: what a forward leaves is
    state. A module without any parameter or buffer, a loss, may stand anywhere.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(tiny.seed)
        model = type(tiny.model)._from_config(tiny.config)
    known = {id(module) for module in model.modules()}
    known |= {id(tensor) for tensor in (*model.parameters(), *model.buffers())}
    strays = {
        f"{f'{name}.' if name else ''}{where}": type(item).__name__
        for name, module in model.named_modules()
        for where, item in _held(module)
        if id(item) not in known and (isinstance(item, Tensor) or _holds_numbers(item))
    }
    if strays:
        shown = ", ".join(f"{name} ({kind})" for name, kind in list(strays.items())[:6])
        raise Broken(f"{len(strays)} that the model does not know as its own: {shown}", strays)


def _holds_numbers(module: nn.Module) -> bool:
    return any(True for _ in (*module.parameters(), *module.buffers()))


def _held(module: nn.Module) -> Iterator[tuple[str, Any]]:
    for name, value in vars(module).items():
        if name not in ("_parameters", "_buffers", "_modules"):
            yield from _inside(value, name, ())


def _inside(value: Any, where: str, above: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the tensors and modules in `value`, however deep in lists, mappings and plain objects."""
    if isinstance(value, Tensor | nn.Module):
        yield where, value
    elif id(value) in above:
        return
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _inside(item, f"{where}[{key!r}]", (*above, id(value)))
    elif isinstance(value, list | tuple | set):
        for index, item in enumerate(value):
            yield from _inside(item, f"{where}[{index}]", (*above, id(value)))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for name, item in vars(value).items():
            yield from _inside(item, f"{where}.{name}", (*above, id(value)))
