# Rendered from templates/_part.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate vibevoice_diffusion`.
"""vibevoice_diffusion: smoke test of a part that has no class of its own.

It is tried in VibeVoiceForConditionalGeneration of vibevoice.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="vibevoice_diffusion",
    architecture="VibeVoiceForConditionalGeneration",
    family="component",
    tier="smoke",
    parent="vibevoice",
    requires=("diffusers",),
)


def test_component_is_exercised(tiny: TinyModel) -> None:
    assert type(tiny.model).__name__ == "VibeVoiceForConditionalGeneration"
    checks.component_is_exercised(tiny, "vibevoice_diffusion")
