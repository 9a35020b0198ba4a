# Rendered from templates/segmentation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate oneformer`.
"""oneformer: smoke tests of OneFormerModel.

Family: segmentation model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="oneformer",
    architecture="OneFormerModel",
    family="segmentation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import OneFormerModel

    assert type(tiny.model) is OneFormerModel
    assert tiny.config.model_type == tiny.model_type == "oneformer"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["pixel_values"].shape[0]
    queries = tiny.config.num_queries
    assert outputs.transformer_decoder_object_queries.shape == (batch, queries, tiny.config.hidden_dim)
    assert outputs.transformer_decoder_class_predictions.shape == (batch, queries, tiny.config.num_labels + 1)
    assert outputs.transformer_decoder_mask_predictions.shape[:2] == (batch, queries)
    assert outputs.task_token.shape == (batch, tiny.config.hidden_dim)
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
