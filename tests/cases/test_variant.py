"""A check with its axes is written and read one way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfci.cases.case import case_id
from hfci.cases.variant import AXES, Variant
from hfci.errors import UsageError

NAMES = st.from_regex(r"[a-z][a-z0-9_.-]{0,12}", fullmatch=True)
VARIANTS = st.builds(Variant, NAMES, *(st.none() | NAMES for _ in AXES))


@given(VARIANTS)
def test_what_is_written_is_read(variant: Variant) -> None:
    assert Variant.parse(str(variant)) == variant


@given(VARIANTS, st.sampled_from(["cpu", "cuda:1"]))
def test_the_id_of_a_case_says_it_too(variant: Variant, device: str) -> None:
    axes = {axis: getattr(variant, axis) for axis in AXES}
    assert Variant.of_case(case_id("bert", "BertModel", variant.check, device=device, **axes)) == variant


@given(st.text())
def test_any_text_may_stand_where_the_id_of_a_case_should(text: str) -> None:
    assert isinstance(Variant.of_case(text).check, str)


def test_axes_at_their_default_are_not_written() -> None:
    assert str(Variant("holds")) == "holds"
    assert str(Variant("holds", dtype="bfloat16", task="fill-mask")) == "holds[task=fill-mask,dtype=bfloat16]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no check"),
        ("holds[", "is no check"),
        ("holds[dtype]", "is no check"),
        ("holds[dtype=]", "is no check"),
        ("holds[dtype=a,dtype=b]", "each axis once"),
        ("holds[dtype=a][task=b]", "is no check"),
        ("holds[dtyp=bfloat16]", "no axis 'dtyp'; there are task, backend, dtype. Did you mean dtype"),
        ("holds[device=cpu]", "no axis 'device'"),
        ("x" * 5000 + "[", "is no check"),
    ],
)
def test_what_is_none_is_told(text: str, said: str) -> None:
    with pytest.raises(UsageError) as told:
        Variant.parse(text)
    assert said in str(told.value)
    assert len(str(told.value)) < 400


def test_a_name_means_the_check_with_any_axes_and_a_variant_itself() -> None:
    half = Variant("holds", dtype="bfloat16")
    assert half.is_among(["holds"])
    assert half.is_among(["other", "holds[dtype=bfloat16]"])
    assert not half.is_among(["holds[dtype=float16]"])
    assert not Variant("holds").is_among(["holds[dtype=bfloat16]"])
