# Rendered from templates/text_encoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate bridgetower_text_model`.
"""bridgetower_text_model: smoke tests of BridgeTowerTextModel.

Family: text encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="bridgetower_text_model",
    architecture="BridgeTowerTextModel",
    family="text_encoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers.models.bridgetower.modeling_bridgetower import BridgeTowerTextModel

    assert type(tiny.model) is BridgeTowerTextModel
    assert tiny.config.model_type == tiny.model_type == "bridgetower_text_model"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    assert outputs.last_hidden_state.shape == (batch, length, tiny.config.hidden_size)
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
