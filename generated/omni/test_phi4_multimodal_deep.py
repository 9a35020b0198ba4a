# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate phi4_multimodal`.
"""phi4_multimodal: deep tests of its architectures.

Phi4MultimodalModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="phi4_multimodal", tier="deep")


@pytest.mark.hfci(
    architecture="Phi4MultimodalModel",
    family="omni",
)
class TestPhi4MultimodalModel:
    """Family: model of text, images and audio.

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
            "compiled_equals_eager[backend=inductor]",
            "compiles_fullgraph",
            "exported_equals_eager[backend=dynamo]",
            "tensor_parallel_equals_single",
            "quantised_load_stays_close",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Phi4MultimodalForCausalLM",
    family="omni",
)
class TestPhi4MultimodalForCausalLM:
    """Family: model of text, images and audio.

    Auto classes:
    - AutoModelForCausalLM
    - AutoModelForMultimodalLM
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
