from __future__ import annotations

import msgspec
import pytest

from hfci.cases.case import run_command
from hfci.cases.manifest import Manifest, ManifestArchitecture, ManifestCase, ManifestRow
from hfci.errors import UsageError
from hfci.planning import select

CHECKS = ("builds_tiny", "forward_is_finite")


def row(name: str, architecture: str, family: str, *heads: str, file: bool = True) -> ManifestRow:
    path = f"{family}/test_{name}"
    cases = (ManifestCase(architecture, "smoke", f"{path}.py", CHECKS),) if file else ()
    functional = tuple(ManifestCase(head, "functional", f"{path}_functional.py", ("head_is_finite",)) for head in heads)
    return ManifestRow(
        model_type=name,
        rung="generated" if file else "catalogued",
        base=architecture,
        architectures=tuple(ManifestArchitecture(known, family) for known in (architecture, *heads)),
        cases=cases + functional,
        reason=None if file else "no model class of its own",
    )


MANIFEST = Manifest(
    "5.23.0",
    (
        row("bert", "BertModel", "text_encoder", "BertForMaskedLM"),
        row("qwen2", "Qwen2Model", "text_decoder", "Qwen2ForCausalLM"),
        row("qwen3", "Qwen3Model", "text_decoder"),
        row("vit", "ViTModel", "vision"),
        row("nougat", "", "vision", file=False),
    ),
)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], ["bert", "qwen2", "qwen3", "vit", "nougat"]),
        (["qwen*", "bert"], ["bert", "qwen2", "qwen3"]),
        (["family:vision"], ["vit", "nougat"]),
        (["family:text_*"], ["bert", "qwen2", "qwen3"]),
        (["BertModel"], ["bert"]),
        (["vit", "vit", "v[i]t"], ["vit"]),
    ],
)
def test_patterns(patterns: list[str], expected: list[str]) -> None:
    selection = select(MANIFEST, patterns)
    assert [row.model_type for row in selection.rows] == expected
    tested = [name for name in expected if name != "nougat"]
    assert [case.id for case in selection.cases] == [
        f"{name}/{MANIFEST[name].base}/{check}[device=cpu]" for name in tested for check in CHECKS
    ]
    assert selection.files == tuple(MANIFEST[name].files[0] for name in tested)
    assert [case.model_type for case in selection.untested] == [name for name in expected if name not in tested]


def test_an_architecture_selects_its_own_cases() -> None:
    (case,) = select(MANIFEST, ["BertForMaskedLM"], tier="functional").cases
    assert case.id == "bert/BertForMaskedLM/head_is_finite[device=cpu]"
    assert case.file == "text_encoder/test_bert_functional.py"
    assert select(MANIFEST, ["BertForMaskedLM"]).cases == ()
    both = select(MANIFEST, ["BertForMaskedLM", "bert"]).cases
    assert [case.architecture for case in both] == ["BertModel", "BertModel"]


def test_a_family_selects_its_own_cases() -> None:
    odd = row("ernie", "ErnieModel", "text_encoder", "ErnieForCausalLM")
    heads = (odd.architectures[0], ManifestArchitecture("ErnieForCausalLM", "text_decoder"))
    manifest = Manifest("5.23.0", (*MANIFEST.model_types, msgspec.structs.replace(odd, architectures=heads)))
    assert "ernie" not in [case.model_type for case in select(manifest, ["family:text_decoder"]).cases]
    chosen = select(manifest, ["family:text_decoder"], tier="functional").cases
    assert [case.architecture for case in chosen if case.model_type == "ernie"] == ["ErnieForCausalLM"]


def test_a_model_type_as_a_whole_has_cases_of_its_own() -> None:
    whole = ManifestCase(None, "functional", "text_encoder/test_bert_functional.py", ("encodes",))
    bert = MANIFEST["bert"]
    manifest = msgspec.structs.replace(
        MANIFEST, model_types=(msgspec.structs.replace(bert, cases=(whole, *bert.cases)),)
    )
    (case,) = select(manifest, ["bert"], tier="functional", checks=["encodes"]).cases
    assert (case.id, case.family) == ("bert/-/encodes[device=cpu]", "text_encoder")
    assert run_command(case) == "hfci run bert --check encodes --device cpu --tier functional"
    for name in ("BertModel", "BertForMaskedLM", "family:text_encoder"):
        assert not select(manifest, [name], tier="functional", checks=["encodes"]).cases
    assert not [untested for untested in bert.untested("functional", "cpu") if untested.architecture is None]


def test_checks_and_device() -> None:
    selection = select(MANIFEST, ["bert"], checks=["builds_tiny"], device="cuda")
    assert [case.id for case in selection.cases] == ["bert/BertModel/builds_tiny[device=cuda]"]


@pytest.mark.parametrize(
    ("patterns", "checks", "said"),
    [
        (["brt"], [], "no model type or architecture matches 'brt'. Did you mean bert"),
        (["zzz*"], [], "no model type or architecture matches"),
        (["BertForMaskedML"], [], "Did you mean BertForMaskedLM"),
        (["family:visoin"], [], "no family matches 'visoin'. Did you mean vision"),
        (["bert", "nothing-like-it"], [], "'nothing-like-it'"),
        (["bert"], ["builds_tyni"], "no check matches 'builds_tyni'. Did you mean builds_tiny"),
    ],
)
def test_what_matches_nothing_is_wrong_use(patterns: list[str], checks: list[str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        select(MANIFEST, patterns, checks=checks)
    assert said in str(error.value)
