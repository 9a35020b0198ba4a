"""Do the shortest inputs run?"""

from __future__ import annotations

import torch
from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import reason
from hfci.checks.floor import different
from hfci.checks.running import outputs_of, reference
from hfci.checks.sequences import one_token, other_tokens, texts_of
from hfci.checks.tensors import floating
from hfci.errors import StageError
from hfci.tiny import TinyModel

__all__ = ["length_one_and_batch_one_run"]

CHECK = "length_one_and_batch_one_run"


def length_one_and_batch_one_run(tiny: TinyModel) -> None:
    """Assert that texts of one token, in two rows and in one, give one place of numbers each, and the right ones.

    What a longer text gives for its first token, whatever stands behind, is what that token gives alone.

    Raises `NotApplicable` where none of its inputs is a text of several tokens in each row, and where an exception
    says that it refuses one token, and indeed it does.
    """
    texts = texts_of(tiny)
    if not texts:
        raise NotApplicable("its inputs are no texts of tokens, one in each row")
    refuses = reason(tiny, CHECK, "refuses")
    try:
        problems = [f"{name}, {problem}" for name in texts for problem in _problems(tiny, name)]
    except StageError as error:
        if refuses is None or not isinstance(error.__cause__, ValueError):
            raise
        raise NotApplicable(refuses) from None
    if refuses is not None:
        raise AssertionError(f"an exception says that it refuses one token ({refuses}), and it does not")
    if problems:
        raise AssertionError(f"given one token: {'; '.join(problems)}")


def _problems(tiny: TinyModel, name: str) -> list[str]:
    """Return what is wrong where the text in the argument `name` is one token long."""
    inputs = tiny.inputs()
    tokens = inputs[name]
    shape = tokens.shape
    first = torch.zeros_like(tokens, dtype=torch.bool)
    first[..., 0] = True
    whole = {
        field: tensor for field, tensor in floating(reference(tiny)).items() if tensor.shape[: len(shape)] == shape
    }
    others = outputs_of(tiny, inputs | {name: torch.where(first, tokens, other_tokens(tiny, tokens))})
    problems = []
    for rows in (2, 1):
        cut = one_token(tiny.inputs(range(rows)), name)
        outputs, size = outputs_of(tiny, dict(cut)), cut[name].shape
        wrong = [f"{field} is not a number" for field, tensor in floating(outputs).items() if tensor.isnan().any()]
        for field, tensor in whole.items():
            if field not in outputs or outputs[field].shape != size + tensor.shape[len(size) :]:
                wrong.append(f"{field} has another shape than {tuple(size + tensor.shape[len(size) :])}")
                continue
            if different(tiny, {field: _begun(tensor, others[field])}, {field: tensor}):
                continue  # it depends on what is behind
            wrong += different(tiny, {field: _begun(tensor, outputs[field])}, {field: tensor})
        problems += [f"{rows} row{'s' * (rows > 1)}: {problem}" for problem in wrong]
    return problems


def _begun(tensor: Tensor, other: Tensor) -> Tensor:
    """Return an output for texts with the first place of another for the first of them, one token long or longer."""
    begun = tensor.clone()
    begun[: len(other), :1] = other[:, :1]
    return begun
