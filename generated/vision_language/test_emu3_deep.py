# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate emu3`.
"""emu3: deep tests of its architectures.

Emu3Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="emu3", tier="deep")


@pytest.mark.hfci(
    architecture="Emu3Model",
    family="vision_language",
)
class TestEmu3Model:
    """Family: language model that sees.

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
