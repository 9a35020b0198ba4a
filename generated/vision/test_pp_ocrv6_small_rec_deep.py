# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate pp_ocrv6_small_rec`.
"""pp_ocrv6_small_rec: deep tests of its architectures.

PPOCRV6SmallRecModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="pp_ocrv6_small_rec", tier="deep")


@pytest.mark.hfci(
    architecture="PPOCRV6SmallRecModel",
    family="vision",
)
class TestPPOCRV6SmallRecModel:
    """Family: image model.

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
    architecture="PPOCRV6SmallRecForTextRecognition",
    family="vision",
)
class TestPPOCRV6SmallRecForTextRecognition:
    """Family: image model.

    Auto classes:
    - AutoModelForTextRecognition
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


@pytest.mark.hfci(
    architecture="PPOCRV6SmallRecEncoderWithSVTR",
    family="vision",
)
class TestPPOCRV6SmallRecEncoderWithSVTR:
    """Family: image model."""

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
