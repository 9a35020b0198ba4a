"""Which model types hold one that has no model class of its own."""

from __future__ import annotations

import pytest

from hfci.catalog import model_type_names, read_row, registries
from hfci.catalog.parts import parents_of, why_without_class


@pytest.mark.parametrize(
    ("part", "parents"),
    [
        ("sam_prompt_encoder", {"sam": ("prompt_encoder_config",)}),
        ("t5_gemma_module", {"t5gemma": ("encoder", "decoder")}),
        ("pp_chart2table_vision", {"pp_chart2table": ("vision_config",)}),
        ("nougat", {}),  # its checkpoints are vision-encoder-decoder's
    ],
)
def test_the_holders_are_named_with_their_fields(part: str, parents: dict[str, tuple[str, ...]]) -> None:
    assert dict(parents_of(part)) == parents


def test_a_default_that_may_be_any_model_counts() -> None:
    assert parents_of("edgetam_vision_model")["edgetam"] == ("vision_config",)


def test_a_default_that_transformers_does_not_have_is_no_holder() -> None:
    # nougat's default encoder is `donut_swin`, and the key is `donut-swin`
    assert "nougat" not in parents_of("donut-swin")


def test_none_holds_itself() -> None:
    assert not any(name in parents_of(name) for name in ("bert", "sam", "sam_prompt_encoder", "t5gemma"))


def test_the_parents_of_what_has_no_class_have_one() -> None:
    tables = {name for rows in registries.model_tables().values() for name in rows}
    packages = {"sam2_video", "idefics", "gemma4_unified"}
    parts = [
        name
        for name in model_type_names()
        if name not in tables and registries.module_name(name).rpartition(".")[2] in packages
    ]
    orphans = [name for name in parts if read_row(name).base is None]
    assert {"sam2_video_mask_decoder", "idefics_vision", "gemma4_unified_audio"} <= set(orphans)
    assert all(read_row(parent).base for name in orphans for parent in parents_of(name))


def test_the_reason_names_parents_or_what_else_there_is() -> None:
    assert why_without_class("sam_prompt_encoder") == (
        "no model class has SamPromptEncoderConfig as its configuration class; a part of sam (prompt_encoder_config)"
    )
    assert why_without_class("layoutxlm").startswith(
        "no model class has LayoutXLMConfig as its configuration class; no model type's configuration holds it; "
        "it names processors: LayoutXLMProcessor"
    )


def test_an_unknown_model_type_is_told() -> None:
    with pytest.raises(KeyError):
        parents_of("no_such_model_type")
