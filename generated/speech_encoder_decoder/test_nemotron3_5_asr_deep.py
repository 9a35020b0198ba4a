# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate nemotron3_5_asr`.
"""nemotron3_5_asr: deep tests of its architectures.

Nemotron3_5AsrForRNNT has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="nemotron3_5_asr", tier="deep")


@pytest.mark.hfci(
    architecture="Nemotron3_5AsrForRNNT",
    family="speech_encoder_decoder",
)
class TestNemotron3_5AsrForRNNT:
    """Family: speech encoder-decoder.

    Auto classes:
    - AutoModel
    - AutoModelForRNNT
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
