"""Does a model compute in half precision what it computes in float32?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import reason
from hfci.checks.loading import loaded
from hfci.checks.running import copied, outputs_of
from hfci.checks.tensors import cast, floating
from hfci.errors import StageError

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["NO_KERNEL", "distance", "half_precision_stays_close", "lacks_kernels"]

CHECK = "half_precision_stays_close"

_HALVES = (torch.bfloat16, torch.float16)
_WHOLE = (torch.bool, torch.int32, torch.int64)
# How torch says that it has no kernel for a dtype here, which is no fault of a model's.
NO_KERNEL = re.compile(r"not implemented for '|[Uu]nsupported dtype")
# What goes on to the next layers: in float32 it would have them compute in float32, or stop.
_STATES = re.compile(r"(^|[._])hidden_states?(\[|$)")
# How a number is made a whole one by what it is, not by what it is compared with.
_INDEXING = frozenset({"bucketize", "int", "long", "searchsorted", "to", "type"})
# What stands for minus infinity, a number near the lowest of the dtype, is another one in each.
_INFINITE = 3e4
# What a model may be off by is so many times what rounding was measured to do to it, the dtype's own step included, and
# nothing is compared that would have to be allowed more than _CAP of its magnitude. Measured over the 1,674
# architectures that run so, in their worst output: half are off by at most 0.3 times that, 98 % by 1.2 times, and the
# worst that is compared by 3.6 times (BertForPreTraining in float16).
_FACTOR, _CAP = 8.0, 0.5


def half_precision_stays_close(tiny: TinyModel) -> None:
    """Assert that loaded in bfloat16, and in float16, a model gives what it gives in float32, up to their rounding.

    It must run, its hidden states must have the dtype asked for, no number may overflow, and none that says where
    something is (a place on a grid, a length) may be rounded before it is made an index.

    What rounding does is measured on the model itself, in float32: with weights, inputs and whatever a module returns
    rounded to the dtype. What kernels round within a module comes on top, and their sums in another order.

    Raises `NotApplicable` where torch has no kernels for it in either.
    """
    inputs = tiny.inputs()  # not among what is kept: some ask the model how many tokens an image has
    with _Indices() as exact:
        wanted = outputs_of(tiny, inputs)
    refusals, problems = [], []
    for dtype in _HALVES:
        model, _ = loaded(type(tiny.model), tiny.checkpoint, dtype=dtype)
        half = replace(tiny, model=model.to(tiny.device).eval())
        inputs = cast(tiny.inputs(), dtype)
        try:
            with _Indices() as indices:
                got = outputs_of(half, inputs)
        except StageError as error:
            if not lacks_kernels(error):
                raise
            refusals.append(f"{dtype}: {error.__cause__}")
            continue
        twin, inputs = _rounded(half, tiny, dtype)
        with _Indices() as other:
            rounded = outputs_of(twin, inputs)
        wrong = [*_rounded_indices(indices, exact)]
        if _keeps_states_in_it(half):
            wrong += [f"{name} is float32" for name in got if _STATES.search(name) and got[name].dtype == torch.float32]
        if reason(tiny, CHECK, "codes") is None:
            wrong += _overflows(got, wanted, rounded)
            if other.are_as(exact):  # or else rounding itself has it choose something else
                wrong += _differences(got, wanted, rounded, dtype)
        problems += [f"in {str(dtype).removeprefix('torch.')} {problem}" for problem in wrong]
    if problems:
        raise AssertionError("; ".join(problems))
    if len(refusals) == len(_HALVES):
        raise NotApplicable(f"torch has no kernels for it here: {'; '.join(refusals)}")


def lacks_kernels(error: StageError) -> bool:
    """Tell whether a model stopped because torch has no kernels for a dtype here."""
    return NO_KERNEL.search(str(error)) is not None


@dataclass(frozen=True)
class _Made:
    """Whole numbers, or what is true and what is not, that a function of torch's made of floating ones."""

    function: str
    of: tuple[Tensor, ...]
    numbers: tuple[Tensor, ...]

    def is_as(self, other: _Made) -> bool:
        """Tell whether the numbers are those of `other`."""
        return len(self.numbers) == len(other.numbers) and all(map(torch.equal, self.numbers, other.numbers))

    def rounds(self, single: _Made) -> bool:
        """Tell whether it makes an index of what `single` has in float32, rounded, and not made by what was rounded.

        Zeros and ones, of which flags are, are themselves in any dtype.
        """
        if self.function not in _INDEXING or len(self.of) != len(single.of) or self.numbers[0].dtype == torch.bool:
            return False
        rounded = [part for part in self.of if part.dtype in _HALVES and bool(((part != 0) & (part != 1)).any())]
        same = all(
            a.shape == b.shape and torch.equal(a, b.to(a.dtype)) for a, b in zip(self.of, single.of, strict=True)
        )
        return bool(rounded) and same


