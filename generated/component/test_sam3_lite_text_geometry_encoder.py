# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam3_lite_text_geometry_encoder`.
"""sam3_lite_text_geometry_encoder: smoke test of a part that has no class of its own.

It is tried in Sam3LiteTextModel of sam3_lite_text.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam3_lite_text_geometry_encoder",
    architecture="Sam3LiteTextModel",
    family="component",
    tier="smoke",
    parent="sam3_lite_text",
    requires=("torchvision",),
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "Sam3LiteTextModel"
    checks.component_is_exercised(tiny, "sam3_lite_text_geometry_encoder")
