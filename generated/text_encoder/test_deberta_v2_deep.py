# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate deberta-v2`.
"""deberta-v2: deep tests of its architectures.

DebertaV2Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="deberta-v2", tier="deep")


@pytest.mark.hfci(
    architecture="DebertaV2Model",
    family="text_encoder",
)
class TestDebertaV2Model:
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
    architecture="DebertaV2ForMaskedLM",
    family="text_encoder",
)
class TestDebertaV2ForMaskedLM:
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
    architecture="DebertaV2ForSequenceClassification",
    family="text_encoder",
)
class TestDebertaV2ForSequenceClassification:
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
    architecture="DebertaV2ForQuestionAnswering",
    family="text_encoder",
)
class TestDebertaV2ForQuestionAnswering:
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
    architecture="DebertaV2ForTokenClassification",
    family="text_encoder",
)
class TestDebertaV2ForTokenClassification:
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
    architecture="DebertaV2ForMultipleChoice",
    family="text_encoder",
)
class TestDebertaV2ForMultipleChoice:
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
