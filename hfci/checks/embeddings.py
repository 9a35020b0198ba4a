"""Do embeddings given in place of tokens do what the tokens do?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from hfci.checks.applicability import NotApplicable
from hfci.checks.floor import different
from hfci.checks.running import outputs_of, reference
from hfci.errors import StageError

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["inputs_embeds_equal_input_ids"]


def inputs_embeds_equal_input_ids(tiny: TinyModel) -> None:
    """Assert that what its table of embeddings makes of the tokens, given in their place, gives what they give.

    Raises `NotApplicable` where its inputs are no tokens, it has several tables, or refuses embeddings and says so.
    """
    inputs = tiny.inputs()
    if "input_ids" not in inputs:
        raise NotApplicable("its inputs are no tokens")
    table = tiny.model.get_input_embeddings()
    if isinstance(table, nn.ModuleList):
        raise NotApplicable("it has a table of embeddings for each of several codebooks")
    with torch.no_grad():
        embedded = table(inputs.pop("input_ids"))
    # a quantised table gives beside them how they are scaled
    inputs["inputs_embeds"] = embedded[0] if isinstance(embedded, tuple) else embedded
    try:
        outputs = outputs_of(tiny, inputs)
    except StageError as error:
        if isinstance(error.__cause__, NotImplementedError):
            raise NotApplicable(f"it refuses embeddings in place of tokens: {error.__cause__}") from error
        raise
    if problems := different(tiny, outputs, reference(tiny)):
        raise AssertionError(f"embeddings in place of tokens give other outputs: {'; '.join(problems)}")
