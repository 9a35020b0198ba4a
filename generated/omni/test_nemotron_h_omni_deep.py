# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate nemotron_h_omni`.
"""nemotron_h_omni: deep tests of its architectures.

NemotronH_Omni_Reasoning_V3 has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="nemotron_h_omni", tier="deep")


@pytest.mark.hfci(
    architecture="NemotronH_Omni_Reasoning_V3",
    family="omni",
)
class TestNemotronH_Omni_Reasoning_V3:
    """Family: model of text, images and audio.

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
            "configuration_changes_do_as_recorded",
            "compiled_equals_eager[backend=aot_eager]",
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
