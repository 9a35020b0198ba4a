"""Do the outputs hold what was asked for, in whichever form?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from hfci.catalog.outputs import output_fields
from hfci.checks.running import run
from hfci.checks.tensors import named_tensors, relative_difference, same_bits

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["tuple_equals_dict"]


def tuple_equals_dict(tiny: TinyModel) -> None:
    """Assert that `return_dict=False` gives a tuple of the very tensors, in the order of the fields that are filled.

    Where the outputs have a field for hidden states, these are asked for too: what cuts the tuple of a base to make its
    own may lose them.
    """
    _assert_same(tiny, tiny.inputs())
    if "hidden_states" in output_fields(type(tiny.model)):
        _assert_same(tiny, tiny.inputs() | {"output_hidden_states": True}, "with hidden states, ")


def _assert_same(tiny: TinyModel, inputs: dict[str, Any], how: str = "") -> None:
    fields, plain = (run(tiny, inputs, return_dict=return_dict) for return_dict in (True, False))
    if not isinstance(plain, tuple) or hasattr(plain, "_fields"):
        raise AssertionError(f"{how}return_dict=False gives a {type(plain).__name__}, no tuple")
    wanted, got = _in_order(fields), _in_order(plain)
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


def _in_order(outputs: Any) -> list[Tensor]:
    return [tensor.clone() for tensor in named_tensors(outputs).values()]
