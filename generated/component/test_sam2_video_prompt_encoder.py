# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam2_video_prompt_encoder`.
"""sam2_video_prompt_encoder: smoke test of a part that has no class of its own.

It is tried in Sam2VideoModel of sam2_video.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam2_video_prompt_encoder",
    architecture="Sam2VideoModel",
    family="component",
    tier="smoke",
    parent="sam2_video",
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "Sam2VideoModel"
    checks.component_is_exercised(tiny, "sam2_video_prompt_encoder")
