# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate ernie4_5_vl_moe_text`.
"""ernie4_5_vl_moe_text: deep tests of its architectures.

Ernie4_5_VLMoeTextModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="ernie4_5_vl_moe_text", tier="deep")


@pytest.mark.hfci(
    architecture="Ernie4_5_VLMoeTextModel",
    family="text_decoder",
)
class TestErnie4_5_VLMoeTextModel:
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
    architecture="Ernie4_5_VL_MoeTextModel",
    family="text_decoder",
)
class TestErnie4_5_VL_MoeTextModel:
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
