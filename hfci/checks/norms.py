"""Do all norms of a model read what its configuration says of them?"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hfci.checks.applicability import NotApplicable
from hfci.tiny.inputs.context import configs

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["norms_read_their_epsilon"]

_FIELD = ("eps", "epsilon")
_ATTRIBUTES = ("eps", "variance_epsilon", "epsilon")
# Another value than any that a norm has.
_OTHER = 0.0123


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
