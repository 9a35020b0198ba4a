# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate step3p5_vision`.
"""step3p5_vision: smoke tests of Step3p7VisionModel.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="step3p5_vision",
    architecture="Step3p7VisionModel",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Step3p7VisionModel

    assert type(tiny.model) is Step3p7VisionModel
    assert tiny.config.model_type == tiny.model_type == "step3p5_vision"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = tiny.forward(inputs)
    batch = next(value.shape[0] for value in inputs.values() if hasattr(value, "shape"))
    config = tiny.config
    assert outputs.last_hidden_state.shape == (
        batch,
        (config.image_size // config.patch_size // 4) ** 2,
        config.hidden_size * 4,
    )
    checks.forward_is_finite(tiny)


def test_forward_is_deterministic(tiny: TinyModel) -> None:
    checks.forward_is_deterministic(tiny)


def test_batch_is_independent(tiny: TinyModel) -> None:
    checks.batch_is_independent(tiny)


def test_save_load_roundtrip(tiny: TinyModel) -> None:
    checks.save_load_roundtrip(tiny)


def test_gradients_reach_every_parameter(tiny: TinyModel) -> None:
    checks.gradients_reach_every_parameter(tiny)
