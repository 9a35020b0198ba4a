# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam3_lite_text_mask_decoder`.
"""sam3_lite_text_mask_decoder: smoke tests of Sam3LiteTextMaskDecoder.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam3_lite_text_mask_decoder",
    architecture="Sam3LiteTextMaskDecoder",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers.models.sam3_lite_text.modeling_sam3_lite_text import Sam3LiteTextMaskDecoder

    assert type(tiny.model) is Sam3LiteTextMaskDecoder
    assert tiny.config.model_type == tiny.model_type == "sam3_lite_text_mask_decoder"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, queries, _ = inputs["decoder_queries"].shape
    size = inputs["backbone_features"][0].shape[2:]
    assert outputs.pred_masks.shape == (batch, queries, *size)
    assert outputs.semantic_seg.shape == (batch, 1, *size)
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
