# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate vibevoice_asr`.
"""vibevoice_asr: deep tests of its architectures.

VibeVoiceAsrModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="vibevoice_asr", tier="deep")


@pytest.mark.hfci(
    architecture="VibeVoiceAsrModel",
    family="audio_language",
)
class TestVibeVoiceAsrModel:
    """Family: language model that listens.

    Auto classes:
    - AutoModel
    """

    @pytest.mark.parametrize(
        "check",
        [
            "every_parameter_matters",
            "splits_over_devices",
            "every_input_matters",
            "configuration_changes_do_as_recorded",
            "compiled_equals_eager[backend=aot_eager]",
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="VibeVoiceAsrForConditionalGeneration",
    family="audio_language",
)
class TestVibeVoiceAsrForConditionalGeneration:
    """Family: language model that listens.

    Auto classes:
    - AutoModelForPreTraining
    - AutoModelForMultimodalLM
    - AutoModelForSeq2SeqLM
    - AutoModelForSpeechSeq2Seq
    """

    @pytest.mark.parametrize(
        "check",
        [
            "every_parameter_matters",
            "splits_over_devices",
            "every_input_matters",
            "compiled_equals_eager[backend=aot_eager]",
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
