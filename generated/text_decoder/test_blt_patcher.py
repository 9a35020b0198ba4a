# Rendered from templates/text_decoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate blt_patcher`.
"""blt_patcher: smoke tests of BltPatcher.

Family: text decoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="blt_patcher",
    architecture="BltPatcher",
    family="text_decoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import BltPatcher

    assert type(tiny.model) is BltPatcher
    assert tiny.config.model_type == tiny.model_type == "blt_patcher"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    entropies, patch_lengths, logits = outputs
    assert entropies.shape == (batch, length)
    assert patch_lengths.shape == (batch, length)  # each byte is a patch, where no patch_size is given
    assert logits.shape == (batch, length, tiny.config.vocab_size)
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
