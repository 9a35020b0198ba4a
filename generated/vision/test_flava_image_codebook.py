# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate flava_image_codebook`.
"""flava_image_codebook: smoke tests of FlavaImageCodebook.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="flava_image_codebook",
    architecture="FlavaImageCodebook",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import FlavaImageCodebook

    assert type(tiny.model) is FlavaImageCodebook
    assert tiny.config.model_type == tiny.model_type == "flava_image_codebook"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, _, *pixels = inputs["pixel_values"].shape
    factor = 2 ** (tiny.config.num_groups - 1)  # each group but the last halves
    assert outputs.shape == (batch, tiny.config.vocab_size, *(side // factor for side in pixels))
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
