# Rendered from templates/text_decoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate gpt_neox_japanese`.
"""gpt_neox_japanese: smoke tests of GPTNeoXJapaneseModel.

Family: text decoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="gpt_neox_japanese",
    architecture="GPTNeoXJapaneseModel",
    family="text_decoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import GPTNeoXJapaneseModel

    assert type(tiny.model) is GPTNeoXJapaneseModel
    assert tiny.config.model_type == tiny.model_type == "gpt_neox_japanese"
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
