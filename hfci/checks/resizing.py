"""Does a model with a larger or smaller vocabulary compute what it did before?"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hfci.catalog import registries
from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import reason
from hfci.checks.floor import different
from hfci.checks.running import copied, outputs_of, run, seeded
from hfci.checks.tensors import floating, same_bits

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["resize_embeddings_keeps_rows"]

CHECK = "resize_embeddings_keeps_rows"

_MORE = 3
# The heads whose labels are token ids.
_LANGUAGE = {"FOR_CAUSAL_LM", "FOR_MASKED_LM", "FOR_SEQ_TO_SEQ_CAUSAL_LM"}


def resize_embeddings_keeps_rows(tiny: TinyModel) -> None:
    """Assert that a few tokens more leave the rows of the old ones, and what the model gives for them, as they were.

    The configuration, and the head if there is one, say the new size; the tie of the two is kept; labels are taken as
    before. Resized back, the model is the one that it was.

    Raises `NotApplicable` with its reason where an exception says that the class refuses, and indeed it does.
    """
    model = copied(tiny).model
    refuses = reason(tiny, CHECK, "refuses")
    inputs = tiny.inputs()  # of the old tokens: what the larger model would be fed may hold the new ones
    try:
        rows = model.get_input_embeddings().weight.detach().clone()
        size = len(rows) + _MORE
        with seeded(tiny):  # the new rows are drawn
            model.resize_token_embeddings(size)
    except NotImplementedError:
        if refuses is None:
            raise
        raise NotApplicable(refuses) from None
    if refuses is not None:
        raise AssertionError(f"an exception says that it refuses other tokens ({refuses}), and it does not")
    before = floating(outputs_of(tiny, copy.deepcopy(inputs)))
    _assert_resized(tiny, model, size, rows)
    _assert_same(tiny, model, inputs, before, len(rows), size)
    _assert_takes_labels(tiny, model, inputs, size)
    model.resize_token_embeddings(len(rows), mean_resizing=False)
    _assert_resized(tiny, model, len(rows), rows)
    _assert_same(tiny, model, inputs, before, len(rows), len(rows))


def _head(model: Any) -> Tensor | None:
    return getattr(model.get_output_embeddings(), "weight", None)


def _is_tied(model: Any) -> bool:
    head = _head(model)
    return head is not None and head.data_ptr() == model.get_input_embeddings().weight.data_ptr()


def _assert_resized(tiny: TinyModel, model: Any, size: int, rows: Tensor) -> None:
    weight, head = model.get_input_embeddings().weight, _head(model)
    if weight.shape[0] != size:
        raise AssertionError(f"resized to {size} tokens, the embedding has {weight.shape[0]} rows")
    if not same_bits(weight[: len(rows)], rows):
        raise AssertionError(f"resized to {size} tokens, the embedding's old rows are others")
    declared = getattr(model.config.get_text_config(), "vocab_size", size)
    if declared != size:
        raise AssertionError(f"resized to {size} tokens, the configuration says {declared}")
    if head is not None and head.shape[0] != size:
        raise AssertionError(f"resized to {size} tokens, the head gives scores for {head.shape[0]}")
    if _is_tied(tiny.model) and not _is_tied(model):
        raise AssertionError(f"resized to {size} tokens, the head is no longer tied to the embedding")


def _assert_same(tiny: TinyModel, model: Any, inputs: Any, before: dict[str, Tensor], old: int, size: int) -> None:
    after = floating(outputs_of(replace(tiny, model=model), copy.deepcopy(inputs)))
    if strays := before.keys() ^ after.keys():
        raise AssertionError(f"resized to {size} tokens it returns other fields: {', '.join(sorted(strays))}")
    for name, tensor in before.items():
        for dim in range(min(tensor.dim(), after[name].dim())):
            if (tensor.shape[dim], after[name].shape[dim]) == (old, size):
                after[name] = after[name].narrow(dim, 0, old)
        if after[name].shape != tensor.shape:
            shapes = f"{tuple(tensor.shape)}, and {tuple(after[name].shape)} with {size} tokens"
            raise AssertionError(f"{name} was {shapes}")
    if problems := different(tiny, before, after):
        raise AssertionError(f"resized to {size} tokens it gives other outputs: {'; '.join(problems)}")


def _assert_takes_labels(tiny: TinyModel, model: Any, inputs: Any, size: int) -> None:
    """Assert that a head whose labels are token ids has a loss for those that it is fed; of a pair, its decoder."""
    tokens = inputs.get("decoder_input_ids", inputs.get("input_ids"))
    if tokens is not None and not _LANGUAGE.isdisjoint(registries.tables_of_class(tiny.architecture)):
        loss = run(replace(tiny, model=model), copy.deepcopy(inputs), labels=tokens.clone()).loss
        if not bool(torch.isfinite(loss).all()):
            raise AssertionError(f"resized to {size} tokens, the loss is {loss}")
