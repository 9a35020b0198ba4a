# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate dots3_note`.
"""dots3_note: deep tests of its architectures.

Dots3NoteModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="dots3_note", tier="deep")


@pytest.mark.hfci(
    architecture="Dots3NoteModel",
    family="omni",
)
class TestDots3NoteModel:
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
            "compiles_fullgraph",
            "exported_equals_eager[backend=dynamo]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Dots3NoteForCausalLM",
    family="text_decoder",
)
class TestDots3NoteForCausalLM:
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
    architecture="Dots3NoteForConditionalGeneration",
    family="omni",
)
class TestDots3NoteForConditionalGeneration:
    """Family: model of text, images and audio.

    Auto classes:
    - AutoModelForImageTextToText
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
