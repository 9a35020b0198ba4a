# Rendered from templates/segmentation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate maskformer`.
"""maskformer: smoke tests of MaskFormerModel.

Family: segmentation model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="maskformer",
    architecture="MaskFormerModel",
    family="segmentation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import MaskFormerModel

    assert type(tiny.model) is MaskFormerModel
    assert tiny.config.model_type == tiny.model_type == "maskformer"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["pixel_values"].shape[0]
    assert outputs.pixel_decoder_last_hidden_state.shape[:2] == (batch, tiny.config.mask_feature_size)
    queries = tiny.config.decoder_config.num_queries
    assert outputs.transformer_decoder_last_hidden_state.shape == (batch, queries, tiny.config.decoder_config.d_model)
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
