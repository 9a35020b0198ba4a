"""Where in a model numbers begin to be wrong: the first module whose outputs are, in the order in which modules end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from hfci.checks.running import outputs_of
from hfci.checks.tensors import floating, named_tensors, relative_difference, same_bits
from hfci.errors import FOREIGN

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["are_far_apart", "first_different", "first_not_finite", "have_other_bits"]

# Where it begins is asked of what is seen to differ at the end: well above the noise of single precision.
FAR = 1e-4

Outputs = Mapping[str, Tensor]


def have_other_bits(left: Outputs, right: Outputs) -> bool:
    """Tell whether tensors of the same names differ in a bit."""
    return not all(same_bits(tensor, right[name]) for name, tensor in left.items())


def are_far_apart(left: Outputs, right: Outputs) -> bool:
    """Tell whether tensors of the same names differ by more than other kernels make them."""
    pairs = ((tensor, right[name]) for name, tensor in left.items())
    return any(one.shape != other.shape or relative_difference(one, other) > FAR for one, other in pairs)


def first_different(
    one: TinyModel, other: TinyModel, differ: Callable[[Outputs, Outputs], bool], *, seed: bool = True
) -> str | None:
    """Return the first module that gives others in `other` than in `one`, by what both give; None if there is none.

    Both run once more. What stops them now, and not before, is no answer, and no other failure either.
    """
    try:
        pairs = zip(_ended(one, seed=seed), _ended(other, seed=seed), strict=False)
        for (name, left), (same, right) in pairs:
            shared = [key for key in left if key in right]
            if name == same and differ({key: left[key] for key in shared}, {key: right[key] for key in shared}):
                return name
    except FOREIGN:
        return None
    return None


def first_not_finite(tiny: TinyModel) -> str | None:
    """Return the first module that gives a number that is none, or larger than any; None if there is none."""
    try:
        for name, outputs in _ended(tiny):
            if any(bool((tensor.isnan() | tensor.isposinf()).any()) for tensor in outputs.values()):
                return name
    except FOREIGN:
        return None
    return None


def _ended(tiny: TinyModel, *, seed: bool = True) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield each module of a forward as it ended, with copies of the floating tensors that it gave."""
    ended: list[tuple[str, dict[str, Tensor]]] = []

    def hear(name: str) -> Callable[..., None]:
        def heard(_: Any, __: Any, outputs: Any) -> None:
            tensors = floating(named_tensors(outputs))
            ended.append((name, {key: tensor.detach().clone() for key, tensor in tensors.items()}))

        return heard

    hooks = [module.register_forward_hook(hear(name)) for name, module in tiny.model.named_modules() if name]
    try:
        outputs_of(tiny, tiny.inputs(), seed=seed)
    finally:
        for hook in hooks:
            hook.remove()
    yield from ended
