# Rendered from templates/vision_language.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate instructblipvideo`.
"""instructblipvideo: smoke tests of InstructBlipVideoModel.

Family: language model that sees.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="instructblipvideo",
    architecture="InstructBlipVideoModel",
    family="vision_language",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import InstructBlipVideoModel

    assert type(tiny.model) is InstructBlipVideoModel
    assert tiny.config.model_type == tiny.model_type == "instructblipvideo"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    text = tiny.config.get_text_config(decoder=True)
    batch, length = inputs["input_ids"].shape
    language = outputs.language_model_outputs
    width = text.vocab_size if "logits" in language else text.hidden_size  # it may have a head
    assert language[0].shape == (batch, length, width)
    seen, asked = outputs.vision_outputs.last_hidden_state, outputs.qformer_outputs.last_hidden_state
    assert seen.shape[0] == asked.shape[0] == inputs["pixel_values"].shape[:-3].numel()  # images, or frames
    assert seen.shape[-1] == tiny.config.vision_config.hidden_size
    assert asked.shape[-1] == tiny.config.qformer_config.hidden_size
    checks.forward_is_finite(tiny)


@pytest.mark.parametrize(
    "check",
    [
        "forward_is_deterministic",
        "batch_is_independent",
        "save_load_roundtrip",
        "gradients_reach_every_parameter",
        "golden_output",
    ],
)
def test_invariant(tiny: TinyModel, check: str) -> None:
    checks.assert_holds(tiny, check)
