"""Exceptions to checks: of whom they are, that they say why, and that a wrong one is an error with file and row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from hfci import checks
from hfci.catalog import model_type_names, read_row
from hfci.catalog.registries import model_tables
from hfci.catalog.whom import Whom
from hfci.checks.exceptions import FOLDER, names_excepted, read_exceptions, reason
from hfci.errors import UsageError
from hfci.tiny import TinyModel, build_tiny

ROWS = [(check, index, row) for check, rows in read_exceptions(FOLDER).items() for index, row in enumerate(rows)]
INERT = ("gradients_reach_every_parameter", "inert")


def test_there_are_exceptions_and_most_model_types_need_none() -> None:
    named = {name for _, _, row in ROWS for name in row.model_types or ()}
    assert 50 < len(named) < len(model_type_names()) / 2


def test_every_row_is_of_somebody() -> None:
    known = set(model_type_names())
    for check, index, row in ROWS:
        where = f"{check}[{index}]"
        assert set(row.model_types or ()) <= known, where
        if row.architectures is not None:
            have = {arch.name for name in row.model_types or known for arch in read_row(name).architectures}
            assert set(row.architectures) <= have, where
        assert set(row.tables or ()) <= set(model_tables()), where


def test_every_kind_that_the_table_knows_has_a_row_and_every_row_a_kind() -> None:
    known = {(name, kind) for name, check in checks.CHECKS.items() for kind in check.exceptions}
    assert known == {(check, row.kind) for check, _, row in ROWS}


def test_what_is_inert_in_a_part_is_inert_in_the_whole() -> None:
    whole, part = build_tiny("hunyuan_vl"), build_tiny("hunyuan_vl_vision")
    (pattern,) = names_excepted(part, *INERT)
    assert re.fullmatch(pattern, "patch_merger.image_sep")
    names = dict(whole.model.named_parameters())
    found = {name for name in names for pattern in names_excepted(whole, *INERT) if re.fullmatch(pattern, name)}
    assert found == {"vision_tower.patch_merger.image_sep"}


def test_a_whole_exception_of_a_part_is_none_of_the_whole() -> None:
    session = build_tiny("sam2_video")
    assert reason(session, "gradients_reach_every_parameter", "inference_only")
    assert reason(build_tiny("sam2"), "gradients_reach_every_parameter", "inference_only") is None


def test_a_head_is_excepted_for_the_table_that_it_stands_in() -> None:
    masked = ("forward_is_finite", "masked_outputs")
    assert set(names_excepted(build_tiny("grounding-dino", "GroundingDinoForObjectDetection"), *masked)) > {"logits"}
    assert "logits" not in names_excepted(build_tiny("grounding-dino", "GroundingDinoModel"), *masked)


@pytest.fixture
def bert() -> TinyModel:
    return build_tiny("bert")


@pytest.mark.parametrize("kind", ["drawn", "inert"])
def test_a_kind_that_the_check_does_not_know_is_a_mistake_of_ours(bert: TinyModel, kind: str) -> None:
    with pytest.raises(LookupError, match=f"no exceptions '{kind}' to forward_is_deterministic"):
        reason(bert, "forward_is_deterministic", kind)


@pytest.mark.parametrize(
    ("whom", "covered"),
    [
        ({}, True),
        ({"model_types": ("bert", "gpt2")}, True),
        ({"model_types": ("gpt2",)}, False),
        ({"architectures": ("BertForMaskedLM",)}, True),
        ({"architectures": ("BertModel",)}, False),
        ({"tables": ("FOR_MASKED_LM",)}, True),
        ({"tables": ("FOR_CAUSAL_LM",)}, False),
        ({"model_types": ("gpt2",), "tables": ("FOR_MASKED_LM",)}, False),
    ],
)
def test_whom_a_row_covers(whom: dict[str, tuple[str, ...]], covered: bool) -> None:
    assert Whom(**whom).covers("bert", "BertForMaskedLM") is covered


@pytest.mark.parametrize(
    ("specifier", "version", "there"),
    [
        (None, "5.17.0", True),
        ("<5.20", "5.19.0.dev0", True),
        ("<5.20", "5.20.0", False),
        (">=5.20", "5.24.0.dev0", True),
    ],
)
def test_a_row_is_there_for_the_versions_that_it_names(specifier: str | None, version: str, there: bool) -> None:
    assert Whom(transformers=None if specifier is None else SpecifierSet(specifier)).holds_for(version) is there


# Bad input.

GOOD = """
[[exception]]
kind = "inert"
model_types = ["bert"]
why = "a reason that is long enough"
names = { 'pooler\\..*' = "nothing reads what it makes" }
"""


def read(folder: Path, text: str, check: str = "gradients_reach_every_parameter") -> None:
    (folder / f"{check}.toml").write_text(text, encoding="utf-8")
    read_exceptions(folder)


def test_the_row_that_the_bad_ones_are_made_of_is_good(tmp_path: Path) -> None:
    read(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("why =", "because =", "because"),
        ('why = "a reason that is long enough"\n', "", "lacks why"),
        (
            '"a reason that is long enough"',
            '"short"',
            "why must be a reason that says why, in 15 characters or more, not 'short'",
        ),
        ('"nothing reads what it makes"', '""', "names.pooler\\..* must be a reason that says why"),
        ('["bert"]', "[]", "model_types must be a list of names, not []"),
        ('["bert"]', '"bert"', "model_types must be a list of names, not 'bert'"),
        ('"inert"', '"innert"', "exception[0]: gradients_reach_every_parameter has no exceptions of the kind 'innert'"),
        ('"inert"', '"inference_only"', "exception[0]: it is about the architecture as a whole"),
        ("names = {", "# {", "exception[0]: it names none of the parameters"),
        ("pooler", "(pooler", "exception[0]: names: '(pooler\\\\..*' is no pattern: missing )"),
        (
            "model_types",
            'transformers = "5.20 or so"\nmodel_types',
            "transformers must be PEP 440 specifiers such as '>=5.17,<5.24', not",
        ),
        ("[[exception]]", "[[exceptions]]", "exception"),
        ("[[exception]]", "[[exception", "cannot read the exceptions"),
    ],
)
def test_a_wrong_row_is_an_error_with_its_file_and_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=re.escape(said)) as error:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert str(tmp_path / "gradients_reach_every_parameter.toml") in str(error.value)


def test_exceptions_to_no_check_are_an_error_that_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the exceptions of no check\. Did you mean forward_is_finite"):
        read(tmp_path, GOOD, "forward_is_finit")
