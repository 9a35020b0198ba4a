# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate gemma4_vision`.
"""gemma4_vision: smoke tests of Gemma4VisionModel.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="gemma4_vision",
    architecture="Gemma4VisionModel",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Gemma4VisionModel

    assert type(tiny.model) is Gemma4VisionModel
    assert tiny.config.model_type == tiny.model_type == "gemma4_vision"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    outputs = checks.reference_forward(tiny)
    # The patches of all images, or what becomes of them, one after the other.
    assert outputs.last_hidden_state.ndim == 2
    assert outputs.last_hidden_state.shape[1] == tiny.config.hidden_size
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
