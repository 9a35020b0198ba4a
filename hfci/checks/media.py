"""Do images, sounds and videos matter to what is made of a text, each where it stands?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from hfci.catalog.facts import MEDIA, modality_of_parameter
from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import reason
from hfci.checks.floor import different
from hfci.checks.goldens import CAP
from hfci.checks.running import outputs_of
from hfci.checks.sequences import is_text, ordinary_of, other_tokens
from hfci.checks.tensors import floating, relative_difference
from hfci.tiny import TinyModel
from hfci.tiny.inputs.text import placeholders

__all__ = ["cross_modal_inputs_matter", "differ", "in_one_text", "media_of"]

CHECK = "cross_modal_inputs_matter"

# What a model says of a text above all: where it gives one of these, no other field can answer for it.
_SAID = frozenset({"logits", "last_hidden_state"})


def cross_modal_inputs_matter(tiny: TinyModel) -> None:
    """Assert that other images, sounds or videos change what is made of their text, and of no other text.

    Of two texts, each with media of its own, which are exchanged. What has a place for each token is compared where
    text stands, since features that stand in a text are no answer; beside it counts whatever other tokens change, such
    as how alike a text and an image are. Where media have places in the text, both texts are put into one as well, and
    each half must have the media that stand in it.

    Raises `NotApplicable` where its inputs are no texts with media.
    """
    inputs = tiny.inputs()
    media = media_of(inputs)
    tokens = inputs.get("input_ids")
    if tokens is None or tokens.ndim != 2 or not is_text(tiny, tokens) or not media:
        raise NotApplicable("its inputs are no texts of tokens, one in each row, with media")
    problems = _problems(tiny, inputs, media)
    if (joined := in_one_text(tiny)) is not None:
        problems += [f"two in one text, {problem}" for problem in _problems(tiny, joined, media)]
    if problems:
        raise AssertionError("; ".join(problems))


def media_of(inputs: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return modality → the arguments among inputs that hold it: an image may be given in two forms."""
    by_modality: dict[str, list[str]] = {}
    for name in inputs:
        if (modality := modality_of_parameter().get(name)) in MEDIA:
            by_modality.setdefault(str(modality), []).append(name)
    return by_modality


def in_one_text(tiny: TinyModel) -> dict[str, Any] | None:
    """Return inputs with the second row's text, media and what is said of its tokens behind the first's, in one row.

    None where media have no places in a text, or an exception says that there are no two in one.
    """
    joined = tiny.inputs()
    tokens = joined.get("input_ids")
    marks = torch.tensor(list(placeholders(tiny.config).values()), device=tiny.device)
    if tokens is None or not torch.isin(tokens, marks).any() or reason(tiny, CHECK, "one_text") is not None:
        return None
    for name, value in joined.items():
        if isinstance(value, Tensor) and name.startswith("decoder_"):
            joined[name] = value[:1]
        elif isinstance(value, Tensor) and value.shape[:2] == tokens.shape:
            joined[name] = value.flatten(0, 1)[None]
    return joined


def _problems(tiny: TinyModel, inputs: Mapping[str, Any], media: Mapping[str, list[str]]) -> list[str]:
    """Return which media do not matter, or matter to another text; `inputs` hold two texts, in two rows or in one."""
    texts = {name: inputs[name] for name in ("decoder_input_ids", "input_ids") if is_text(tiny, inputs.get(name))}
    written = {name: torch.isin(tokens, ordinary_of(tiny)) for name, tokens in texts.items()}
    rows, length = inputs["input_ids"].shape

    def half(tensor: Tensor, number: int) -> Tensor:
        """Return what of a field is of the first text or of the second; all of it if it is of both."""
        if rows == 2:
            return tensor[number] if len(tensor) == 2 else tensor
        return tensor.chunk(2, 1)[number] if tensor.shape[:2] == (rows, length) else tensor

    def said(**given: Tensor) -> dict[str, Tensor]:
        """Return what is made of the texts if something else is given."""
        return _said(outputs_of(tiny, {**inputs, **given}), list(written.values()))

    def changed(number: int, after: Mapping[str, Tensor]) -> set[str]:
        """Return the fields that say something else of a text than `before`."""
        return {
            field for field in before if differ(tiny, field, half(after[field], number), half(before[field], number))
        }

    def other(number: int) -> dict[str, Tensor]:
        """Return other tokens in the place of those of one of the texts."""
        replaced = {}
        for name, tokens in texts.items():
            there = torch.zeros_like(written[name])
            half(there, number).fill_(True)
            replaced[name] = torch.where(there & written[name], other_tokens(tiny, tokens), tokens)
        return replaced

    before = said()
    telling = changed(0, said(**other(0)))
    telling = telling & _SAID or telling
    if not telling:
        return ["other tokens change nothing that it gives"]
    of_tokens = {
        field for field in telling if any(before[field].shape[:2] == tokens.shape for tokens in texts.values())
    }
    apart = of_tokens - changed(0, said(**other(1)))  # what stands behind is not seen
    problems = []
    for modality, names in media.items():
        second, swapped = ({name: tiny.inputs(indices)[name] for name in names} for indices in ((0, 2), (1, 0)))
        with_second = said(**second)
        if not telling & changed(1, with_second) or not telling & changed(0, said(**swapped)):
            problems.append(f"another {modality} changes nothing that is made of its text")
        if seen := apart & changed(0, with_second):
            problems.append(
                f"the {modality} of the second text changes what is made of the first: {', '.join(sorted(seen))}"
            )
    return problems


def _said(outputs: Mapping[str, Tensor], written: Sequence[Tensor]) -> dict[str, Tensor]:
    """Return what is made of texts: of fields with a place for each token those where text is `written`, else 0.

    And fields that have no dimension as long as a text, which a cache of its places has.
    """
    fields = {}
    for name, tensor in floating(outputs).items():
        here = next((places for places in written if tensor.shape[:2] == places.shape), None)
        if here is not None:
            fields[name] = tensor.masked_fill(~here.reshape(*here.shape, *[1] * (tensor.ndim - 2)), 0)
        elif tensor.ndim and not any(places.shape[1] in tensor.shape for places in written):
            fields[name] = tensor
    return fields


def differ(tiny: TinyModel, field: str, left: Tensor, right: Tensor) -> bool:
    """Tell whether a field has other numbers; float error is measured only where it could be what they differ by."""
    if left.shape == right.shape and relative_difference(left, right) > CAP:
        return True
    return bool(different(tiny, {field: left}, {field: right}))
