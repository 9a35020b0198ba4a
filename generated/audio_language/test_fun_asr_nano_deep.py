# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate fun_asr_nano`.
"""fun_asr_nano: deep tests of its architectures.

FunAsrNanoModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="fun_asr_nano", tier="deep")


@pytest.mark.hfci(
    architecture="FunAsrNanoModel",
    family="audio_language",
)
class TestFunAsrNanoModel:
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
    architecture="FunAsrNanoForConditionalGeneration",
    family="audio_language",
)
class TestFunAsrNanoForConditionalGeneration:
    """Family: language model that listens.

    Auto classes:
    - AutoModelForPreTraining
    - AutoModelForMultimodalLM
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
