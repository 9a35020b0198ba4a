# Rendered from templates/audio.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate univnet`.
"""univnet: smoke tests of UnivNetModel.

Family: audio encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="univnet",
    architecture="UnivNetModel",
    family="audio",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import UnivNetModel

    assert type(tiny.model) is UnivNetModel
    assert tiny.config.model_type == tiny.model_type == "univnet"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, samples, _ = inputs["input_features"].shape
    for stride in tiny.config.resblock_stride_sizes:
        samples *= stride
    assert outputs.waveforms.shape == (batch, samples)
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
