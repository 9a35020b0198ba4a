# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate emu3_vqgan`.
"""emu3_vqgan: smoke tests of Emu3VQVAE.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="emu3_vqgan",
    architecture="Emu3VQVAE",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Emu3VQVAE

    assert type(tiny.model) is Emu3VQVAE
    assert tiny.config.model_type == tiny.model_type == "emu3_vqgan"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, _, height, width = inputs["pixel_values"].shape
    factor = 2 ** (len(tiny.config.channel_multiplier) - 1)  # each stage but the first halves
    grid = (height // factor, width // factor)
    # An image is one frame.
    assert outputs.last_hidden_state.shape == (batch, 1, tiny.config.latent_channels, *grid)
    assert [tokens.shape for tokens in outputs.image_tokens] == [grid] * batch
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
