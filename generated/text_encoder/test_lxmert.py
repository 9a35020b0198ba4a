# Rendered from templates/text_encoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate lxmert`.
"""lxmert: smoke tests of LxmertModel.

Family: text encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="lxmert",
    architecture="LxmertModel",
    family="text_encoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import LxmertModel

    assert type(tiny.model) is LxmertModel
    assert tiny.config.model_type == tiny.model_type == "lxmert"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    regions = inputs["visual_feats"].shape[1]
    assert outputs.language_output.shape == (batch, length, tiny.config.hidden_size)
    assert outputs.vision_output.shape == (batch, regions, tiny.config.hidden_size)
    assert outputs.pooled_output.shape == (batch, tiny.config.hidden_size)
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
