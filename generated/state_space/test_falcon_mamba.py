# Rendered from templates/state_space.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate falcon_mamba`.
"""falcon_mamba: smoke tests of FalconMambaModel.

Family: recurrent language model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="falcon_mamba",
    architecture="FalconMambaModel",
    family="state_space",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import FalconMambaModel

    assert type(tiny.model) is FalconMambaModel
    assert tiny.config.model_type == tiny.model_type == "falcon_mamba"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    assert outputs.last_hidden_state.shape == (batch, length, tiny.config.hidden_size)
    config, layers = tiny.config, outputs.cache.layers
    assert len(layers) == config.num_hidden_layers
    channels = config.intermediate_size
    assert {layer.conv_states[0].shape for layer in layers} == {(batch, channels, config.conv_kernel)}
    assert {layer.recurrent_states[0].shape for layer in layers} == {(batch, channels, config.state_size)}
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
