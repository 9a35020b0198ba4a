# Rendered from templates/omni.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate qwen2_5_omni`.
"""qwen2_5_omni: smoke tests of Qwen2_5OmniForConditionalGeneration.

Family: model of text, images and audio.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="qwen2_5_omni",
    architecture="Qwen2_5OmniForConditionalGeneration",
    family="omni",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Qwen2_5OmniForConditionalGeneration

    assert type(tiny.model) is Qwen2_5OmniForConditionalGeneration
    assert tiny.config.model_type == tiny.model_type == "qwen2_5_omni"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    thinker = tiny.config.thinker_config.get_text_config()
    assert outputs["thinker"].logits.shape == (*inputs["thinker"]["input_ids"].shape, thinker.vocab_size)
    talker = tiny.config.talker_config.get_text_config()
    assert outputs["talker"].logits.shape == (*inputs["talker"]["input_ids"].shape[:2], talker.vocab_size)
    states = inputs["token2wav"]["code2wav_dit_model"]["hidden_states"]
    assert outputs["token2wav"]["code2wav_dit_model"].shape == states.shape
    assert outputs["token2wav"]["code2wav_bigvgan_model"].shape[0] == states.shape[0]
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
