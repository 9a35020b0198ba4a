# Rendered from templates/audio_generation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate musicgen_melody`.
"""musicgen_melody: smoke tests of MusicgenMelodyForConditionalGeneration.

Family: text to audio model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="musicgen_melody",
    architecture="MusicgenMelodyForConditionalGeneration",
    family="audio_generation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import MusicgenMelodyForConditionalGeneration

    assert type(tiny.model) is MusicgenMelodyForConditionalGeneration
    assert tiny.config.model_type == tiny.model_type == "musicgen_melody"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    lines, length = inputs["decoder_input_ids"].shape  # one for every codebook of every row
    told = tiny.config.chroma_length + inputs["input_ids"].shape[1]  # the tune and the text come first
    assert outputs.logits.shape == (lines, told + length, tiny.config.decoder.vocab_size)
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
