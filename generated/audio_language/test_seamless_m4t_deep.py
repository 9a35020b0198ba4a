# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate seamless_m4t`.
"""seamless_m4t: deep tests of its architectures.

SeamlessM4TModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="seamless_m4t", tier="deep")


@pytest.mark.hfci(
    architecture="SeamlessM4TModel",
    family="audio_language",
)
class TestSeamlessM4TModel:
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
    architecture="SeamlessM4TForTextToText",
    family="text_encoder_decoder",
)
class TestSeamlessM4TForTextToText:
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
    architecture="SeamlessM4TForSpeechToText",
    family="speech_encoder_decoder",
)
class TestSeamlessM4TForSpeechToText:
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
    architecture="SeamlessM4TForTextToSpeech",
    family="text_encoder_decoder",
)
class TestSeamlessM4TForTextToSpeech:
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
    architecture="SeamlessM4TForSpeechToSpeech",
    family="speech_encoder_decoder",
)
class TestSeamlessM4TForSpeechToSpeech:
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


@pytest.mark.hfci(
    architecture="SeamlessM4TCodeHifiGan",
    family="audio_generation",
)
class TestSeamlessM4TCodeHifiGan:
    """Family: text to audio model."""

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
    architecture="SeamlessM4TTextToUnitForConditionalGeneration",
    family="text_encoder_decoder",
)
class TestSeamlessM4TTextToUnitForConditionalGeneration:
    """Family: text encoder-decoder."""

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
    architecture="SeamlessM4TTextToUnitModel",
    family="text_encoder_decoder",
)
class TestSeamlessM4TTextToUnitModel:
    """Family: text encoder-decoder."""

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
