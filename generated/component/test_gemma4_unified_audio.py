# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate gemma4_unified_audio`.
"""gemma4_unified_audio: smoke test of a part that has no class of its own.

It is tried in Gemma4UnifiedModel of gemma4_unified.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="gemma4_unified_audio",
    architecture="Gemma4UnifiedModel",
    family="component",
    tier="smoke",
    parent="gemma4_unified",
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "Gemma4UnifiedModel"
    checks.component_is_exercised(tiny, "gemma4_unified_audio")
