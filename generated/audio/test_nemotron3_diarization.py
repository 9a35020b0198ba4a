# Rendered from templates/audio.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate nemotron3_diarization`.
"""nemotron3_diarization: smoke tests of Nemotron3DiarizationModel.

Family: audio encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="nemotron3_diarization",
    architecture="Nemotron3DiarizationModel",
    family="audio",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Nemotron3DiarizationModel

    assert type(tiny.model) is Nemotron3DiarizationModel
    assert tiny.config.model_type == tiny.model_type == "nemotron3_diarization"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    config = tiny.config
    assert outputs.last_hidden_state.shape == (
        *inputs["input_features"].shape[:2],
        config.head_config.hidden_size,
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
