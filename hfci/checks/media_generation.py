"""Does generate show a model its media at every step, and none of an earlier text's?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import excused
from hfci.checks.floor import different
from hfci.checks.generation import generating, step_logits, write
from hfci.checks.media import differ, in_one_text, media_of
from hfci.checks.running import copied, outputs_of
from hfci.checks.sequences import is_text, ordinary_of, other_tokens
from hfci.errors import Broken, StageError
from hfci.tiny import TinyModel

__all__ = ["generate_with_media_equals_forward", "several_media_stay_in_order"]

# What is read at once, from the cache, and from a cache that was read before.
_STEPS = 3
_BEAMS = 2
# How generate says that media cannot be read in chunks.
_REFUSES = "cannot split the raw multimodal inputs"


def generate_with_media_equals_forward(tiny: TinyModel) -> None:
    """Assert that generate gives at each step what a forward gives of all that was written and of its media.

    What is written is told it, and the forward reads it all at once, without a cache. Given the same, other media
    change the logits of each step, of each text. And a text without media that the same model reads afterwards, as far
    as it reads such, is to it what it is to a new one.

    Raises `NotApplicable` where no media are shown, or an exception says that it generates in a way of its own.
    """
    tiny = generating(tiny)
    inputs = tiny.inputs()
    media = media_of(inputs)
    if not media:
        raise NotApplicable("its inputs hold no image, sound or video")
    used = copied(tiny)
    generated = write(used, inputs, on_copy=False, max_new_tokens=_STEPS)
    steps = torch.stack(generated.logits, 1)
    problems = [f"its steps give other {problem}" for problem in _differences(tiny, inputs, generated)]
    for modality, names in media.items() if excused(tiny, "cross_modal_inputs_matter") is None else ():
        others = inputs | {name: tiny.inputs((1, 0))[name] for name in names}
        after = torch.stack(write(used, others, on_copy=False, max_new_tokens=_STEPS).logits, 1)
        problems += [
            f"another {modality} changes nothing at step {step} of row {row}"
            for row, step in torch.cartesian_prod(*map(torch.arange, steps.shape[:2])).tolist()
            if not differ(tiny, "logits", after[row, step], steps[row, step])
        ]
    problems += [f"after media, a text without gives other {problem}" for problem in _alone(tiny, used, inputs)]
    if problems:
        raise AssertionError("; ".join(problems))


def several_media_stay_in_order(tiny: TinyModel) -> None:
    """Assert that of two texts in one, each with its media, generate gives for beams, and in chunks, what it gives.

    Each beam is to be shown all media of its text, in their order. The second text is read behind the first, from the
    cache, with its own media and with what is said of its own tokens; `Broken` names which of both goes wrong.

    Raises `NotApplicable` where there are no two in one text, or an exception says that it generates in a way of its
    own.
    """
    tiny = generating(tiny)
    if (inputs := in_one_text(tiny)) is None:
        raise NotApplicable("there are no two media in one of its texts")
    whole = step_logits(tiny, inputs, max_new_tokens=_STEPS)
    first = {name: logits.repeat_interleave(_BEAMS, 0) for name, logits in list(whole.items())[:1]}
    problems = {}
    for way, wanted, options in (
        ("beams", first, {"max_new_tokens": 1, "num_beams": _BEAMS}),
        ("chunks", whole, {"max_new_tokens": _STEPS, "prefill_chunk_size": inputs["input_ids"].shape[1] // 2}),
    ):
        try:
            problems[way] = "; ".join(different(tiny, step_logits(tiny, inputs, **options), wanted))
        except StageError as error:
            if _REFUSES not in str(error.__cause__):
                raise
    if wrong := {way: problem for way, problem in problems.items() if problem}:
        said = "; ".join(f"in {way}: {problem}" for way, problem in wrong.items())
        raise Broken(f"of two texts in one, each with media, generate gives others {said}", wrong)


def _differences(tiny: TinyModel, inputs: Mapping[str, Any], generated: Any) -> list[str]:
    """Return how the logits of generate's steps differ from those of a forward of all that was `generated`."""
    steps = torch.stack(generated.logits, 1)
    whole = outputs_of(tiny, _grown(tiny, inputs, generated.sequences, steps.shape[1]))
    return different(tiny, {"logits": steps}, {"logits": whole["logits"][:, -steps.shape[1] :]})


def _grown(tiny: TinyModel, inputs: Mapping[str, Any], written: Tensor, count: int) -> dict[str, Any]:
    """Return inputs with the text that `count` tokens were written to, but for the last of those."""
    if getattr(tiny.config, "is_encoder_decoder", False):
        rest = {name: value for name, value in inputs.items() if not name.startswith("decoder_")}
        return rest | {"decoder_input_ids": written[:, :-1]}
    shape = inputs["input_ids"].shape
    grown = dict(inputs)
    for name, value in inputs.items():
        if isinstance(value, Tensor) and value.shape[:2] == shape:  # of what is written is said what is of the last
            grown[name] = torch.cat([value, value[:, -1:].repeat_interleave(count - 1, 1)], 1)
    return grown | {"input_ids": torch.cat([inputs["input_ids"], written[:, -count:-1]], 1)}


def _alone(tiny: TinyModel, used: TinyModel, inputs: Mapping[str, Any]) -> list[str]:
    """Return how the steps of a text without media differ, written by a model that was used with some."""
    tokens = inputs.get("input_ids")
    if tokens is None or not is_text(tiny, tokens):
        return []
    text = {"input_ids": torch.where(torch.isin(tokens, ordinary_of(tiny)), tokens, other_tokens(tiny, tokens))}
    try:
        outputs_of(tiny, dict(text))
    except StageError:
        return []  # it wants media
    return _differences(tiny, text, write(used, text, on_copy=False, max_new_tokens=_STEPS))
