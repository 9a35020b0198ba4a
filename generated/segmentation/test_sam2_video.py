# Rendered from templates/segmentation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam2_video`.
"""sam2_video: smoke tests of Sam2VideoModel.

Family: segmentation model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam2_video",
    architecture="Sam2VideoModel",
    family="segmentation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Sam2VideoModel

    assert type(tiny.model) is Sam2VideoModel
    assert tiny.config.model_type == tiny.model_type == "sam2_video"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    outputs = checks.reference_forward(tiny)
    assert outputs.object_ids
    assert outputs.pred_masks.shape[0] == outputs.object_score_logits.shape[0] == len(outputs.object_ids)
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
