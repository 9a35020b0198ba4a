"""A summary of what an architecture computes: a few numbers a field, small enough to be kept, that any change moves.

Fields bear the words of `hfci.catalog.aliases`, so that a release which renames one moves nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import torch
from torch import Tensor

from hfci.catalog.aliases import field_aliases, named, word_by_spelling
from hfci.checks.directions import direction
from hfci.checks.exceptions import reason
from hfci.checks.losses import loss_of
from hfci.checks.running import discard_derived_state, seeded
from hfci.checks.tensors import MASKED, floating, named_tensors
from hfci.errors import StageError

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["Summary", "distance", "in_words", "is_gradient", "summary_of", "unlike"]

# Each projection alone moves with every element of the field; the samples tell a person what became of it.
_PROJECTIONS, _SAMPLES = 2, 3
# How the names of fields of gradients begin.
_GRADIENT, _LENGTH = "gradient of", "length of"
# The field of how large each parameter was before it was filled; in logarithms, so that none is too small to be seen.
_FIRST, _SMALLEST = "sizes of the first weights", 1e-8
# By whose exceptions there are no gradients, or in train mode alone.
GRADIENTS = "gradients_reach_every_parameter"
# Of so many parameters, evenly spaced over the model, a gradient is kept, beside the length of all.
_GRADIENTS = 3


class Summary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What is kept of one field.

    - `values`: of floating numbers their root mean square, their projections on fixed directions over the root of how
      many there are, and some of them; in the field's own units
    - `masked`: how many are NaN, infinite, or so low that they mask
    - `digest`: of whole numbers, which must be equal
    """

    dtype: str
    shape: tuple[int, ...]
    values: tuple[float, ...] = ()
    masked: int = 0
    digest: str = ""


def summary_of(tiny: TinyModel) -> dict[str, Summary]:
    """Return the summary of each output field of two fixed rows, and of some gradients of a fixed objective.

    The objective is the sum over the differentiable outputs of their product with a fixed direction, each output scaled
    to length 1. How large its class drew each parameter is a field too. Where it is known what its labels are, there
    are its loss for some, and of that the lengths of some gradients. There are no gradients where an exception says
    that there are none by design. Random numbers start from the tiny model's seed. Raises StageError.
    """
    # before the outputs: no state is then of a graph, which no copy can have
    summaries = _first_weights(tiny) | _gradients(tiny) | _losses(tiny)
    with torch.no_grad(), seeded(tiny):
        outputs = _named(tiny)
    return {name: _summary(name, tensor) for name, tensor in outputs.items() if tensor.numel()} | summaries


def is_gradient(field: str) -> bool:
    """Tell whether a field is of gradients, and not of outputs or a loss."""
    return field.startswith((_GRADIENT, _LENGTH))


def unlike(one: Summary, other: Summary) -> str | None:
    """Say in what two summaries of a field differ that no rounding can change; None where they do not."""
    for what in ("dtype", "shape", "masked", "digest"):
        left, right = getattr(one, what), getattr(other, what)
        if left != right:
            return "other whole numbers" if what == "digest" else f"another {what}: {left}, now {right}"
    if len(one.values) != len(other.values):
        return "another number of values"
    return None


def distance(one: Summary, other: Summary) -> float:
    """Return the largest difference between the values of two summaries, in units of the field's root mean square.

    It is infinite where they are `unlike`.
    """
    if unlike(one, other) is not None:
        return math.inf
    if one.values == other.values:
        return 0.0
    scale = max(abs(one.values[0]), abs(other.values[0]))
    return max(abs(left - right) for left, right in zip(one.values, other.values, strict=True)) / (scale or 1.0)


def _first_weights(tiny: TinyModel) -> dict[str, Summary]:
    """Return the summary of how large, in logarithms, its class drew each parameter."""
    logarithms = [math.log(max(size, _SMALLEST)) for size in tiny.initial.values()]
    return {_FIRST: _summary(_FIRST, torch.tensor(logarithms, dtype=torch.float64))} if logarithms else {}


def _gradients(tiny: TinyModel) -> dict[str, Summary]:
    """Return the summaries of some gradients of the objective, and the length of all."""
    _, gradients = _differentiated(
        tiny, lambda: [_projection(name, tensor) for name, tensor in _named(tiny).items() if tensor.requires_grad]
    )
    if not gradients:
        return {}
    summaries = {f"{_GRADIENT} {name}": _summary(name, gradients[name]) for name in _spaced(gradients)}
    return {**summaries, f"{_LENGTH} all gradients": _number(_length(gradients.values()))}


