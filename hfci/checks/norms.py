"""Do the norms of a model see one place alone, and all read what its configuration says of them?"""

from __future__ import annotations

import copy
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

__all__ = ["norms_read_their_epsilon", "norms_see_one_place"]

_LIBRARY = "transformers."
_FIELD = ("eps", "epsilon")
_ATTRIBUTES = ("eps", "variance_epsilon", "epsilon")
# Another value than any that a norm has.
_OTHER = 0.0123


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


def norms_read_their_epsilon(tiny: TinyModel) -> None:
    """Assert that where one norm reads its epsilon from a field, all of its class do that modules of one class hold.

    Each field is another number in turn, and the model built of it on the meta device. Of torch's own norms nothing is
    asked: many have, by design, the epsilon that torch gives them.

    Raises `NotApplicable` where its configuration has no such field, or none that norms read.
    """
    before = _epsilons(tiny.model)
    read: set[str] = set()
    for number, name in _fields(tiny.config):
        after = _epsilons(_with(tiny, number, name))
        read |= {place for place, value in after.items() if before.get(place) != value}
    if not read:
        raise NotApplicable("no norm reads a field of its configuration for its epsilon")
    modules = dict(tiny.model.named_modules())
    kinds = {_kind(modules, place) for place in read}
    deaf = {place for place in before if place not in read and _kind(modules, place) in kinds}
    if deaf:
        others = ", ".join(sorted(deaf)[:6])
        raise AssertionError(f"of norms of one class some read their epsilon from the configuration, and not {others}")


def _kind(modules: dict[str, nn.Module], place: str) -> tuple[type[nn.Module], ...]:
    return type(modules[place]), type(modules[place.rpartition(".")[0]])


def _fields(config: Any) -> Iterator[tuple[int, str]]:
    for number, part in enumerate(configs(config)):
        for name, value in vars(part).items():
            if isinstance(value, float) and name.rpartition("_")[2] in _FIELD:
                yield number, name


def _with(tiny: TinyModel, number: int, name: str) -> nn.Module:
    config = copy.deepcopy(tiny.config)
    setattr(list(configs(config))[number], name, _OTHER)
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        model: nn.Module = type(tiny.model)._from_config(config)
    return model


def _epsilons(model: nn.Module) -> dict[str, float]:
    return {
        place: value
        for place, module in model.named_modules()
        if not type(module).__module__.startswith("torch.")
        for attribute in _ATTRIBUTES
        if isinstance(value := getattr(module, attribute, None), float)
    }


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
