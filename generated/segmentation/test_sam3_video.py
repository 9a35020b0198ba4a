# Rendered from templates/segmentation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam3_video`.
"""sam3_video: smoke tests of Sam3VideoModel.

Family: segmentation model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam3_video",
    architecture="Sam3VideoModel",
    family="segmentation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Sam3VideoModel

    assert type(tiny.model) is Sam3VideoModel
    assert tiny.config.model_type == tiny.model_type == "sam3_video"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    outputs = checks.reference_forward(tiny)
    assert outputs.object_ids
    assert outputs.obj_id_to_mask.keys() == outputs.obj_id_to_score.keys() == set(outputs.object_ids)
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
