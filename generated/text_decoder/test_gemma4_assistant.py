# Rendered from templates/text_decoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate gemma4_assistant`.
"""gemma4_assistant: smoke tests of Gemma4AssistantForCausalLM.

Family: text decoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="gemma4_assistant",
    architecture="Gemma4AssistantForCausalLM",
    family="text_decoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Gemma4AssistantForCausalLM

    assert type(tiny.model) is Gemma4AssistantForCausalLM
    assert tiny.config.model_type == tiny.model_type == "gemma4_assistant"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["inputs_embeds"].shape[:2]
    config = tiny.config
    assert outputs.last_hidden_state.shape == (
        batch,
        length,
        config.backbone_hidden_size,
    )
    assert outputs.logits.shape == (
        batch,
        length,
        config.text_config.vocab_size,
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
