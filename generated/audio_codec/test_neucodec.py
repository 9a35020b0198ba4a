# Rendered from templates/audio_codec.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate neucodec`.
"""neucodec: smoke tests of NeuCodecModel.

Family: audio codec.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="neucodec",
    architecture="NeuCodecModel",
    family="audio_codec",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import NeuCodecModel

    assert type(tiny.model) is NeuCodecModel
    assert tiny.config.model_type == tiny.model_type == "neucodec"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = tiny.forward(inputs)
    batch = inputs["input_values"].shape[0]
    assert outputs.audio_values.shape[0] == batch
    assert outputs.audio_codes is not None
    checks.forward_is_finite(tiny)


def test_forward_is_deterministic(tiny: TinyModel) -> None:
    checks.forward_is_deterministic(tiny)


def test_batch_is_independent(tiny: TinyModel) -> None:
    checks.batch_is_independent(tiny)


def test_save_load_roundtrip(tiny: TinyModel) -> None:
    checks.save_load_roundtrip(tiny)


def test_gradients_reach_every_parameter(tiny: TinyModel) -> None:
    checks.gradients_reach_every_parameter(tiny)
