# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate qwen3_omni_moe_vision_encoder`.
"""qwen3_omni_moe_vision_encoder: smoke tests of Qwen3OmniMoeVisionEncoder.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="qwen3_omni_moe_vision_encoder",
    architecture="Qwen3OmniMoeVisionEncoder",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers.models.qwen3_omni_moe.modeling_qwen3_omni_moe import Qwen3OmniMoeVisionEncoder

    assert type(tiny.model) is Qwen3OmniMoeVisionEncoder
    assert tiny.config.model_type == tiny.model_type == "qwen3_omni_moe_vision_encoder"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    patches = int(inputs["grid_thw"].prod(dim=1).sum())  # those of all images, one after the other
    assert patches % outputs.last_hidden_state.shape[-2] == 0  # a state for each, or for each block of them
    assert outputs.last_hidden_state.shape[-1] == tiny.config.hidden_size
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
