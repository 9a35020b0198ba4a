# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam_prompt_encoder`.
"""sam_prompt_encoder: smoke test of a part that has no class of its own.

It is tried in SamModel of sam.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam_prompt_encoder",
    architecture="SamModel",
    family="component",
    tier="smoke",
    parent="sam",
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "SamModel"
    checks.component_is_exercised(tiny, "sam_prompt_encoder")
