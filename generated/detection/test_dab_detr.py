# Rendered from templates/detection.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate dab-detr`.
"""dab-detr: smoke tests of DabDetrModel.

Family: object detector.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="dab-detr",
    architecture="DabDetrModel",
    family="detection",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import DabDetrModel

    assert type(tiny.model) is DabDetrModel
    assert tiny.config.model_type == tiny.model_type == "dab-detr"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["pixel_values"].shape[0]
    assert outputs.last_hidden_state.shape[:2] == (batch, tiny.config.num_queries)
    assert outputs.last_hidden_state.shape[2] == tiny.config.hidden_size
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
