# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate nemotron_asr_streaming`.
"""nemotron_asr_streaming: deep tests of its architectures.

NemotronAsrStreamingForRNNT has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="nemotron_asr_streaming", tier="deep")


@pytest.mark.hfci(
    architecture="NemotronAsrStreamingForRNNT",
    family="speech_encoder_decoder",
)
class TestNemotronAsrStreamingForRNNT:
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
