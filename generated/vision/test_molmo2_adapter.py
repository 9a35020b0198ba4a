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
    outputs = tiny.forward(inputs)
    assert outputs.last_hidden_state.shape[0] == inputs["pooled_patches_idx"].shape[0]  # one for each group of patches
    assert outputs.last_hidden_state.shape[1] == tiny.config.hidden_size
    checks.forward_is_finite(tiny)


def test_forward_is_deterministic(tiny: TinyModel) -> None:
    checks.forward_is_deterministic(tiny)


def test_batch_is_independent(tiny: TinyModel) -> None:
    checks.batch_is_independent(tiny)


def test_save_load_roundtrip(tiny: TinyModel) -> None:
    checks.save_load_roundtrip(tiny)


def test_gradients_reach_every_parameter(tiny: TinyModel) -> None:
    checks.gradients_reach_every_parameter(tiny)
