# Rendered from templates/detection.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate omdet-turbo`.
"""omdet-turbo: smoke tests of OmDetTurboForObjectDetection.

Family: object detector.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="omdet-turbo",
    architecture="OmDetTurboForObjectDetection",
    family="detection",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import OmDetTurboForObjectDetection

    assert type(tiny.model) is OmDetTurboForObjectDetection
    assert tiny.config.model_type == tiny.model_type == "omdet-turbo"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["pixel_values"].shape[0]
    queries, classes = tiny.config.num_queries, int(inputs["classes_structure"].max())
    assert outputs.decoder_coord_logits.shape == (batch, queries, 4)
    assert outputs.decoder_class_logits.shape == (batch, queries, classes)
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
