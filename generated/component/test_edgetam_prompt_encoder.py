# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate edgetam_prompt_encoder`.
"""edgetam_prompt_encoder: smoke test of a part that has no class of its own.

It is tried in EdgeTamModel of edgetam.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="edgetam_prompt_encoder",
    architecture="EdgeTamModel",
    family="component",
    tier="smoke",
    parent="edgetam",
    requires=("timm",),
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "EdgeTamModel"
    checks.component_is_exercised(tiny, "edgetam_prompt_encoder")
