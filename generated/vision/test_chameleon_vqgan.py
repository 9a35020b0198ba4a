# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate chameleon_vqgan`.
"""chameleon_vqgan: smoke tests of ChameleonVQVAE.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="chameleon_vqgan",
    architecture="ChameleonVQVAE",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import ChameleonVQVAE

    assert type(tiny.model) is ChameleonVQVAE
    assert tiny.config.model_type == tiny.model_type == "chameleon_vqgan"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, _, height, width = inputs["pixel_values"].shape
    factor = 2 ** (len(tiny.config.channel_multiplier) - 1)  # each stage but the first halves
    grid = (height // factor, width // factor)
    assert outputs.last_hidden_state.shape == (batch, tiny.config.latent_channels, *grid)
    assert outputs.quantized_last_hidden_state.shape == (batch, tiny.config.embed_dim, *grid)
    assert outputs.image_tokens.shape == (batch * grid[0] * grid[1],)
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
