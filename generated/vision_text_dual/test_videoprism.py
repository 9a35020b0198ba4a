# Rendered from templates/vision_text_dual.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate videoprism`.
"""videoprism: smoke tests of VideoPrismClipModel.

Family: image and text encoder pair.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="videoprism",
    architecture="VideoPrismClipModel",
    family="vision_text_dual",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import VideoPrismClipModel

    assert type(tiny.model) is VideoPrismClipModel
    assert tiny.config.model_type == tiny.model_type == "videoprism"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    videos, texts = inputs["pixel_values_videos"].shape[0], inputs["input_ids"].shape[0]
    assert outputs.logits_per_video.shape == (videos, texts)
    assert outputs.logits_per_text.shape == (texts, videos)
    assert outputs.video_embeds.shape[0] == videos
    assert outputs.text_embeds.shape[-1] == outputs.video_embeds.shape[-1]
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
