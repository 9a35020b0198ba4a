# Rendered from templates/detection.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate deformable_detr`.
"""deformable_detr: smoke tests of DeformableDetrModel.

Family: object detector.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="deformable_detr",
    architecture="DeformableDetrModel",
    family="detection",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import DeformableDetrModel

    assert type(tiny.model) is DeformableDetrModel
    assert tiny.config.model_type == tiny.model_type == "deformable_detr"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["pixel_values"].shape[0]
    assert outputs.last_hidden_state.shape[:2] == (batch, tiny.config.num_queries)
    assert outputs.last_hidden_state.shape[2] == tiny.config.d_model
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
