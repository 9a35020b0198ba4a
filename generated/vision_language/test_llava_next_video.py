# Rendered from templates/vision_language.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate llava_next_video`.
"""llava_next_video: smoke tests of LlavaNextVideoModel.

Family: language model that sees.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="llava_next_video",
    architecture="LlavaNextVideoModel",
    family="vision_language",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import LlavaNextVideoModel

    assert type(tiny.model) is LlavaNextVideoModel
    assert tiny.config.model_type == tiny.model_type == "llava_next_video"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny, use_cache=True)
    text = tiny.config.get_text_config(decoder=True)
    batch, length = inputs["input_ids"].shape
    assert outputs.last_hidden_state.shape == (batch, length, text.hidden_size)
    assert outputs.cache.get_seq_length() == length
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
