# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate deepseek_vl_hybrid`.
"""deepseek_vl_hybrid: deep tests of its architectures.

DeepseekVLHybridModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="deepseek_vl_hybrid", tier="deep")


@pytest.mark.hfci(
    architecture="DeepseekVLHybridModel",
    family="vision_language",
)
class TestDeepseekVLHybridModel:
    """Family: language model that sees.

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
    architecture="DeepseekVLHybridForConditionalGeneration",
    family="vision_language",
)
class TestDeepseekVLHybridForConditionalGeneration:
    """Family: language model that sees.

    Auto classes:
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
