# Rendered from templates/audio.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate qwen2_5_omni_dit`.
"""qwen2_5_omni_dit: smoke tests of Qwen2_5OmniToken2WavDiTModel.

Family: audio encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="qwen2_5_omni_dit",
    architecture="Qwen2_5OmniToken2WavDiTModel",
    family="audio",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Qwen2_5OmniToken2WavDiTModel

    assert type(tiny.model) is Qwen2_5OmniToken2WavDiTModel
    assert tiny.config.model_type == tiny.model_type == "qwen2_5_omni_dit"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    assert outputs.shape == inputs["hidden_states"].shape
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
