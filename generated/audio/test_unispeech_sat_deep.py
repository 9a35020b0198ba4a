# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate unispeech-sat`.
"""unispeech-sat: deep tests of its architectures.

UniSpeechSatModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="unispeech-sat", tier="deep")


@pytest.mark.hfci(
    architecture="UniSpeechSatModel",
    family="audio",
)
class TestUniSpeechSatModel:
    """Family: audio encoder.

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
    architecture="UniSpeechSatForPreTraining",
    family="audio",
)
class TestUniSpeechSatForPreTraining:
    """Family: audio encoder.

    Auto classes:
    - AutoModelForPreTraining
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


@pytest.mark.hfci(
    architecture="UniSpeechSatForSequenceClassification",
    family="audio",
)
class TestUniSpeechSatForSequenceClassification:
    """Family: audio encoder.

    Auto classes:
    - AutoModelForAudioClassification
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


@pytest.mark.hfci(
    architecture="UniSpeechSatForCTC",
    family="audio",
)
class TestUniSpeechSatForCTC:
    """Family: audio encoder.

    Auto classes:
    - AutoModelForCTC
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


@pytest.mark.hfci(
    architecture="UniSpeechSatForAudioFrameClassification",
    family="audio",
)
class TestUniSpeechSatForAudioFrameClassification:
    """Family: audio encoder.

    Auto classes:
    - AutoModelForAudioFrameClassification
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


@pytest.mark.hfci(
    architecture="UniSpeechSatForXVector",
    family="audio",
)
class TestUniSpeechSatForXVector:
    """Family: audio encoder.

    Auto classes:
    - AutoModelForAudioXVector
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
