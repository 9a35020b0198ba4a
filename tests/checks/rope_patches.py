"""What is done to models to break how they turn queries and keys."""

from __future__ import annotations

from typing import Any

import torch

__all__ = [
    "a_rope_that_stays_long",
    "always_half_of_a_head_turned",
    "crosses_with_one_token",
    "the_default_rope_whatever_is_asked",
    "turned_by_other_lengths",
]


def _rope(model: Any) -> Any:
    return next(module for name, module in model.named_modules() if name.endswith("rotary_emb"))


def the_default_rope_whatever_is_asked(model: Any) -> None:
    rope = _rope(model)
    angles = {name: torch.arange(1.0, 1 + len(buffer)) / 8 for name, buffer in rope.named_buffers()}

    def hook(module: Any, *_: Any) -> None:
        for name, value in angles.items():
            setattr(module, name, value.to(getattr(module, name).device))

    rope.register_forward_pre_hook(hook)


def a_rope_that_stays_long(model: Any) -> None:
    """Have the longest text that was read decide the frequencies of all that follow."""
    rope = _rope(model)
    longest = [0]

    def hook(_: Any, given: Any, options: Any) -> Any:
        places = given[1] if len(given) > 1 else options["position_ids"]
        longest[0] = max(longest[0], int(places.max()))
        return (given[0], places + longest[0] - int(places.max()), *given[2:]), {
            name: value for name, value in options.items() if name != "position_ids"
        }

    rope.register_forward_pre_hook(hook, with_kwargs=True)


def always_half_of_a_head_turned(model: Any) -> None:
    """Have the default rope turn half of each head, whatever share the configuration says."""
    rope = _rope(model)
    if model.config.rope_parameters["rope_type"] == "default":
        share = model.config.rope_parameters["partial_rotary_factor"]
        count = round(len(rope.inv_freq) * 0.5 / share)
        rope.inv_freq = 0.1 ** torch.arange(count)


def crosses_with_one_token(model: Any) -> None:
    """Have generate leave the cache behind where the frequencies change, and go on with the last token alone."""
    prepare = model.prepare_inputs_for_generation

    def alone(input_ids: Any, **options: Any) -> Any:
        made = prepare(input_ids, **options)
        crossed = input_ids.shape[1] > model.config.original_max_position_embeddings
        if crossed and options.get("use_cache", True):
            made = {name: value for name, value in made.items() if name in ("input_ids", "use_cache")}
            made["input_ids"] = input_ids[:, -1:]
        return made

    model.prepare_inputs_for_generation = alone


def turned_by_other_lengths(model: Any) -> None:
    """Have the factor by which a rope makes attention sharper scale the cosines alone."""
    rope = _rope(model)

    def hook(module: Any, _: Any, given: Any) -> Any:
        cosine, sine = given
        return cosine / module.attention_scaling, sine

    rope.register_forward_hook(hook)
