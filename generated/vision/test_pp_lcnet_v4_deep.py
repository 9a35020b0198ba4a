# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate pp_lcnet_v4`.
"""pp_lcnet_v4: deep tests of its architectures.

PPLCNetV4Backbone has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="pp_lcnet_v4", tier="deep")


@pytest.mark.hfci(
    architecture="PPLCNetV4Backbone",
    family="vision",
)
class TestPPLCNetV4Backbone:
    """Family: image model.

    Auto classes:
    - AutoBackbone
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
