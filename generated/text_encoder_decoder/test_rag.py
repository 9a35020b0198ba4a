# Rendered from templates/text_encoder_decoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate rag`.
"""rag: smoke tests of RagModel.

Family: text encoder-decoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="rag",
    architecture="RagModel",
    family="text_encoder_decoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import RagModel

    assert type(tiny.model) is RagModel
    assert tiny.config.model_type == tiny.model_type == "rag"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny, use_cache=True)
    batch, length = inputs["decoder_input_ids"].shape
    batch *= tiny.config.n_docs  # each row is generated beside each document
    decoder = tiny.config.generator
    assert outputs.logits.shape == (batch, length, decoder.vocab_size)
    assert outputs.cache.get_seq_length() == length
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
