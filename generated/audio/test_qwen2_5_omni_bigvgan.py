# Rendered from templates/audio.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate qwen2_5_omni_bigvgan`.
"""qwen2_5_omni_bigvgan: smoke tests of Qwen2_5OmniToken2WavBigVGANModel.

Family: audio encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="qwen2_5_omni_bigvgan",
    architecture="Qwen2_5OmniToken2WavBigVGANModel",
    family="audio",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Qwen2_5OmniToken2WavBigVGANModel

    assert type(tiny.model) is Qwen2_5OmniToken2WavBigVGANModel
    assert tiny.config.model_type == tiny.model_type == "qwen2_5_omni_bigvgan"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = tiny.forward(inputs)
    assert len(outputs) > 0
    checks.forward_is_finite(tiny)


def test_forward_is_deterministic(tiny: TinyModel) -> None:
    checks.forward_is_deterministic(tiny)


def test_batch_is_independent(tiny: TinyModel) -> None:
    checks.batch_is_independent(tiny)


def test_save_load_roundtrip(tiny: TinyModel) -> None:
    checks.save_load_roundtrip(tiny)


def test_gradients_reach_every_parameter(tiny: TinyModel) -> None:
    checks.gradients_reach_every_parameter(tiny)
