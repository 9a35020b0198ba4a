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
    outputs = tiny.forward(inputs)
    batch = inputs["pixel_values"].shape[0]
    # Characters, byte pairs and word pieces.
    assert [logits.shape[0] for logits in outputs.logits] == [batch] * 3
    checks.forward_is_finite(tiny)


def test_forward_is_deterministic(tiny: TinyModel) -> None:
    checks.forward_is_deterministic(tiny)


def test_batch_is_independent(tiny: TinyModel) -> None:
    checks.batch_is_independent(tiny)


def test_save_load_roundtrip(tiny: TinyModel) -> None:
    checks.save_load_roundtrip(tiny)


def test_gradients_reach_every_parameter(tiny: TinyModel) -> None:
    checks.gradients_reach_every_parameter(tiny)
