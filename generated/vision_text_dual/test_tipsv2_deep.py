# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate tipsv2`.
"""tipsv2: deep tests of its architectures.

Tipsv2Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="tipsv2", tier="deep")


@pytest.mark.hfci(
    architecture="Tipsv2Model",
    family="vision_text_dual",
)
class TestTipsv2Model:
    """Family: image and text encoder pair.

    Auto classes:
    - AutoModel
    - AutoModelForZeroShotImageClassification
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
    architecture="Tipsv2VisionBackbone",
    family="vision",
)
class TestTipsv2VisionBackbone:
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
            "compiled_equals_eager[backend=aot_eager]",
            "compiles_fullgraph",
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
