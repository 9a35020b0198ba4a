# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate kosmos_2_vision_model`.
"""kosmos_2_vision_model: smoke tests of Kosmos2VisionModel.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="kosmos_2_vision_model",
    architecture="Kosmos2VisionModel",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers.models.kosmos2.modeling_kosmos2 import Kosmos2VisionModel

    assert type(tiny.model) is Kosmos2VisionModel
    assert tiny.config.model_type == tiny.model_type == "kosmos_2_vision_model"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = tiny.forward(inputs)
    batch = next(value.shape[0] for value in inputs.values() if hasattr(value, "shape"))
    states = outputs.last_hidden_state
    assert states.shape[0] == batch
    channels = states.shape[1] if states.ndim == 4 else states.shape[-1]
    assert channels == tiny.config.hidden_size
    checks.forward_is_finite(tiny)


def test_forward_is_deterministic(tiny: TinyModel) -> None:
    checks.forward_is_deterministic(tiny)


def test_batch_is_independent(tiny: TinyModel) -> None:
    checks.batch_is_independent(tiny)


def test_save_load_roundtrip(tiny: TinyModel) -> None:
    checks.save_load_roundtrip(tiny)


def test_gradients_reach_every_parameter(tiny: TinyModel) -> None:
    checks.gradients_reach_every_parameter(tiny)
