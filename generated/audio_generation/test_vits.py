# Rendered from templates/audio_generation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate vits`.
"""vits: smoke tests of VitsModel.

Family: text to audio model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="vits",
    architecture="VitsModel",
    family="audio_generation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import VitsModel

    assert type(tiny.model) is VitsModel
    assert tiny.config.model_type == tiny.model_type == "vits"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["input_ids"].shape[0]
    samples = frames = outputs.spectrogram.shape[2]  # as many as the durations that it draws for the longest row
    for rate in tiny.config.upsample_rates:
        samples *= rate
    assert outputs.spectrogram.shape == (batch, tiny.config.flow_size, frames)
    assert outputs.waveform.shape == (batch, samples)
    assert outputs.sequence_lengths.shape == (batch,)
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
