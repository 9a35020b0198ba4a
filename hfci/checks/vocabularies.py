"""Does every token of a vocabulary run?"""

from __future__ import annotations

import torch

from hfci.checks.applicability import NotApplicable
from hfci.checks.running import outputs_of
from hfci.checks.sequences import texts_of
from hfci.checks.tensors import floating
from hfci.tiny import TinyModel

__all__ = ["every_token_id_runs"]


def every_token_id_runs(tiny: TinyModel) -> None:
    """Assert that each token of the vocabulary, up to the last, runs in some row and gives numbers.

    Raises `NotApplicable` where its inputs are no texts, or its configuration does not say how many tokens there are.
    """
    size = getattr(tiny.config.get_text_config(), "vocab_size", None)
    texts = texts_of(tiny)
    if not texts or not isinstance(size, int):
        raise NotApplicable("its inputs are no texts of tokens out of a vocabulary of known size")
    problems = []
    for name in texts:
        shape = tiny.inputs((0,))[name].shape
        each = shape.numel()
        rows = -(-size // each)
        tokens = torch.arange(rows * each, device=tiny.device).clamp(max=size - 1).reshape(rows * shape[0], *shape[1:])
        outputs = outputs_of(tiny, tiny.inputs(range(rows)) | {name: tokens})
        problems += [f"{name}: {field} is not a number" for field, t in floating(outputs).items() if t.isnan().any()]
    if problems:
        raise AssertionError("; ".join(problems))
