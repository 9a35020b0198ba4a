"""Do embeddings given in place of tokens do what the tokens do?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hfci.checks.applicability import NotApplicable
from hfci.checks.encoder_decoders import handed_over
from hfci.checks.exceptions import excused
from hfci.checks.floor import different
from hfci.checks.generation import generating, step_logits
from hfci.checks.running import outputs_of, reference
from hfci.checks.sequences import is_text
from hfci.errors import StageError

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["generation_from_embeddings_equals_tokens", "inputs_embeds_equal_input_ids"]

_STEPS = 3
_FAVOUR = 1.25
# How generate says that a class does not hand embeddings on.
_REFUSES = "You passed `inputs_embeds` to `.generate()`"


def inputs_embeds_equal_input_ids(tiny: TinyModel) -> None:
    """Assert that what its table of embeddings makes of the tokens, given in their place, gives what they give.

    Raises `NotApplicable` where its inputs are no tokens, it has several tables, or refuses embeddings and says so.
    """
    inputs = tiny.inputs()
    if "input_ids" not in inputs:
        raise NotApplicable("its inputs are no tokens")
    inputs["inputs_embeds"] = _embedded(tiny, inputs.pop("input_ids"))
    try:
        outputs = outputs_of(tiny, inputs)
    except StageError as error:
        if isinstance(error.__cause__, NotImplementedError):
            raise NotApplicable(f"it refuses embeddings in place of tokens: {error.__cause__}") from error
        raise
    if problems := different(tiny, outputs, reference(tiny)):
        raise AssertionError(f"embeddings in place of tokens give other outputs: {'; '.join(problems)}")


def generation_from_embeddings_equals_tokens(tiny: TinyModel) -> None:
    """Assert that generate gives, at every step, of a text given as embeddings what it gives of its tokens.

    And so of what its encoder gave for the text, where it has one. Asked to favour the tokens of the text, it must do
    without, since it is not told of them then.

    Raises `NotApplicable` where its inputs are no tokens, it refuses embeddings, or it generates in a way of its own.
    """
    tiny = generating(tiny)
    if (why := excused(tiny, "inputs_embeds_equal_input_ids")) is not None:
        raise NotApplicable(why)
    inputs = tiny.inputs()
    if not is_text(tiny, inputs.get("input_ids")):
        raise NotApplicable("its inputs are no texts of tokens")
    wanted = step_logits(tiny, inputs, max_new_tokens=_STEPS)
    ways = {"what its encoder gave": handed_over(tiny)} if getattr(tiny.config, "is_encoder_decoder", False) else {}
    inputs["inputs_embeds"] = _embedded(tiny, inputs.pop("input_ids"))
    ways["embeddings"] = inputs
    problems = []
    for way, given in ways.items():
        try:
            steps = step_logits(tiny, given, max_new_tokens=_STEPS, encoder_repetition_penalty=_FAVOUR)
        except StageError as error:
            if _REFUSES not in str(error.__cause__):
                raise
            raise NotApplicable(f"it refuses embeddings in place of tokens: {error.__cause__}") from error
        problems += [f"from {way}, {problem}" for problem in different(tiny, steps, wanted)]
    if problems:
        raise AssertionError(f"in place of tokens generate gives others: {'; '.join(problems)}")


def _embedded(tiny: TinyModel, tokens: Tensor) -> Tensor:
    """Return what the table makes of tokens; raises `NotApplicable` where there are several tables."""
    table = tiny.model.get_input_embeddings()
    if isinstance(table, nn.ModuleList):
        raise NotApplicable("it has a table of embeddings for each of several codebooks")
    with torch.no_grad():
        embedded = table(tokens)
    # a quantised table gives beside them how they are scaled
    embeddings: Tensor = embedded[0] if isinstance(embedded, tuple) else embedded
    return embeddings
