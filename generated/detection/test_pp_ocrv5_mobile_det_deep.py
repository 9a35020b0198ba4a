# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate pp_ocrv5_mobile_det`.
"""pp_ocrv5_mobile_det: deep tests of its architectures.

PPOCRV5MobileDetForObjectDetection has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="pp_ocrv5_mobile_det", tier="deep")


@pytest.mark.hfci(
    architecture="PPOCRV5MobileDetForObjectDetection",
    family="detection",
)
class TestPPOCRV5MobileDetForObjectDetection:
    """Family: object detector.

    Auto classes:
    - AutoModelForObjectDetection
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
    architecture="PPOCRV5MobileDetModel",
    family="detection",
)
class TestPPOCRV5MobileDetModel:
    """Family: object detector."""

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
