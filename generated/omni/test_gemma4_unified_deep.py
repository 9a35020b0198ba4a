# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate gemma4_unified`.
"""gemma4_unified: deep tests of its architectures.

Gemma4UnifiedModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="gemma4_unified", tier="deep")


@pytest.mark.hfci(
    architecture="Gemma4UnifiedModel",
    family="omni",
)
class TestGemma4UnifiedModel:
    """Family: model of text, images and audio.

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
            "compiles_fullgraph",
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Gemma4UnifiedForConditionalGeneration",
    family="omni",
)
class TestGemma4UnifiedForConditionalGeneration:
    """Family: model of text, images and audio.

    Auto classes:
    - AutoModelForPreTraining
    - AutoModelForCausalLM
    - AutoModelForImageTextToText
    - AutoModelForMultimodalLM
    """

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
