# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate megatron-bert`.
"""megatron-bert: deep tests of its architectures.

MegatronBertModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="megatron-bert", tier="deep")


@pytest.mark.hfci(
    architecture="MegatronBertModel",
    family="text_encoder",
)
class TestMegatronBertModel:
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
