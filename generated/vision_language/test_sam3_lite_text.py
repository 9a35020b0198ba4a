# Rendered from templates/vision_language.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam3_lite_text`.
"""sam3_lite_text: smoke tests of Sam3LiteTextModel.

Family: language model that sees.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam3_lite_text",
    architecture="Sam3LiteTextModel",
    family="vision_language",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Sam3LiteTextModel

    assert type(tiny.model) is Sam3LiteTextModel
    assert tiny.config.model_type == tiny.model_type == "sam3_lite_text"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["pixel_values"].shape[0]
    queries = tiny.config.detr_decoder_config.num_queries
    assert outputs.pred_boxes.shape == (batch, queries, 4)
    assert outputs.pred_logits.shape == (batch, queries)
    assert outputs.presence_logits.shape == (batch, 1)
    assert outputs.pred_masks.shape[:2] == (batch, queries)
    assert outputs.semantic_seg.shape == (batch, 1, *outputs.pred_masks.shape[2:])
    checks.forward_is_finite(tiny)


@pytest.mark.parametrize(
    "check",
    [
        "forward_is_deterministic",
        "batch_is_independent",
        "save_load_roundtrip",
        "gradients_reach_every_parameter",
        "golden_output",
    ],
)
def test_invariant(tiny: TinyModel, check: str) -> None:
    checks.assert_holds(tiny, check)
