# Rendered from templates/text_encoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate deberta`.
"""deberta: smoke tests of DebertaModel.

Family: text encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="deberta",
    architecture="DebertaModel",
    family="text_encoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import DebertaModel

    assert type(tiny.model) is DebertaModel
    assert tiny.config.model_type == tiny.model_type == "deberta"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = tiny.forward(inputs)
    batch, length = inputs["input_ids"].shape
    assert outputs.last_hidden_state.shape == (batch, length, tiny.config.hidden_size)
    checks.forward_is_finite(tiny)


def test_forward_is_deterministic(tiny: TinyModel) -> None:
    checks.forward_is_deterministic(tiny)


def test_batch_is_independent(tiny: TinyModel) -> None:
    checks.batch_is_independent(tiny)


def test_save_load_roundtrip(tiny: TinyModel) -> None:
    checks.save_load_roundtrip(tiny)


def test_gradients_reach_every_parameter(tiny: TinyModel) -> None:
    checks.gradients_reach_every_parameter(tiny)
