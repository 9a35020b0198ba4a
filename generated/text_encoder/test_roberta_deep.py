# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate roberta`.
"""roberta: deep tests of its architectures.

RobertaModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="roberta", tier="deep")


@pytest.mark.hfci(
    architecture="RobertaModel",
    family="text_encoder",
)
class TestRobertaModel:
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
    architecture="RobertaForMaskedLM",
    family="text_encoder",
)
class TestRobertaForMaskedLM:
    """Family: text encoder.

    Auto classes:
    - AutoModelForPreTraining
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
    architecture="RobertaForCausalLM",
    family="text_encoder",
)
class TestRobertaForCausalLM:
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
    architecture="RobertaForSequenceClassification",
    family="text_encoder",
)
class TestRobertaForSequenceClassification:
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
    architecture="RobertaForQuestionAnswering",
    family="text_encoder",
)
class TestRobertaForQuestionAnswering:
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
    architecture="RobertaForTokenClassification",
    family="text_encoder",
)
class TestRobertaForTokenClassification:
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
    architecture="RobertaForMultipleChoice",
    family="text_encoder",
)
class TestRobertaForMultipleChoice:
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
