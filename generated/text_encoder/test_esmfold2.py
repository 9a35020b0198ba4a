# Rendered from templates/text_encoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate esmfold2`.
"""esmfold2: smoke tests of EsmFold2Model.

Family: text encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="esmfold2",
    architecture="EsmFold2Model",
    family="text_encoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import EsmFold2Model

    assert type(tiny.model) is EsmFold2Model
    assert tiny.config.model_type == tiny.model_type == "esmfold2"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    pairs = (batch, length, length)
    assert outputs.distogram_logits.shape == (*pairs, tiny.config.structure_head.num_distogram_bins)
    assert outputs.pair_states.shape == (*pairs, tiny.config.pairwise_hidden_size)
    assert outputs.single_inputs.shape == (batch, length, tiny.config.single_inputs_size)
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
