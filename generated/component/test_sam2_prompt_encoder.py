# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam2_prompt_encoder`.
"""sam2_prompt_encoder: smoke test of a part that has no class of its own.

It is tried in Sam2Model of sam2.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam2_prompt_encoder",
    architecture="Sam2Model",
    family="component",
    tier="smoke",
    parent="sam2",
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "Sam2Model"
    checks.component_is_exercised(tiny, "sam2_prompt_encoder")
