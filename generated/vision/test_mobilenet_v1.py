# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate mobilenet_v1`.
"""mobilenet_v1: smoke tests of MobileNetV1Model.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="mobilenet_v1",
    architecture="MobileNetV1Model",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import MobileNetV1Model

    assert type(tiny.model) is MobileNetV1Model
    assert tiny.config.model_type == tiny.model_type == "mobilenet_v1"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = next(value.shape[0] for value in inputs.values() if hasattr(value, "shape"))
    config = tiny.config
    assert outputs.last_hidden_state.shape == (
        batch,
        max(int(1024 * config.depth_multiplier), config.min_depth),
        config.image_size // 32,
        config.image_size // 32,
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
