"""Does a model start as it should, and so too where a checkpoint lacks something?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hfci.checks.exceptions import names_excepted
from hfci.checks.loading import loaded
from hfci.checks.tensors import same_bits
from hfci.errors import Broken
from hfci.tiny.weights import root_mean_square

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["missing_key_is_initialised"]

# A standard deviation of so many numbers says something of how they were drawn.
_ENOUGH = 64
# The same distribution drawn twice differs by so much at most in its standard deviation.
_FACTOR = 2.0
# No matrix that any base draws is larger, in its root mean square, but for a few: embeddings are drawn with 1.
_LARGEST = 1.5
# Torch draws what a recurrent layer has within one over the root of its width, transformers within 1.1 of that.
_WIDEST = 1.5


def missing_key_is_initialised(tiny: TinyModel) -> None:
    """Assert that a checkpoint without any weights gives the model that building gives.

    Memory that torch hands out uninitialised is made to hold NaN meanwhile, so that what nobody writes is seen. What
    two models built from different seeds have alike must be the same once more; what they draw at random must be finite
    and as wide. A matrix is drawn no larger than is usual, unless an exception says so: a sign lost in the exponent of
    its standard deviation makes it larger.
    """
    cls, config = type(tiny.model), tiny.config
    first, second = (_built(cls, config, seed) for seed in (0, 1))
    with _marked_memory(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(2)
        filled, _ = loaded(cls, None, config=config, state_dict={})
    one, two, actual = _tensors(first), _tensors(second), _tensors(filled)
    if strays := one.keys() ^ actual.keys():
        raise AssertionError(f"other weights than building gives: {', '.join(sorted(strays))}")
    wrong = {name: why for name in one if (why := _wrong(one[name], two[name], actual[name]))}
    larger = names_excepted(tiny, missing_key_is_initialised.__name__, "larger")
    for name, tensor in one.items():
        says_something = tensor.ndim > 1 and tensor.numel() >= _ENOUGH and not same_bits(tensor, two[name])
        is_larger = says_something and root_mean_square(tensor) > _LARGEST
        if is_larger != any(re.fullmatch(pattern, name) for pattern in larger):
            wrong.setdefault(name, f"is built with numbers of a size of {root_mean_square(tensor):.2g}")
    for name, factor in _cells_too_wide(first):
        wrong.setdefault(name, f"is drawn {factor:.2g} times as wide as one over the root of its layer's width")
    if wrong:
        some = "; ".join(f"{name} {why}" for name, why in list(wrong.items())[:8])
        raise Broken(f"{len(wrong)} tensors that the checkpoint lacks are not as built: {some}", wrong)


def _built(cls: type[Any], config: Any, seed: int) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return cls._from_config(config)


@contextmanager
def _marked_memory() -> Iterator[None]:
    """Make torch fill with NaN, or the largest whole number, whatever memory it hands out uninitialised."""
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)  # which is what makes it do so
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)


def _tensors(model: nn.Module) -> Mapping[str, Tensor]:
    return {name: tensor.detach() for name, tensor in (*model.named_parameters(), *model.named_buffers())}


def _cells_too_wide(model: nn.Module) -> Iterator[tuple[str, float]]:
    for name, module in model.named_modules():
        if isinstance(module, nn.RNNBase | nn.RNNCellBase):
            for own, tensor in module.named_parameters(name):
                factor = float(tensor.detach().abs().max()) * module.hidden_size**0.5
                if factor > _WIDEST:
                    yield own, factor


def _wrong(one: Tensor, two: Tensor, actual: Tensor) -> str:
    """Say what is wrong with `actual`, where two models have it as `one` and `two`; nothing where it is right."""
    if actual.is_meta:
        return "was never made"
    if actual.shape != one.shape or actual.dtype != one.dtype:
        return f"is {actual.dtype} {tuple(actual.shape)}, built {one.dtype} {tuple(one.shape)}"
    if same_bits(one, two):
        return "" if same_bits(one, actual) or torch.equal(one, actual) else f"is {_shown(actual)}, built {_shown(one)}"
    if not bool(torch.isfinite(actual).all()):
        return f"is {_shown(actual)}"
    if actual.numel() >= _ENOUGH:
        wide, drawn = float(one.double().std()), float(actual.double().std())
        if not wide / _FACTOR <= drawn <= wide * _FACTOR:
            return f"has a standard deviation of {drawn:.2g}, built {wide:.2g}"
    return ""


def _shown(tensor: Tensor) -> str:
    flat = tensor.flatten()[:3].tolist()
    return f"{', '.join(f'{value:.4g}' for value in flat)}{' …' if tensor.numel() > len(flat) else ''}"
