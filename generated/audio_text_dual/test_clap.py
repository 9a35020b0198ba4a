# Rendered from templates/audio_text_dual.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate clap`.
"""clap: smoke tests of ClapModel.

Family: audio and text encoder pair.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="clap",
    architecture="ClapModel",
    family="audio_text_dual",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import ClapModel

    assert type(tiny.model) is ClapModel
    assert tiny.config.model_type == tiny.model_type == "clap"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = tiny.forward(inputs)
    texts, sounds = inputs["input_ids"].shape[0], inputs["input_features"].shape[0]
    assert outputs.logits_per_audio.shape == (sounds, texts)
    assert outputs.text_embeds.shape == (texts, tiny.config.projection_dim)
    assert outputs.audio_embeds.shape == (sounds, tiny.config.projection_dim)
    checks.forward_is_finite(tiny)


def test_forward_is_deterministic(tiny: TinyModel) -> None:
    checks.forward_is_deterministic(tiny)


def test_batch_is_independent(tiny: TinyModel) -> None:
    checks.batch_is_independent(tiny)


def test_save_load_roundtrip(tiny: TinyModel) -> None:
    checks.save_load_roundtrip(tiny)


def test_gradients_reach_every_parameter(tiny: TinyModel) -> None:
    checks.gradients_reach_every_parameter(tiny)
