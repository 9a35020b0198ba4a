# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate idefics_perciever`.
"""idefics_perciever: smoke test of a part that has no class of its own.

It is tried in IdeficsModel of idefics.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="idefics_perciever",
    architecture="IdeficsModel",
    family="component",
    tier="smoke",
    parent="idefics",
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "IdeficsModel"
    checks.component_is_exercised(tiny, "idefics_perciever")
