# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate llama4`.
"""llama4: deep tests of its architectures.

Llama4ForConditionalGeneration has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="llama4", tier="deep")


@pytest.mark.hfci(
    architecture="Llama4ForConditionalGeneration",
    family="vision_language",
)
class TestLlama4ForConditionalGeneration:
    """Family: language model that sees.

    Auto classes:
    - AutoModel
    - AutoModelForImageTextToText
    - AutoModelForMultimodalLM
    """

    @pytest.mark.parametrize(
        "check",
        [
            "configuration_changes_do_as_recorded",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
