# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam3_detr_decoder`.
"""sam3_detr_decoder: smoke tests of Sam3DetrDecoder.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam3_detr_decoder",
    architecture="Sam3DetrDecoder",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers.models.sam3.modeling_sam3 import Sam3DetrDecoder

    assert type(tiny.model) is Sam3DetrDecoder
    assert tiny.config.model_type == tiny.model_type == "sam3_detr_decoder"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    layers, batch = tiny.config.num_layers, inputs["vision_features"].shape[0]
    boxes = (layers, batch, tiny.config.num_queries)
    assert outputs.intermediate_hidden_states.shape == (*boxes, tiny.config.hidden_size)
    assert outputs.reference_boxes.shape == (*boxes, 4)
    assert outputs.presence_logits.shape == (layers, batch, 1)
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
