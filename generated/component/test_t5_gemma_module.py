# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate t5_gemma_module`.
"""t5_gemma_module: smoke test of a part that has no class of its own.

It is tried in T5GemmaModel of t5gemma.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="t5_gemma_module",
    architecture="T5GemmaModel",
    family="component",
    tier="smoke",
    parent="t5gemma",
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "T5GemmaModel"
    checks.component_is_exercised(tiny, "t5_gemma_module")
