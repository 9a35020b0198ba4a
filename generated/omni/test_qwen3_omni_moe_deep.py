# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate qwen3_omni_moe`.
"""qwen3_omni_moe: deep tests of its architectures.

Qwen3OmniMoeForConditionalGeneration has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="qwen3_omni_moe", tier="deep")


@pytest.mark.hfci(
    architecture="Qwen3OmniMoeForConditionalGeneration",
    family="omni",
)
class TestQwen3OmniMoeForConditionalGeneration:
    """Family: model of text, images and audio.

    Auto classes:
    - AutoModelForMultimodalLM
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
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Qwen3OmniMoeTalkerForConditionalGeneration",
    family="audio_generation",
)
class TestQwen3OmniMoeTalkerForConditionalGeneration:
    """Family: text to audio model."""

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


@pytest.mark.hfci(
    architecture="Qwen3OmniMoeCode2Wav",
    family="audio_generation",
)
class TestQwen3OmniMoeCode2Wav:
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
    architecture="Qwen3OmniMoeCode2WavTransformerModel",
    family="audio_generation",
)
class TestQwen3OmniMoeCode2WavTransformerModel:
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
