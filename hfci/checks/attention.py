"""Do the implementations of attention agree, and do the maps that they make come out?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

from hfci.checks.applicability import NotApplicable
from hfci.checks.divergence import are_far_apart, first_different
from hfci.checks.floor import different
from hfci.checks.running import copied, outputs_of, rebuilt
from hfci.checks.sequences import PADDED, at, other_tokens, padded, reads_texts
from hfci.errors import Differs, StageError
from hfci.tiny import TinyModel

__all__ = ["Calls", "attended", "attending", "eager_equals_sdpa", "switched", "with_each_attention"]


class Calls(TorchFunctionMode):
    """Counts, as long as it is entered, the calls of some of torch's functions, by name."""

    def __init__(self, *functions: Callable[..., Any]) -> None:
        """Count the calls of `functions`."""
        super().__init__()
        self.functions = functions
        self.count = 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), options: Any = None) -> Any:
        """Run the function, and count it where it is one of those."""
        self.count += function in self.functions
        return function(*args, **(options or {}))


def attending(tiny: TinyModel, implementation: str, *, anew: bool = False) -> TinyModel:
    """Return a copy of `tiny` whose attention is computed by `implementation`: `eager` or `sdpa`.

    It is built `anew` where that is asked for, or the class says that it cannot switch, since its layers are chosen
    when it is built.
    """
    if anew or not tiny.model._can_set_attn_implementation():
        return rebuilt(tiny, copy.deepcopy(tiny.config), attn_implementation=implementation)
    return switched(tiny, implementation)


def with_each_attention(tiny: TinyModel) -> Iterator[tuple[str, TinyModel]]:
    """Yield `sdpa` and `eager`, each with a copy that computes its attention so, but for what the class has not."""
    for implementation in ("sdpa", "eager"):
        try:
            one = attending(tiny, implementation)
        except ValueError:  # it says that it has no such attention
            continue
        yield implementation, one


def switched(tiny: TinyModel, asked: str | Mapping[str, str]) -> TinyModel:
    """Return a copy of `tiny` that was told to compute its attention as `asked`, a part's by the name of its field."""
    other = copied(tiny)
    other.model.set_attn_implementation(asked)
    return other


def attended(tiny: TinyModel) -> tuple[int, dict[str, Tensor]]:
    """Return how often a forward calls torch's kernel, and what it gives."""
    inputs = tiny.inputs()  # to make them, some call the model
    with Calls(scaled_dot_product_attention) as kernels:
        outputs = outputs_of(tiny, inputs)
    return kernels.count, outputs


def eager_equals_sdpa(tiny: TinyModel) -> None:
    """Assert that a model built with sdpa gives what a copy of it gives that computes attention step by step.

    In every row of every output, and where it reads texts also for a batch with a row that is padded, on the right and
    on the left: there in every place that is no padding. A mask that one of them refuses the other must refuse too.

    Raises `NotApplicable` where attention calls the kernel no less often when told not to: there is nothing to compare.
    """
    count, fused = attended(tiny)
    for anew in (False, True):  # some say that they can switch, and cannot
        eager = attending(tiny, "eager", anew=anew)
        other, stepwise = attended(eager)
        if other < count:
            break
    else:
        raise NotApplicable(f"its forward calls torch's kernel {count} times, and told not to {other}")
    problems = different(tiny, stepwise, fused)  # which may have less: no maps of attention
    for side in PADDED if reads_texts(tiny) else ():
        problems += [f"padded on the {side}, {problem}" for problem in _padded_differences(tiny, eager, side)]
    if problems:
        module = first_different(tiny, eager, are_far_apart)
        raise Differs(f"sdpa and eager give other outputs: {'; '.join(problems)}", module)


def _padded_differences(tiny: TinyModel, eager: TinyModel, side: str) -> list[str]:
    """Return where, in the places that are no padding, the two differ; nothing where padding itself gets there."""
    inputs, real = padded(tiny, side)
    fused, stepwise = (_refusing(one, inputs) for one in (tiny, eager))
    if isinstance(fused, StageError) or isinstance(stepwise, StageError):
        stopped = [one for one in (fused, stepwise) if isinstance(one, StageError)]
        return [] if len(stopped) == 2 else [f"one of them stops: {stopped[0]}"]
    differences = different(tiny, at(stepwise, real.shape, real), at(fused, real.shape, real))
    if not differences:
        return []
    tokens = inputs["input_ids"]
    others = inputs | {"input_ids": torch.where(real, tokens, other_tokens(tiny, tokens))}
    seen = different(tiny, at(outputs_of(tiny, others), real.shape, real), at(fused, real.shape, real))
    return [] if seen else differences  # what padding says is another question


def _refusing(tiny: TinyModel, inputs: Mapping[str, Any]) -> dict[str, Tensor] | StageError:
    """Return what it gives for `inputs`, or the error that it stops with."""
    copies = {name: value.clone() if isinstance(value, Tensor) else value for name, value in inputs.items()}
    try:
        return outputs_of(tiny, copies)
    except StageError as error:
        return error
