# Rendered from templates/segmentation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate videomt`.
"""videomt: smoke tests of VideomtForUniversalSegmentation.

Family: segmentation model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="videomt",
    architecture="VideomtForUniversalSegmentation",
    family="segmentation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import VideomtForUniversalSegmentation

    assert type(tiny.model) is VideomtForUniversalSegmentation
    assert tiny.config.model_type == tiny.model_type == "videomt"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    videos, frames = inputs["pixel_values_videos"].shape[:2]
    batch = videos * frames
    queries = tiny.config.num_queries
    assert outputs.class_queries_logits.shape == (batch, queries, tiny.config.num_labels + 1)
    assert outputs.masks_queries_logits.shape[:2] == (batch, queries)
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
