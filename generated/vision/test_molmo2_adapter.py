# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate molmo2_adapter`.
"""molmo2_adapter: smoke tests of Molmo2Adapter.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="molmo2_adapter",
    architecture="Molmo2Adapter",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Molmo2Adapter

    assert type(tiny.model) is Molmo2Adapter
    assert tiny.config.model_type == tiny.model_type == "molmo2_adapter"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    assert outputs.last_hidden_state.shape[0] == inputs["pooled_patches_idx"].shape[0]  # one for each group of patches
    assert outputs.last_hidden_state.shape[1] == tiny.config.hidden_size
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
