# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate jina_embeddings_v3`.
"""jina_embeddings_v3: deep tests of its architectures.

JinaEmbeddingsV3Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="jina_embeddings_v3", tier="deep")


@pytest.mark.hfci(
    architecture="JinaEmbeddingsV3Model",
    family="text_encoder",
)
class TestJinaEmbeddingsV3Model:
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
