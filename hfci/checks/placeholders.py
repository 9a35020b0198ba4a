"""Is a text refused that has another number of placeholders than there are features to stand in their place?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.checks.media import media_of
from hfci.checks.running import reference, run
from hfci.checks.sequences import is_text, ordinary_of
from hfci.errors import StageError
from hfci.tiny import TinyModel
from hfci.tiny.inputs.text import placeholders

__all__ = ["wrong_placeholder_count_is_refused"]


def wrong_placeholder_count_is_refused(tiny: TinyModel) -> None:
    """Assert that a placeholder too few or too many is refused with an error that names both numbers.

    How many placeholders there are and how many features, in the whole batch; of images, videos and sounds each.

    Raises `NotApplicable` where no media have places in its texts.
    """
    inputs = tiny.inputs()
    tokens = inputs.get("input_ids")
    if tokens is None or not is_text(tiny, tokens):
        raise NotApplicable("its inputs are no texts of tokens")
    shown = media_of(inputs)
    kinds = [(modality, token) for modality, token in placeholders(tiny.config).items() if modality in shown]
    counts = {modality: int((tokens == token).sum()) for modality, token in kinds}
    if not any(counts.values()):
        raise NotApplicable("no image, sound or video has places in its text")
    reference(tiny)  # what refuses the right number too says nothing of a wrong one
    problems = []
    for modality, token in kinds:
        if count := counts[modality]:
            last = int((tokens[-1] == token).nonzero()[-1])
            text = torch.isin(tokens[-1], ordinary_of(tiny)).nonzero()
            behind = int(text[text > last][0])
            for number, source, target in ((count - 1, behind, last), (count + 1, last, behind)):
                if (message := _said_of(tiny, _repeated(inputs, source, target))) is None:
                    problems.append(f"{number} {modality} tokens for {count} features are accepted")
                elif not {str(number), str(count)} <= set(re.findall(r"\d+", message)):
                    problems.append(f"{number} {modality} tokens for {count} features are refused with: {message}")
    if problems:
        raise AssertionError("; ".join(problems))


def _repeated(inputs: Mapping[str, Any], source: int, target: int) -> dict[str, Any]:
    """Return inputs with the token of one place of the last text, and what is said of it, at another too."""
    repeated = dict(inputs)
    for name, value in inputs.items():
        said_of_each = isinstance(value, Tensor) and value.shape[:2] == inputs["input_ids"].shape
        if said_of_each and not name.startswith("decoder_"):
            repeated[name] = value.clone()
            repeated[name][-1, target] = value[-1, source]
    return repeated


def _said_of(tiny: TinyModel, inputs: Mapping[str, Any]) -> str | None:
    """Return the error that refuses inputs; None where none does."""
    try:
        run(tiny, inputs)
    except StageError as error:
        return f"{type(error.__cause__).__name__}: {error.__cause__}"
    return None
