# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate mobilevitv2`.
"""mobilevitv2: smoke tests of MobileViTV2Model.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="mobilevitv2",
    architecture="MobileViTV2Model",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import MobileViTV2Model

    assert type(tiny.model) is MobileViTV2Model
    assert tiny.config.model_type == tiny.model_type == "mobilevitv2"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = next(value.shape[0] for value in inputs.values() if hasattr(value, "shape"))
    config = tiny.config
    assert outputs.last_hidden_state.shape == (
        batch,
        int(512 * config.width_multiplier),
        config.image_size // config.output_stride,
        config.image_size // config.output_stride,
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
