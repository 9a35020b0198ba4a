# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate bert`.
"""bert: deep tests of its architectures.

BertModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="bert", tier="deep")


@pytest.mark.hfci(
    architecture="BertModel",
    family="text_encoder",
)
class TestBertModel:
    """Family: text encoder.

    Auto classes:
    - AutoModel
    - AutoModelForTextEncoding
    """

    @pytest.mark.parametrize(
        "check",
        [
            "configuration_changes_do_as_recorded",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
