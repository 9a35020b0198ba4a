# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate uvdoc_backbone`.
"""uvdoc_backbone: smoke tests of UVDocBackbone.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="uvdoc_backbone",
    architecture="UVDocBackbone",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import UVDocBackbone

    assert type(tiny.model) is UVDocBackbone
    assert tiny.config.model_type == tiny.model_type == "uvdoc_backbone"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = next(value.shape[0] for value in inputs.values() if hasattr(value, "shape"))
    assert [maps.shape[0] for maps in outputs.feature_maps] == [batch] * len(outputs.feature_maps)
    channels = [maps.shape[1] if maps.ndim == 4 else maps.shape[-1] for maps in outputs.feature_maps]
    assert channels == tiny.model.channels
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
