# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate mgp-str`.
"""mgp-str: smoke tests of MgpstrForSceneTextRecognition.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="mgp-str",
    architecture="MgpstrForSceneTextRecognition",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import MgpstrForSceneTextRecognition

    assert type(tiny.model) is MgpstrForSceneTextRecognition
    assert tiny.config.model_type == tiny.model_type == "mgp-str"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["pixel_values"].shape[0]
    # Characters, byte pairs and word pieces.
    assert [logits.shape[0] for logits in outputs.logits] == [batch] * 3
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
