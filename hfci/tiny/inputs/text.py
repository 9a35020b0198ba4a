"""Token IDs, with a placeholder for every feature that an image, a sound or a video becomes."""

from __future__ import annotations

from typing import Any

import torch

from hfci.catalog import registries
from hfci.tiny.inputs.context import Context, configs, look_up
from hfci.tiny.recipes import recipe_for

__all__ = ["LENGTH", "ordinary_tokens", "placeholders", "text_inputs"]

LENGTH = 10
# IDs below this are the special ones of most vocabularies (padding, start, end, unknown), and the tiny configuration
# counts its other special tokens down from the end of the vocabulary.
_FIRST = 8

# modality → (the method that turns it into features, the fields of its placeholder's ID, its `mm_token_type_ids`)
_PLACEHOLDERS = {
    "image": ("get_image_features", "image_token_id|image_token_index|img_token_id|media_placeholder_token_id", 1),
    "video": ("get_video_features", "video_token_id|video_token_index", 2),
    "audio": ("get_audio_features", "audio_token_id|audio_token_index", 3),
}
_MEDIA = {
    "image": ("pixel_values", "pixel_values_images"),
    "video": ("pixel_values_videos",),
    "audio": ("input_features", "input_values", "audio_input_ids"),
}


def text_inputs(context: Context) -> dict[str, Any]:
    """Return `input_ids` (1, length), and `mm_token_type_ids` where they are taken."""
    allowed = ordinary_tokens(context)
    picks = context.integers("input_ids", 0, len(allowed), LENGTH)
    tokens = [allowed[int(pick)] for pick in picks]
    if _reads_the_end(context.model):
        tokens[-1] = int(context.find("eos_token_id"))
    kinds = [0] * LENGTH
    for modality, token in placeholders(context.config).items():
        method, _, kind = _PLACEHOLDERS[modality]
        media = [name for name in _MEDIA[modality] if name in context.made]
        if not media:
            continue
        # a resampler gives one feature a query, whatever the picture; else the model itself is asked
        queries = context.find("num_query_tokens|latent_query_num") if modality == "image" else None
        count = queries or context.feature_count(method, media[0])
        tokens[1:1] = [token] * count  # after the first token: text stands before and behind
        kinds[1:1] = [kind] * count
    inputs: dict[str, Any] = {"input_ids": torch.tensor([tokens])}
    for name in ("mm_token_type_ids", "moe_mm_token_type_ids"):
        if name in context.parameters:
            inputs[name] = torch.tensor([kinds])
    if (
        "image_embeds_position_mask" in context.parameters
        and {"pixel_values", "flattened_patches"} & context.made.keys()
    ):
        # a mask says where, no token of its own
        inputs["input_ids"] = inputs["input_ids"].repeat(1, 1 + context.find("latent_query_num") // LENGTH)
        places = torch.arange(inputs["input_ids"].shape[1])[None]
        inputs["image_embeds_position_mask"] = (places > 0) & (places <= context.find("latent_query_num"))
    return inputs


def placeholders(config: Any) -> dict[str, int]:
    """Return modality → the token that stands in a text for each of its features, as the configuration says."""
    fields = {modality: usual for modality, (_, usual, _) in _PLACEHOLDERS.items()}
    fields |= recipe_for(config.model_type).placeholders
    tokens = {modality: look_up(config, names) for modality, names in fields.items()}
    return {modality: int(token) for modality, token in tokens.items() if token is not None}


def _reads_the_end(model: Any) -> bool:
    """Say whether `model` reads the state of the token that ends a text: encoder-decoders that classify it do."""
    tables = registries.tables_of_class(type(model).__name__)
    return "FOR_SEQUENCE_CLASSIFICATION" in tables and bool(getattr(model.config, "is_encoder_decoder", False))


def ordinary_tokens(context: Context) -> list[int]:
    """Return the token IDs that mean nothing special to the configuration: what text is made of."""
    vocabulary = int(context.find("vocab_size|text_vocab_size|encoder_vocab_size|src_vocab_size|n_token", _FIRST + 1))
    special = {
        token
        for node in configs(context.config)
        for name, value in vars(node).items()
        if name.endswith(("_id", "_ids", "_index"))
        for token in (value if isinstance(value, (list, tuple)) else [value])
        if isinstance(token, int)
    }
    return [token for token in range(_FIRST, vocabulary) if token not in special] or list(range(vocabulary))
