# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate wav2vec2-bert`.
"""wav2vec2-bert: deep tests of its architectures.

Wav2Vec2BertModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="wav2vec2-bert", tier="deep")


@pytest.mark.hfci(
    architecture="Wav2Vec2BertModel",
    family="audio",
)
class TestWav2Vec2BertModel:
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
    architecture="Wav2Vec2BertForSequenceClassification",
    family="audio",
)
class TestWav2Vec2BertForSequenceClassification:
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
    architecture="Wav2Vec2BertForCTC",
    family="audio",
)
class TestWav2Vec2BertForCTC:
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
    architecture="Wav2Vec2BertForAudioFrameClassification",
    family="audio",
)
class TestWav2Vec2BertForAudioFrameClassification:
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
    architecture="Wav2Vec2BertForXVector",
    family="audio",
)
class TestWav2Vec2BertForXVector:
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
