# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate pp_chart2table_vision`.
"""pp_chart2table_vision: smoke test of a part that has no class of its own.

It is tried in GotOcr2ForConditionalGeneration of pp_chart2table.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="pp_chart2table_vision",
    architecture="GotOcr2ForConditionalGeneration",
    family="component",
    tier="smoke",
    parent="pp_chart2table",
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "GotOcr2ForConditionalGeneration"
    checks.component_is_exercised(tiny, "pp_chart2table_vision")
