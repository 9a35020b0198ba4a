# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate efficientloftr`.
"""efficientloftr: smoke tests of EfficientLoFTRModel.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="efficientloftr",
    architecture="EfficientLoFTRModel",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import EfficientLoFTRModel

    assert type(tiny.model) is EfficientLoFTRModel
    assert tiny.config.model_type == tiny.model_type == "efficientloftr"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    pairs, images = inputs["pixel_values"].shape[:2]
    # The coarse map keeps the pairs, the finer ones follow each other.
    assert [maps.shape[0] for maps in outputs.feature_maps] == [pairs, pairs * images, pairs * images]
    assert sorted(maps.shape[-3] for maps in outputs.feature_maps) == sorted(tiny.config.fine_fusion_dims)
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