class _Indices(TorchFunctionMode):
    """Keeps, as long as it is entered, what is made of floating numbers and is none: indices, choices, codes."""

    def __init__(self) -> None:
        """Keep none yet."""
        super().__init__()
        self.made: list[_Made] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), options: Any = None) -> Any:
        """Run the function, and keep what it made."""
        result = function(*args, **(options or {}))
        parts = result if isinstance(result, tuple) else (result,)
        numbers = [part for part in parts if isinstance(part, Tensor) and part.dtype in _WHOLE]
        if numbers:
            of = [part.detach().clone() for part in args if isinstance(part, Tensor) and part.is_floating_point()]
            if of and (name := getattr(function, "__name__", "")) != "__get__":
                self.made.append(_Made(name, tuple(of), tuple(part.clone() for part in numbers)))
        return result

    def are_as(self, other: _Indices) -> bool:
        """Tell whether the same numbers were made, in the same order."""
        return len(self.made) == len(other.made) and all(a.is_as(b) for a, b in zip(self.made, other.made, strict=True))


def _rounded_indices(indices: _Indices, exact: _Indices) -> Iterator[str]:
    """Yield where a rounded number was made an index that, in float32, was not."""
    if [made.function for made in indices.made] == [made.function for made in exact.made]:
        for made, single in zip(indices.made, exact.made, strict=True):
            if made.rounds(single):
                yield f"an index is computed: {made.function} of {tuple(made.of[0].shape)} numbers"


def _keeps_states_in_it(half: TinyModel) -> bool:
    """Tell whether states should have the dtype asked for: no layer is kept in float32, nor by design what they are."""
    kept = any(parameter.dtype == torch.float32 for parameter in half.model.parameters())
    return not kept and reason(half, CHECK, "float32_states") is None


def _shared(*outputs: Mapping[str, Tensor]) -> Iterator[tuple[str, list[Tensor]]]:
    """Yield the floating outputs that all have, in one shape, by name."""
    for name in floating(outputs[0]):
        tensors = [output[name] for output in outputs if name in output]
        if len(tensors) == len(outputs) and len({tensor.shape for tensor in tensors}) == 1:
            yield name, tensors


def _overflows(got: Mapping[str, Tensor], wanted: Mapping[str, Tensor], rounded: Mapping[str, Tensor]) -> Iterator[str]:
    for name, (half, exact, near) in _shared(got, wanted, rounded):
        if not bool(torch.isfinite(half[torch.isfinite(exact) & torch.isfinite(near)]).all()):
            yield f"{name} overflows"


def _differences(
    got: Mapping[str, Tensor], wanted: Mapping[str, Tensor], rounded: Mapping[str, Tensor], dtype: torch.dtype
) -> Iterator[str]:
    """Yield which outputs are off by more than rounding explains."""
    for name, (half, exact, near) in _shared(got, wanted, rounded):
        far, floor = (distance(one, exact) for one in (half, near))
        limit = _FACTOR * (floor + torch.finfo(dtype).eps)
        if far > limit and limit < _CAP:
            yield f"{name} is {far:.1e} of its magnitude off (rounding: {floor:.1e})"


def _rounded(half: TinyModel, tiny: TinyModel, dtype: torch.dtype) -> tuple[TinyModel, dict[str, Any]]:
    """Return a copy of `tiny` that has the weights of `half`, and rounds what each module returns, with its inputs."""
    rounded = copied(tiny)
    rounded.model.load_state_dict(half.model.state_dict())
    for module in rounded.model.modules():
        module.register_forward_hook(lambda _, __, outputs: _through(outputs, dtype))
    return rounded, cast(cast(tiny.inputs(), dtype), torch.float32)


def _through(value: Any, dtype: torch.dtype) -> Any:
    """Return what a module returned, a tensor or a tuple of them, rounded to `dtype`; others, outputs, as they are."""
    if isinstance(value, Tensor):
        return value.to(dtype).to(value.dtype) if value.dtype == torch.float32 else value
    return tuple(_through(part, dtype) for part in value) if type(value) is tuple else value


def distance(one: Tensor, other: Tensor) -> float:
    """Return by how much two tensors differ in the middle of their places, relative to the largest value of either.

    Not at most: what a place is off by, where a model amplifies there, depends on the kernels of the processor.
    """
    left, right = one.double(), other.double()
    usable = (left.abs() < _INFINITE) & (right.abs() < _INFINITE)
    if not bool(usable.any()):
        return 0.0
    left, right = left[usable], right[usable]
    difference = (left - right).abs()
    largest = float(torch.maximum(left.abs(), right.abs()).max()) or 1.0
    return float(difference.median()) / largest
