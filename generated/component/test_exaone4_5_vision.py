# Rendered from templates/component.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate exaone4_5_vision`.
"""exaone4_5_vision: smoke tests of Exaone4_5_VisionModel.

Family: part of another model, fed by it.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="exaone4_5_vision",
    architecture="Exaone4_5_VisionModel",
    family="component",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Exaone4_5_VisionModel

    assert type(tiny.model) is Exaone4_5_VisionModel
    assert tiny.config.model_type == tiny.model_type == "exaone4_5_vision"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    patches = inputs["hidden_states"].shape[0]  # those of all images, one after the other
    assert outputs.last_hidden_state.shape == (patches, tiny.config.hidden_size)
    blocks = patches // tiny.config.spatial_merge_size**2
    assert outputs.pooler_output.shape == (blocks, tiny.config.out_hidden_size)
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
