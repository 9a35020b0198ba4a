# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate glm_image_vqmodel`.
"""glm_image_vqmodel: smoke tests of GlmImageVQVAE.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="glm_image_vqmodel",
    architecture="GlmImageVQVAE",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import GlmImageVQVAE

    assert type(tiny.model) is GlmImageVQVAE
    assert tiny.config.model_type == tiny.model_type == "glm_image_vqmodel"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, _, height, width = inputs["hidden_states"].shape
    assert outputs.last_hidden_state.shape == inputs["hidden_states"].shape
    assert outputs.quantized_last_hidden_state.shape == (batch, tiny.config.embed_dim, height, width)
    assert outputs.image_tokens.shape == (batch * height * width,)
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
