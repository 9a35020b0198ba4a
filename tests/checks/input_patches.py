"""Ways to break what a model makes of its inputs: which place sees which, and where each stands."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from hfci.tiny.inputs.text import placeholders

from .class_patches import as_subclass

__all__ = [
    "a_begun_place_is_uncounted",
    "a_feature_short",
    "a_hole_at_the_last_token",
    "a_place_too_few_is_masked",
    "a_place_too_many_for_one",
    "all_as_the_first",
    "blind_to_embeddings",
    "louder_for_one",
    "louder_given",
    "one_place_for_all",
    "places_louder_interpolated",
    "places_of_higher_images_unknown",
    "places_uncounted",
    "refused_without_numbers",
    "stopped_past_its_maximum",
    "stopped_past_its_maximum_without_a_number",
    "the_next_place",
    "the_place_before",
    "videos_louder_together",
    "videos_uncounted",
    "videos_unseen",
    "without_padding",
]


def the_next_place(given: Tensor) -> Tensor:
    return given + 0.1 * given.roll(-1, dims=1)


def the_place_before(given: Tensor) -> Tensor:
    return given + 0.1 * nn.functional.pad(given[:, :-1], (0, 0, 1, 0))


def louder_for_one(given: Tensor) -> Tensor:
    return given * 1.5 if given.shape[1] == 1 else given


def a_place_too_many_for_one(given: Tensor) -> Tensor:
    return torch.cat([given, given], 1) if given.shape[1] == 1 else given


def louder_given(argument: str) -> Callable[[nn.Module], None]:
    """Return a patch by which a model gives louder states where it is given this argument."""

    def patch(model: nn.Module) -> None:
        def hook(_: nn.Module, __: Any, options: Any, given: Any) -> None:
            if options.get(argument) is not None:
                given.last_hidden_state = 1.1 * given.last_hidden_state

        model.register_forward_hook(hook, with_kwargs=True)

    patch.__name__ = f"louder_given_{argument}"
    return patch


def one_place_for_all(embedding: nn.Module) -> None:
    """Have an embedding of places give for each what it gives for the first."""

    def hook(_: nn.Module, __: Any, given: Any) -> Any:
        parts = (given,) if isinstance(given, Tensor) else given
        first = tuple(part[:, :1].expand_as(part) for part in parts)
        return first[0] if isinstance(given, Tensor) else first

    embedding.register_forward_hook(hook)


def places_louder_interpolated(embeddings: Any) -> None:
    interpolated = embeddings.interpolate_pos_encoding
    embeddings.interpolate_pos_encoding = lambda *given: 1.1 * interpolated(*given)


def stopped_by_one_side(embeddings: Any) -> None:
    """Have an image of which one side alone is of another size stop a model by another error."""

    def hook(_: Any, given: Any, named: dict[str, Any]) -> None:
        height, width = given[0].shape[-2:]
        if height != width and not named.get("interpolate_pos_encoding"):
            raise RuntimeError("sizes of tensors must match")

    embeddings.register_forward_pre_hook(hook, with_kwargs=True)


def places_of_higher_images_unknown(embeddings: Any) -> None:
    interpolated = embeddings.interpolate_pos_encoding

    def interpolate(given: Tensor, height: int, width: int) -> Tensor:
        places: Tensor = interpolated(given, height, width)
        return places if height <= width else torch.full_like(places, torch.nan)

    embeddings.interpolate_pos_encoding = interpolate


def half_turned(embedding: nn.Module) -> None:
    """Have rotary places give half of each sine, with which nothing is turned, but stretched."""
    embedding.register_forward_hook(lambda _, __, given: (given[0], given[1] / 2))


def a_hole_at_the_last_token(table: nn.Module) -> None:
    """Have a table of embeddings give no number for the last of its tokens."""

    def hook(embedding: Any, tokens: tuple[Tensor], given: Tensor) -> Tensor:
        return given.masked_fill((tokens[0] == embedding.num_embeddings - 1)[..., None], float("nan"))

    table.register_forward_hook(hook)


def all_as_the_first(grid: str) -> Callable[[nn.Module], None]:
    """Return a patch by which all images are taken to have the shape of the first."""

    def hook(_: nn.Module, given: Any, options: dict[str, Any]) -> Any:
        return given, {**options, grid: options[grid][:1].expand_as(options[grid])}

    def patch(model: nn.Module) -> None:
        model.register_forward_pre_hook(hook, with_kwargs=True)

    patch.__name__ = f"all_as_the_first_{grid}"
    return patch


def a_feature_short(method: str) -> Callable[[nn.Module], None]:
    """Return a patch by which what a method makes of media lacks the last feature of each item, or of all."""

    def patch(model: Any) -> None:
        whole = getattr(model, method)

        @functools.wraps(whole)
        def shortened(*given: Any, **options: Any) -> Any:
            outputs = whole(*given, **options)
            features = outputs.pooler_output
            outputs.pooler_output = features[:-1] if isinstance(features, Tensor) else [item[:-1] for item in features]
            return outputs

        setattr(model, method, shortened)

    patch.__name__ = f"a_feature_short_of_{method}"
    return patch


def blind_to_embeddings(model: Any) -> None:
    """Have a model find no places of media in a text that is given as embeddings."""
    whole = model.get_placeholder_mask

    @functools.wraps(whole)
    def found(input_ids: Any, inputs_embeds: Tensor, **options: Any) -> Any:
        if input_ids is None:
            return torch.zeros_like(inputs_embeds, dtype=torch.bool)
        return whole(input_ids=input_ids, inputs_embeds=inputs_embeds, **options)

    model.get_placeholder_mask = found


def places_uncounted(model: Any) -> None:
    """Have a model find the places of its media in a text, and not ask how many they are."""
    tokens = torch.tensor(list(placeholders(model.config).values()))
    model.get_placeholder_mask = lambda input_ids, *_, **__: torch.isin(input_ids, tokens)[..., None]


def videos_uncounted(model: Any) -> None:
    """Have a model ask how many places images have in a text, and not how many videos have."""
    whole = model.get_placeholder_mask

    @functools.wraps(whole)
    def found(*given: Any, **options: Any) -> Any:
        return whole(*given, **{name: value for name, value in options.items() if name != "video_features"})

    model.get_placeholder_mask = found


def videos_louder_together(model: Any) -> None:
    """Have a model make louder features of a video the more there are with it."""
    whole = model.get_video_features

    @functools.wraps(whole)
    def louder(*given: Any, **options: Any) -> Any:
        outputs = whole(*given, **options)
        outputs.pooler_output = [len(outputs.pooler_output) * item for item in outputs.pooler_output]
        return outputs

    model.get_video_features = louder


def videos_unseen(model: Any) -> None:
    """Have a model see the same in every video."""
    whole = model.get_video_features

    @functools.wraps(whole)
    def seen(pixel_values_videos: Tensor, *given: Any, **options: Any) -> Any:
        return whole(torch.ones_like(pixel_values_videos), *given, **options)

    model.get_video_features = seen


def refused_without_numbers(model: Any) -> None:
    whole = model.get_placeholder_mask

    def counted(*given: Any, **options: Any) -> Any:
        try:
            return whole(*given, **options)
        except ValueError:
            raise ValueError("features and tokens do not match") from None

    model.get_placeholder_mask = counted


def without_padding(convolution: Any) -> None:
    convolution.padding = (0,)


def a_begun_place_is_uncounted(model: Any) -> None:
    as_subclass(model, _get_subsampling_output_length=lambda _, lengths: lengths // 8)


def a_place_too_few_is_masked(model: Any) -> None:
    """Have the last place of each sound be none, in the mask of what is made of it."""
    names = ("_get_feature_vector_attention_mask", "_get_output_attention_mask")
    name = next(name for name in names if hasattr(model, name))
    whole = getattr(model, name)
    as_subclass(model, **{name: lambda _, *given, **named: whole(*given, **named).roll(-1, 1) & whole(*given, **named)})


def stopped_past_its_maximum(model: Any) -> None:
    _stop_past_its_maximum(model, IndexError("index out of range in self"))


def stopped_past_its_maximum_without_a_number(model: Any) -> None:
    _stop_past_its_maximum(model, ValueError("the text is too long"))


def _stop_past_its_maximum(model: Any, error: Exception) -> None:
    def stop(_: Any, __: Any, options: Any) -> None:
        if options["input_ids"].shape[-1] > model.config.get_text_config().max_position_embeddings:
            raise error

    model.register_forward_pre_hook(stop, with_kwargs=True)
