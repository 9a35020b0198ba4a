# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate qwen3_omni_moe_talker_code_predictor`.
"""qwen3_omni_moe_talker_code_predictor: deep tests of its architectures.

Qwen3OmniMoeTalkerCodePredictorModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="qwen3_omni_moe_talker_code_predictor", tier="deep")


@pytest.mark.hfci(
    architecture="Qwen3OmniMoeTalkerCodePredictorModel",
    family="text_decoder",
)
class TestQwen3OmniMoeTalkerCodePredictorModel:
    """Family: text decoder."""

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
    architecture="Qwen3OmniMoeTalkerCodePredictorModelForConditionalGeneration",
    family="text_decoder",
)
class TestQwen3OmniMoeTalkerCodePredictorModelForConditionalGeneration:
    """Family: text decoder."""

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
