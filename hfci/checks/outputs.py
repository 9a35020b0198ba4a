"""Do the outputs hold what was asked for, in whichever form?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hfci.catalog.outputs import output_fields
from hfci.checks.exceptions import reason
from hfci.checks.losses import labelled
from hfci.checks.running import run
from hfci.checks.tensors import named_tensors, relative_difference, same_bits
from hfci.errors import StageError

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["tuple_equals_dict"]


def tuple_equals_dict(tiny: TinyModel) -> None:
    """Assert that `return_dict=False` gives a tuple of the very tensors, in the order of the fields that are filled.

    Where the outputs have a field for hidden states, these are asked for too: what cuts the tuple of a base to make its
    own may lose them. And with labels where there are some, before whose loss a tuple is put together anew.

    By an exception the tuple may hold others too: then those of the fields must be among them, in their order.
    """
    _assert_same(tiny, lambda **asked: run(tiny, tiny.inputs(), **asked))
    if "hidden_states" in output_fields(type(tiny.model)):
        hidden = tiny.inputs() | {"output_hidden_states": True}
        _assert_same(tiny, lambda **asked: run(tiny, hidden, **asked), "with hidden states, ")
    if (forward := labelled(tiny)) is not None:
        with torch.no_grad():
            _assert_same_of_labels(tiny, forward)


def _assert_same(tiny: TinyModel, forward: Callable[..., Any], how: str = "") -> None:
    fields, plain = (forward(return_dict=return_dict) for return_dict in (True, False))
    if not isinstance(plain, tuple) or hasattr(plain, "_fields"):
        raise AssertionError(f"{how}return_dict=False gives a {type(plain).__name__}, no tuple")
    wanted, got = _in_order(fields), _in_order(plain)
    if reason(tiny, "tuple_equals_dict", "holds_others") is not None:
        got = _among(got, wanted)
    if len(wanted) != len(got):
        names = ", ".join(named_tensors(fields))
        raise AssertionError(f"{how}the tuple holds {len(got)} tensors, and the fields {len(wanted)}: {names}")
    different = [
        f"{name} {tuple(left.shape)} is {tuple(right.shape)}"
        if left.shape != right.shape
        else f"{name} by {relative_difference(left, right):.1e} of its magnitude"
        for name, left, right in zip(named_tensors(fields), wanted, got, strict=True)
        if not same_bits(left, right)
    ]
    if different:
        raise AssertionError(f"{how}the tuple's tensors are not the fields': {'; '.join(different)}")


def _assert_same_of_labels(tiny: TinyModel, forward: Callable[..., Any]) -> None:
    try:
        forward(return_dict=True)
    except StageError:  # its loss's own check says so
        return
    _assert_same(tiny, forward, "with labels, ")


def _among(tensors: Iterable[Tensor], wanted: Sequence[Tensor]) -> list[Tensor]:
    """Return those of `tensors` that are `wanted`, one after the other."""
    left = iter(tensors)
    return [
        found for each in wanted if (found := next((one for one in left if same_bits(one, each)), None)) is not None
    ]


def _in_order(outputs: Any) -> list[Tensor]:
    return [tensor.clone() for tensor in named_tensors(outputs).values()]
