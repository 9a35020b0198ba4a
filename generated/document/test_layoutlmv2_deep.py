# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate layoutlmv2`.
"""layoutlmv2: deep tests of its architectures.

LayoutLMv2Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="layoutlmv2", tier="deep")


@pytest.mark.hfci(
    architecture="LayoutLMv2Model",
    family="document",
    requires=("detectron2",),
)
class TestLayoutLMv2Model:
    """Family: document model: text with its place on the page.

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
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="LayoutLMv2ForSequenceClassification",
    family="document",
    requires=("detectron2",),
)
class TestLayoutLMv2ForSequenceClassification:
    """Family: document model: text with its place on the page.

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
    architecture="LayoutLMv2ForQuestionAnswering",
    family="document",
    requires=("detectron2",),
)
class TestLayoutLMv2ForQuestionAnswering:
    """Family: document model: text with its place on the page.

    Auto classes:
    - AutoModelForQuestionAnswering
    - AutoModelForDocumentQuestionAnswering
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
    architecture="LayoutLMv2ForTokenClassification",
    family="document",
    requires=("detectron2",),
)
class TestLayoutLMv2ForTokenClassification:
    """Family: document model: text with its place on the page.

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
