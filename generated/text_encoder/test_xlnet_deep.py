# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate xlnet`.
"""xlnet: deep tests of its architectures.

XLNetModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="xlnet", tier="deep")


@pytest.mark.hfci(
    architecture="XLNetModel",
    family="text_encoder",
)
class TestXLNetModel:
    """Family: text encoder.

    Auto classes:
    - AutoModel
    """

    @pytest.mark.parametrize(
        "check",
        [
            "configuration_changes_do_as_recorded",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
