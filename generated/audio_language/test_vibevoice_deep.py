# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate vibevoice`.
"""vibevoice: deep tests of its architectures.

VibeVoiceForConditionalGeneration has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="vibevoice", tier="deep")


@pytest.mark.hfci(
    architecture="VibeVoiceForConditionalGeneration",
    family="audio_language",
)
class TestVibeVoiceForConditionalGeneration:
    """Family: language model that listens.

    Auto classes:
    - AutoModel
    - AutoModelForSpeechSeq2Seq
    - AutoModelForTextToWaveform
    """

    @pytest.mark.parametrize(
        "check",
        [
            "every_parameter_matters",
            "splits_over_devices",
            "every_input_matters",
            "configuration_changes_do_as_recorded",
            "compiled_equals_eager[backend=aot_eager]",
            "compiles_fullgraph",
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="VibeVoiceModel",
    family="audio_text_dual",
)
class TestVibeVoiceModel:
    """Family: audio and text encoder pair."""

    @pytest.mark.parametrize(
        "check",
        [
            "every_parameter_matters",
            "splits_over_devices",
            "every_input_matters",
            "compiled_equals_eager[backend=aot_eager]",
            "compiles_fullgraph",
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
