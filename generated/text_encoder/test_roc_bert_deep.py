# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate roc_bert`.
"""roc_bert: deep tests of its architectures.

RoCBertModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="roc_bert", tier="deep")


@pytest.mark.hfci(
    architecture="RoCBertModel",
    family="text_encoder",
)
class TestRoCBertModel:
    """Family: text encoder.

    Auto classes:
    - AutoModel
    - AutoModelForTextEncoding
    """

    @pytest.mark.parametrize(
        "check",
        [
            "every_parameter_matters",
            "splits_over_devices",
            "every_input_matters",
            "configuration_changes_do_as_recorded",
            "compiled_equals_eager[backend=aot_eager]",
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="RoCBertForPreTraining",
    family="text_encoder",
)
class TestRoCBertForPreTraining:
    """Family: text encoder.

    Auto classes:
    - AutoModelForPreTraining
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


@pytest.mark.hfci(
    architecture="RoCBertForCausalLM",
    family="text_encoder",
)
class TestRoCBertForCausalLM:
    """Family: text encoder.

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
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="RoCBertForMaskedLM",
    family="text_encoder",
)
class TestRoCBertForMaskedLM:
    """Family: text encoder.

    Auto classes:
    - AutoModelForMaskedLM
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


@pytest.mark.hfci(
    architecture="RoCBertForSequenceClassification",
    family="text_encoder",
)
class TestRoCBertForSequenceClassification:
    """Family: text encoder.

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
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="RoCBertForQuestionAnswering",
    family="text_encoder",
)
class TestRoCBertForQuestionAnswering:
    """Family: text encoder.

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
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="RoCBertForTokenClassification",
    family="text_encoder",
)
class TestRoCBertForTokenClassification:
    """Family: text encoder.

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
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="RoCBertForMultipleChoice",
    family="text_encoder",
)
class TestRoCBertForMultipleChoice:
    """Family: text encoder.

    Auto classes:
    - AutoModelForMultipleChoice
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
