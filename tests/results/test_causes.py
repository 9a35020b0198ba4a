"""Which failures are one cause: pairs that were decided by hand, and texts that nobody expects."""

from __future__ import annotations

import time

import pytest
from hypothesis import given

from hfci.cases.records import Frame, Record
from hfci.results.causes import group
from hfci.results.identities import identity_of
from hfci.results.tally import failure_of
from hfci.results.text import clean

from .faults import LOADING, MASKING, ONE_CAUSE, PYTHON, SIZES, TWO_CAUSES, Pair, asserted, failed
from .rendered import HOSTILE, hostile_texts


def fingerprint_of(record: Record) -> str:
    identity = identity_of(record)
    return "" if identity is None else identity.fingerprint


@pytest.mark.parametrize("pair", ONE_CAUSE, ids=lambda pair: pair.why)
def test_one_cause(pair: Pair) -> None:
    assert identity_of(pair.one) == identity_of(pair.other)
    assert fingerprint_of(pair.one) == fingerprint_of(pair.other)


@pytest.mark.parametrize("pair", TWO_CAUSES, ids=lambda pair: pair.why)
def test_two_causes(pair: Pair) -> None:
    assert fingerprint_of(pair.one) != fingerprint_of(pair.other)


def test_a_fingerprint_is_the_same_tomorrow() -> None:
    """Histories keep it: whoever changes what it is made of loses since when every cause is there."""
    assert fingerprint_of(failed("bert", SIZES.format(3, 4, 1), MASKING)) == "9ed194d887ae5302"
    assert (
        fingerprint_of(asserted("bert", "padding is seen: logits", module="encoder.layer.3.mlp")) == "fc46f849633d40a5"
    )


def test_thirty_failures_of_one_fault_and_two_of_another_are_two_causes() -> None:
    wide = [failed(f"model{n}", SIZES.format(n, n + 1, 1), MASKING, family="ab"[n % 2]) for n in range(30)]
    deep = [failed(f"other{n}", "no", LOADING) for n in range(2)]
    first, second = group(map(failure_of, [*wide[:20], deep[0], *wide[20:], deep[1]]))
    assert (first.count, second.count) == (30, 2)
    assert first.families == {"a": 15, "b": 15}
    assert list(first.model_types) == [f"model{n}" for n in range(30)]
    assert first.example.case == wide[0].case
    assert first.example.place == "transformers/masking_utils.py:210 in create_causal_mask"
    assert list(second.model_types) == ["other0", "other1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_have_a_cause(text: str) -> None:
    record = failed(text, text, Frame(text, 1, text, text), kind=text, stage=text, module=text, architecture=text)
    assert fingerprint_of(record) == fingerprint_of(record)
    assert failure_of(record).place == clean(failure_of(record).place)


@given(hostile_texts, hostile_texts, hostile_texts)
def test_any_texts_have_a_cause(name: str, message: str, trace: str) -> None:
    record = failed(name, message, trace=trace, architecture=name or None)
    assert len(fingerprint_of(record)) == 16


def test_a_megabyte_is_read_in_no_time() -> None:
    for text in ("1 " * 500_000, "/a" * 500_000, "A" * 1_000_000, "x: " * 300_000, "\\" * 1_000_000, "0x" * 500_000):
        began = time.process_time()
        record = failed("bert", text, Frame(text, 1, text, text), trace=text, module=text)
        trace = failed("bert", text, trace=PYTHON.format(text))
        assert fingerprint_of(record) != fingerprint_of(trace)
        assert time.process_time() - began < 0.5


def test_a_name_that_is_a_word_of_a_pattern_means_itself() -> None:
    for name in ("a.*", "(", "[", "\\", "+", "model", ""):
        assert identity_of(failed(name, "x is lost", architecture=name)).message == "x is lost"


def test_of_what_says_nothing_each_stands_alone() -> None:
    bare = [Record(**{**_fields(failed(name)), "error": None, "stage": None}) for name in "ab"]
    assert [cause.count for cause in group(map(failure_of, bare))] == [1, 1]


def _fields(record: Record) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__struct_fields__}
