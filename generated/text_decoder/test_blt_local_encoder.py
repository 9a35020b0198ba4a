# Rendered from templates/text_decoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate blt_local_encoder`.
"""blt_local_encoder: smoke tests of BltLocalEncoder.

Family: text decoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="blt_local_encoder",
    architecture="BltLocalEncoder",
    family="text_decoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers.models.blt.modeling_blt import BltLocalEncoder

    assert type(tiny.model) is BltLocalEncoder
    assert tiny.config.model_type == tiny.model_type == "blt_local_encoder"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    states, patches = outputs
    assert states.shape == (batch, length, tiny.config.hidden_size)
    assert patches.shape == (batch, inputs["num_patches"] * tiny.config.cross_attn_k, tiny.config.hidden_size)
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
