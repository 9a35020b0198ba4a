# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sapiens2_head`.
"""sapiens2_head: smoke test of a part that has no class of its own.

It is tried in Sapiens2ForSemanticSegmentation of sapiens2.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sapiens2_head",
    architecture="Sapiens2ForSemanticSegmentation",
    family="component",
    tier="smoke",
    parent="sapiens2",
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "Sapiens2ForSemanticSegmentation"
    checks.component_is_exercised(tiny, "sapiens2_head")
