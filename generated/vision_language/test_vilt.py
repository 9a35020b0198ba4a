# Rendered from templates/vision_language.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate vilt`.
"""vilt: smoke tests of ViltModel.

Family: language model that sees.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="vilt",
    architecture="ViltModel",
    family="vision_language",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import ViltModel

    assert type(tiny.model) is ViltModel
    assert tiny.config.model_type == tiny.model_type == "vilt"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    states = outputs.last_hidden_state
    assert states.shape[0] == batch
    assert states.shape[1] > length  # the image's patches stand beside the text
    assert states.shape[2] == tiny.config.hidden_size
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
