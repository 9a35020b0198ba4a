# Rendered from templates/reinforcement_learning.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate decision_transformer`.
"""decision_transformer: smoke tests of DecisionTransformerModel.

Family: model of states and actions.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="decision_transformer",
    architecture="DecisionTransformerModel",
    family="reinforcement_learning",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import DecisionTransformerModel

    assert type(tiny.model) is DecisionTransformerModel
    assert tiny.config.model_type == tiny.model_type == "decision_transformer"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, steps, _ = inputs["states"].shape
    assert outputs.state_preds.shape == inputs["states"].shape
    assert outputs.action_preds.shape == inputs["actions"].shape
    assert outputs.return_preds.shape == inputs["rewards"].shape
    # Each step is three tokens: return, state, action.
    assert outputs.last_hidden_state.shape == (batch, 3 * steps, tiny.config.hidden_size)
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
