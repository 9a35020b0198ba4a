# Rendered from templates/segmentation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam3_tracker`.
"""sam3_tracker: smoke tests of Sam3TrackerModel.

Family: segmentation model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam3_tracker",
    architecture="Sam3TrackerModel",
    family="segmentation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Sam3TrackerModel

    assert type(tiny.model) is Sam3TrackerModel
    assert tiny.config.model_type == tiny.model_type == "sam3_tracker"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = next(value.shape[0] for value in inputs.values() if hasattr(value, "shape"))
    assert outputs.iou_scores.shape[0] == batch
    assert outputs.pred_masks.shape[:3] == outputs.iou_scores.shape  # a score for each mask of each prompt
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
