# Rendered from templates/audio.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate fastspeech2_conformer_hifigan`.
"""fastspeech2_conformer_hifigan: smoke tests of FastSpeech2ConformerHifiGan.

Family: audio encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="fastspeech2_conformer_hifigan",
    architecture="FastSpeech2ConformerHifiGan",
    family="audio",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import FastSpeech2ConformerHifiGan

    assert type(tiny.model) is FastSpeech2ConformerHifiGan
    assert tiny.config.model_type == tiny.model_type == "fastspeech2_conformer_hifigan"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, samples, _ = inputs["spectrogram"].shape
    for rate in tiny.config.upsample_rates:
        samples *= rate
    assert outputs.shape == (batch, samples)
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
