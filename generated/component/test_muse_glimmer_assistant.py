# Rendered from templates/component.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate muse_glimmer_assistant`.
"""muse_glimmer_assistant: smoke tests of MuseGlimmerAssistantModel.

Family: part of another model, fed by it.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="muse_glimmer_assistant",
    architecture="MuseGlimmerAssistantModel",
    family="component",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import MuseGlimmerAssistantModel

    assert type(tiny.model) is MuseGlimmerAssistantModel
    assert tiny.config.model_type == tiny.model_type == "muse_glimmer_assistant"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    assert outputs.last_hidden_state.shape == inputs["noise_embeds"].shape
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