def _losses(tiny: TinyModel) -> dict[str, Summary]:
    """Return the loss for labels, and the lengths of some of its gradients and of all."""
    compute = None if _has_no_gradients(tiny) else loss_of(tiny)
    if compute is None:
        return {}
    try:
        (loss,), gradients = _differentiated(tiny, lambda: [compute()])
    except StageError:  # it fails, given labels: loss_matches_definition says so, and what it had would be gone
        return {}
    lengths = {f"of {name}": _length([gradients[name]]) for name in _spaced(gradients)}
    named = {f"{_LENGTH} the loss's gradient {name}": _number(length) for name, length in lengths.items()}
    return {
        "loss, given labels": _number(float(loss), str(loss.dtype).removeprefix("torch.")),
        **named,
        f"{_LENGTH} all the loss's gradients": _number(_length(gradients.values())),
    }


def _differentiated(tiny: TinyModel, objective: Callable[[], list[Tensor]]) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Return what the objective gives, and the gradients of its sum, of the parameters that get one."""
    if _has_no_gradients(tiny):
        return [], {}
    discard_derived_state(tiny.model)
    tiny.model.train(reason(tiny, GRADIENTS, "train_mode") is not None)
    try:
        with torch.enable_grad(), seeded(tiny):
            parts = objective()
            if differentiable := [part for part in parts if part.requires_grad]:
                torch.autograd.backward(differentiable)
        gradients = {
            name: parameter.grad.detach().clone()
            for name, parameter in tiny.model.named_parameters()
            if parameter.grad is not None
        }
        return [part.detach() for part in parts], gradients
    finally:
        tiny.model.zero_grad(set_to_none=True)
        discard_derived_state(tiny.model)  # what it keeps of this forward (levit's biases) is part of its graph


def _has_no_gradients(tiny: TinyModel) -> bool:
    exceptions = (("forward_is_finite", "codes_only"), (GRADIENTS, "inference_only"))
    return any(reason(tiny, check, kind) is not None for check, kind in exceptions)


def _spaced(gradients: Mapping[str, Tensor]) -> list[str]:
    """Return the names of those that are kept."""
    names = list(gradients)
    last = len(names) - 1
    return list(dict.fromkeys(names[round(last * place / (_GRADIENTS - 1))] for place in range(_GRADIENTS)))


def _length(gradients: Iterable[Tensor]) -> float:
    return math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients))


def _number(value: float, dtype: str = "float64") -> Summary:
    return Summary(dtype=dtype, shape=(), values=(_rounded(value),))


def _named(tiny: TinyModel) -> dict[str, Tensor]:
    return named_tensors(in_words(tiny.forward(tiny.inputs())))


def in_words(value: Any) -> Any:
    """Return `value` with the fields of every output class in it under their words."""
    if isinstance(value, Mapping):
        words: Mapping[str, str] = {}
        if dataclasses.is_dataclass(value):
            words = word_by_spelling(named(value.keys(), field_aliases(type(value))))
        return {words.get(name, name): in_words(item) for name, item in value.items()}
    if type(value) in (list, tuple):
        return [in_words(item) for item in value]
    return value


def _projection(name: str, output: Tensor) -> Tensor:
    """Return the output's product with its direction over its length, in float64."""
    if output.is_complex():
        output = torch.view_as_real(output)
    usable = _usable(output.detach())
    length = float(torch.linalg.vector_norm(output.detach()[usable].double())) or 1.0
    kept = output.masked_fill(~usable, 0.0)
    return (kept.double() * direction(name, output.detach().double())).sum() / length


def _summary(name: str, tensor: Tensor) -> Summary:
    dtype, shape = str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape)
    if not floating({name: tensor}):
        whole = tensor.detach().cpu().to(torch.int64).contiguous()
        digest = hashlib.blake2b(whole.numpy().tobytes(), digest_size=8).hexdigest()
        return Summary(dtype=dtype, shape=shape, digest=digest)
    numbers = tensor.detach().cpu()
    numbers = (torch.view_as_real(numbers) if numbers.is_complex() else numbers).double()
    usable = _usable(numbers)
    numbers = numbers.masked_fill(~usable, 0.0)
    count = max(1, int(usable.sum()))
    flat = numbers.flatten()
    places = [round((flat.numel() - 1) * place / (_SAMPLES - 1)) for place in range(_SAMPLES)]
    directions = (direction(f"{name} {index}", numbers) for index in range(_PROJECTIONS))
    values = (
        math.sqrt(float(flat.square().sum()) / count),
        *(float((numbers * along).sum()) / math.sqrt(count) for along in directions),
        *(float(flat[place]) for place in places),
    )
    return Summary(dtype=dtype, shape=shape, values=tuple(map(_rounded, values)), masked=int((~usable).sum()))


def _usable(tensor: Tensor) -> Tensor:
    return torch.isfinite(tensor) & (tensor > MASKED)


def _rounded(value: float) -> float:
    """Return `value` to seven digits, which is what float32 holds."""
    return float(f"{value:.7g}")
