# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam3_tracker_prompt_encoder`.
"""sam3_tracker_prompt_encoder: smoke test of a part that has no class of its own.

It is tried in Sam3TrackerModel of sam3_tracker.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam3_tracker_prompt_encoder",
    architecture="Sam3TrackerModel",
    family="component",
    tier="smoke",
    parent="sam3_tracker",
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "Sam3TrackerModel"
    checks.component_is_exercised(tiny, "sam3_tracker_prompt_encoder")
