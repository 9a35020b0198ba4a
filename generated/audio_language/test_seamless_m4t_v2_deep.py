# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate seamless_m4t_v2`.
"""seamless_m4t_v2: deep tests of its architectures.

SeamlessM4Tv2Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="seamless_m4t_v2", tier="deep")


@pytest.mark.hfci(
    architecture="SeamlessM4Tv2Model",
    family="audio_language",
)
class TestSeamlessM4Tv2Model:
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
    architecture="SeamlessM4Tv2ForTextToText",
    family="text_encoder_decoder",
)
class TestSeamlessM4Tv2ForTextToText:
    """Family: text encoder-decoder.

    Auto classes:
    - AutoModelForSeq2SeqLM
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
    architecture="SeamlessM4Tv2ForSpeechToText",
    family="speech_encoder_decoder",
)
class TestSeamlessM4Tv2ForSpeechToText:
    """Family: speech encoder-decoder.

    Auto classes:
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


@pytest.mark.hfci(
    architecture="SeamlessM4Tv2ForTextToSpeech",
    family="text_encoder_decoder",
)
class TestSeamlessM4Tv2ForTextToSpeech:
    """Family: text encoder-decoder.

    Auto classes:
    - AutoModelForTextToWaveform
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
    architecture="SeamlessM4Tv2ForSpeechToSpeech",
    family="speech_encoder_decoder",
)
class TestSeamlessM4Tv2ForSpeechToSpeech:
    """Family: speech encoder-decoder."""

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
