# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam_hq_prompt_encoder`.
"""sam_hq_prompt_encoder: smoke test of a part that has no class of its own.

It is tried in SamHQModel of sam_hq.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam_hq_prompt_encoder",
    architecture="SamHQModel",
    family="component",
    tier="smoke",
    parent="sam_hq",
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "SamHQModel"
    checks.component_is_exercised(tiny, "sam_hq_prompt_encoder")
