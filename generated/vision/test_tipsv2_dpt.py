# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate tipsv2_dpt`.
"""tipsv2_dpt: smoke tests of Tipsv2DptForSemanticSegmentation.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="tipsv2_dpt",
    architecture="Tipsv2DptForSemanticSegmentation",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Tipsv2DptForSemanticSegmentation

    assert type(tiny.model) is Tipsv2DptForSemanticSegmentation
    assert tiny.config.model_type == tiny.model_type == "tipsv2_dpt"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, _, *pixels = inputs["pixel_values"].shape
    factor = 2 * tiny.config.reassemble_factors[0]  # the last fusion doubles
    size = [factor * (side // tiny.config.backbone_config.patch_size) for side in pixels]
    assert outputs.logits.shape == (batch, tiny.config.num_labels, *size)
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
