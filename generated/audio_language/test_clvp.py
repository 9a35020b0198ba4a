# Rendered from templates/audio_language.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate clvp`.
"""clvp: smoke tests of ClvpModelForConditionalGeneration.

Family: language model that listens.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="clvp",
    architecture="ClvpModelForConditionalGeneration",
    family="audio_language",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import ClvpModelForConditionalGeneration

    assert type(tiny.model) is ClvpModelForConditionalGeneration
    assert tiny.config.model_type == tiny.model_type == "clvp"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    texts, sounds = inputs["input_ids"].shape[0], inputs["input_features"].shape[0]
    assert outputs.logits_per_speech.shape == (sounds, texts)
    assert outputs.logits_per_text.shape == (texts, sounds)
    assert outputs.speech_embeds.shape == (sounds, tiny.config.projection_dim)
    assert outputs.text_embeds.shape == (texts, tiny.config.projection_dim)
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
