# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate wav2vec2`.
"""wav2vec2: deep tests of its architectures.

Wav2Vec2Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="wav2vec2", tier="deep")


@pytest.mark.hfci(
    architecture="Wav2Vec2Model",
    family="audio",
)
class TestWav2Vec2Model:
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
            "compiled_equals_eager[backend=inductor]",
            "exported_equals_eager[backend=dynamo]",
            "quantised_load_stays_close",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Wav2Vec2ForPreTraining",
    family="audio",
)
class TestWav2Vec2ForPreTraining:
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
    architecture="Wav2Vec2ForSequenceClassification",
    family="audio",
)
class TestWav2Vec2ForSequenceClassification:
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
    architecture="Wav2Vec2ForCTC",
    family="audio",
)
class TestWav2Vec2ForCTC:
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
    architecture="Wav2Vec2ForAudioFrameClassification",
    family="audio",
)
class TestWav2Vec2ForAudioFrameClassification:
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
    architecture="Wav2Vec2ForXVector",
    family="audio",
)
class TestWav2Vec2ForXVector:
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
