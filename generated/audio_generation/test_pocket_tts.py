# Rendered from templates/audio_generation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate pocket_tts`.
"""pocket_tts: smoke tests of PocketTTSModel.

Family: text to audio model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="pocket_tts",
    architecture="PocketTTSModel",
    family="audio_generation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import PocketTTSModel

    assert type(tiny.model) is PocketTTSModel
    assert tiny.config.model_type == tiny.model_type == "pocket_tts"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    assert outputs.last_hidden_state.shape == (batch, length, tiny.config.hidden_size)
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
