# Rendered from templates/time_series.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate patchtst`.
"""patchtst: smoke tests of PatchTSTModel.

Family: time series model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="patchtst",
    architecture="PatchTSTModel",
    family="time_series",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import PatchTSTModel

    assert type(tiny.model) is PatchTSTModel
    assert tiny.config.model_type == tiny.model_type == "patchtst"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["past_values"].shape[0]
    assert outputs.last_hidden_state.shape[0] == batch
    assert outputs.last_hidden_state.shape[-1] == tiny.config.d_model
    assert outputs.loc.shape[0] == outputs.scale.shape[0] == batch  # by which each series was normalised
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
