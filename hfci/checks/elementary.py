"""Do the small parts that every model is made of, norms and the scale of attention, do what such parts do?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import names_excepted
from hfci.checks.running import run
from hfci.checks.tensors import FLOAT_ERROR, relative_difference
from hfci.tiny.inputs.context import configs

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["norms_see_one_place", "scores_are_scaled_by_a_size"]

_LIBRARY = "transformers."
_SCALES = ("scaling", "scale")
# What such a number is called where a configuration has it, and what sizes are called.
_DECLARED = re.compile("scal|multiplier")
_SIZE = re.compile("dim|size")
_HEADS = re.compile("head")


def norms_see_one_place(tiny: TinyModel) -> None:
    """Assert that what a norm makes of a place, a vector along the last axis, changes with no other place.

    A norm is here a module of transformers', without modules in it, whose parameters are as large as the last axes of
    what it is given, which it gives back in the same shape: it has a factor for each number of a place and no matrix.

    Raises `NotApplicable` where the model has none that sees several places.
    """
    given: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
    small = {name: module for name, module in tiny.model.named_modules() if _is_small(module)}
    handles = [module.register_forward_pre_hook(_kept(name, given), with_kwargs=True) for name, module in small.items()]
    try:
        run(tiny, tiny.inputs())
    finally:
        for handle in handles:
            handle.remove()
    with torch.no_grad():
        moved = {name: _moved(small[name], *given[name]) for name in given}
    asked = [name for name, by in moved.items() if by is not None]
    if not asked:
        raise NotApplicable("no module of transformers' in it scales places, each by the same factors")
    mixing = {name: by for name, by in moved.items() if by is not None and by > FLOAT_ERROR}
    excepted = names_excepted(tiny, norms_see_one_place.__name__, "mixing")
    wrong = [
        f"{name} ({type(tiny.model.get_submodule(name)).__name__}) "
        + (f"by {mixing[name]:.1e} of its size" if name in mixing else "by nothing, though an exception says so")
        for name in sorted(asked)
        if (name in mixing) != any(re.fullmatch(pattern, name) for pattern in excepted)
    ]
    if wrong:
        raise AssertionError(f"other places change what is made of one: {'; '.join(wrong[:8])}")


def scores_are_scaled_by_a_size(tiny: TinyModel) -> None:
    """Assert that the scale of an attention is one over the root of a size that it has, or what a field says.

    That is the attribute `scaling`, or `scale`, of a module that has a size of its heads.

    Raises `NotApplicable` where no module has both.
    """
    allowed = [1.0, *_said(tiny.config)]
    found = {name: (module, scale) for name, module, scale in _scaled(tiny.model)}
    if not found:
        raise NotApplicable("no module of it has a number by which it scales scores beside a size of its heads")
    excepted = names_excepted(tiny, scores_are_scaled_by_a_size.__name__, "otherwise")
    wrong = []
    for name, (module, scale) in sorted(found.items()):
        own = [value**-0.5 for value in _sizes(module).values()]
        is_right = any(math.isclose(scale, value, rel_tol=1e-6) for value in (*own, *allowed))
        if is_right == any(re.fullmatch(pattern, name) for pattern in excepted):
            sizes = ", ".join(f"{size} {value}" for size, value in _sizes(module).items())
            wrong.append(f"{name} ({type(module).__name__}) by {scale:.4g}, with {sizes}")
    if wrong:
        raise AssertionError(f"scores are scaled by no size: {'; '.join(wrong[:8])}")


def _is_small(module: nn.Module) -> bool:
    is_whole = next(module.children(), None) is None and next(module.parameters(), None) is not None
    return is_whole and type(module).__module__.startswith(_LIBRARY)


def _kept(name: str, given: dict[str, tuple[tuple[Any, ...], dict[str, Any]]]) -> Any:
    """Return a hook that keeps what a module is first given."""

    def hook(_: nn.Module, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        if arguments and isinstance(arguments[0], Tensor) and arguments[0].is_floating_point():
            given.setdefault(name, ((arguments[0].detach().clone(), *arguments[1:]), options))

    return hook


def _moved(module: nn.Module, arguments: tuple[Any, ...], options: dict[str, Any]) -> float | None:
    """Return by how much the first place moves when all others are changed, of its size; None of what is no norm."""
    states, *others = arguments
    if states.ndim < 2 or states.numel() <= states.shape[-1] or not _scales(module, states):
        return None
    whole = module(states, *others, **options)
    if not isinstance(whole, Tensor) or whole.shape != states.shape:
        return None
    first = (0,) * (states.ndim - 1)
    changed = 3.0 * states.flip(-1) + 1.0
    changed[first] = states[first]
    return relative_difference(module(changed, *others, **options)[first], whole[first])


def _scales(module: nn.Module, states: Tensor) -> bool:
    """Tell whether its factors are those of the last axes; of a map as wide as it has channels none can say."""
    if states.ndim > 3 and states.shape[1] == states.shape[-1]:
        return False
    return all(
        parameter.ndim and parameter.shape == states.shape[-parameter.ndim :] for parameter in module.parameters()
    )


def _scaled(model: nn.Module) -> Iterator[tuple[str, nn.Module, float]]:
    for name, module in model.named_modules():
        if type(module).__module__.startswith(_LIBRARY) and any(map(_HEADS.search, _sizes(module))):
            for attribute in _SCALES:
                if _is_number(scale := vars(module).get(attribute)):
                    yield name, module, float(scale)
                    break


def _said(config: Any) -> Iterator[float]:
    """Yield what fields say of a scale: a number, or one of which it is one over the root."""
    for part in configs(config):
        for name, value in part.to_dict().items():
            if _is_number(value) and _DECLARED.search(name):
                yield float(value)
            if _is_number(value) and value > 0 and (_DECLARED.search(name) or _SIZE.search(name)):
                yield float(value) ** -0.5


def _sizes(module: nn.Module) -> dict[str, int]:
    return {
        name: value
        for name, value in vars(module).items()
        if _SIZE.search(name) and isinstance(value, int) and not isinstance(value, bool) and value > 0
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
