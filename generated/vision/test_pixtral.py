# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate pixtral`.
"""pixtral: smoke tests of PixtralVisionModel.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="pixtral",
    architecture="PixtralVisionModel",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import PixtralVisionModel

    assert type(tiny.model) is PixtralVisionModel
    assert tiny.config.model_type == tiny.model_type == "pixtral"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    outputs = checks.reference_forward(tiny)
    # The patches of all images follow each other in one row.
    assert outputs.last_hidden_state.shape[0] == 1
    assert outputs.last_hidden_state.shape[-1] == tiny.config.hidden_size
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
