# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate qwen2`.
"""qwen2: deep tests of its architectures.

Qwen2Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="qwen2", tier="deep")


@pytest.mark.hfci(
    architecture="Qwen2Model",
    family="text_decoder",
)
class TestQwen2Model:
    """Family: text decoder.

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
            "compiles_fullgraph",
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Qwen2ForCausalLM",
    family="text_decoder",
)
class TestQwen2ForCausalLM:
    """Family: text decoder.

    Auto classes:
    - AutoModelForCausalLM
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


@pytest.mark.hfci(
    architecture="Qwen2ForSequenceClassification",
    family="text_decoder",
)
class TestQwen2ForSequenceClassification:
    """Family: text decoder.

    Auto classes:
    - AutoModelForSequenceClassification
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


@pytest.mark.hfci(
    architecture="Qwen2ForQuestionAnswering",
    family="text_decoder",
)
class TestQwen2ForQuestionAnswering:
    """Family: text decoder.

    Auto classes:
    - AutoModelForQuestionAnswering
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


@pytest.mark.hfci(
    architecture="Qwen2ForTokenClassification",
    family="text_decoder",
)
class TestQwen2ForTokenClassification:
    """Family: text decoder.

    Auto classes:
    - AutoModelForTokenClassification
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


@pytest.mark.hfci(
    architecture="JevForDecision",
    family="text_encoder",
)
class TestJevForDecision:
    """Family: text encoder.

    Auto classes:
    - AutoModelForDecision
    """

    @pytest.mark.parametrize(
        "check",
        [
            "every_parameter_matters",
            "splits_over_devices",
            "every_input_matters",
            "compiled_equals_eager[backend=aot_eager]",
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
