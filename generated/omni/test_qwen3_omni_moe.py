# Rendered from templates/omni.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate qwen3_omni_moe`.
"""qwen3_omni_moe: smoke tests of Qwen3OmniMoeForConditionalGeneration.

Family: model of text, images and audio.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="qwen3_omni_moe",
    architecture="Qwen3OmniMoeForConditionalGeneration",
    family="omni",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Qwen3OmniMoeForConditionalGeneration

    assert type(tiny.model) is Qwen3OmniMoeForConditionalGeneration
    assert tiny.config.model_type == tiny.model_type == "qwen3_omni_moe"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    thinker = tiny.config.thinker_config.get_text_config()
    assert outputs["thinker"].logits.shape == (*inputs["thinker"]["input_ids"].shape, thinker.vocab_size)
    talker = tiny.config.talker_config.get_text_config()
    assert outputs["talker"].logits.shape == (*inputs["talker"]["inputs_embeds"].shape[:2], talker.vocab_size)
    batch, _, samples = inputs["code2wav"]["codes"].shape
    for ratio in tiny.config.code2wav_config.upsampling_ratios:
        samples *= ratio
    for rate in tiny.config.code2wav_config.upsample_rates:
        samples = (samples - 1) * rate  # each of these convolutions cuts a step off
    assert outputs["code2wav"].shape == (batch, 1, samples)
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
