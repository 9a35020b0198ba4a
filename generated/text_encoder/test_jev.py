# Rendered from templates/text_encoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate jev`.
"""jev: smoke tests of JevForDecision.

Family: text encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="jev",
    architecture="JevForDecision",
    family="text_encoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import JevForDecision

    assert type(tiny.model) is JevForDecision
    assert tiny.config.model_type == tiny.model_type == "jev"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    assert outputs.shape == (int(inputs["num_options"][0].sum()),)  # it reads one row: how good each option is
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
