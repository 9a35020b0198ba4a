# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate idefics2_perceiver`.
"""idefics2_perceiver: smoke tests of Idefics2PerceiverResampler.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="idefics2_perceiver",
    architecture="Idefics2PerceiverResampler",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers.models.idefics2.modeling_idefics2 import Idefics2PerceiverResampler

    assert type(tiny.model) is Idefics2PerceiverResampler
    assert tiny.config.model_type == tiny.model_type == "idefics2_perceiver"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["context"].shape[0]
    assert outputs.shape == (batch, tiny.config.resampler_n_latents, tiny.config.hidden_size)
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
