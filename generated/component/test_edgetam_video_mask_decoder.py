# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate edgetam_video_mask_decoder`.
"""edgetam_video_mask_decoder: smoke test of a part that has no class of its own.

It is tried in EdgeTamVideoModel of edgetam_video.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="edgetam_video_mask_decoder",
    architecture="EdgeTamVideoModel",
    family="component",
    tier="smoke",
    parent="edgetam_video",
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "EdgeTamVideoModel"
    checks.component_is_exercised(tiny, "edgetam_video_mask_decoder")
