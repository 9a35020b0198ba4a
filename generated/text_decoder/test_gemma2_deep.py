# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate gemma2`.
"""gemma2: deep tests of its architectures.

Gemma2Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="gemma2", tier="deep")


@pytest.mark.hfci(
    architecture="Gemma2Model",
    family="text_decoder",
)
class TestGemma2Model:
    """Family: text decoder.

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
