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
    outputs = checks.reference_forward(tiny)
    batch = next(value.shape[0] for value in inputs.values() if hasattr(value, "shape"))
    config = tiny.config
    assert outputs.last_hidden_state.shape == (
        batch,
        (config.image_size // config.patch_size // 4) ** 2,
        config.hidden_size * 4,
    )
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
