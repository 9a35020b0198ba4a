"""Are the features of each image, sound and video what its places in a text are filled with?"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any

import torch
from torch import Tensor

from hfci.catalog.facts import FEATURE_METHODS, MEDIA, modality_of_parameter
from hfci.checks.applicability import NotApplicable
from hfci.checks.attention import attending
from hfci.checks.floor import different
from hfci.checks.running import reference, seeded
from hfci.checks.sequences import ordinary_of
from hfci.checks.tensors import named_tensors
from hfci.errors import StageError
from hfci.tiny import TinyModel
from hfci.tiny.inputs.context import Context, demanded
from hfci.tiny.inputs.text import placeholders

__all__ = ["features_of", "items_of", "media_features_fit_their_items"]

# The argument that says where an image stands in a text that has no token for it.
_MASK = "image_embeds_position_mask"


def media_features_fit_their_items(tiny: TinyModel) -> None:
    """Assert that each image, sound and video gives as many features as it has places in its text, as wide as tokens.

    Several items, such as the frames of a video, may stand side by side. Where it has no place, since it is compared
    with a text, it is as wide as what the text gives. Alone it gives what it gives in a batch, and with attention step
    by step what it gives with torch's kernel. Its places are found by the embeddings of their tokens as they are by the
    tokens.

    Raises `NotApplicable` where its inputs are no texts with media that it has a method for.
    """
    asked = [method for method in FEATURE_METHODS if _is_fed(tiny, method)]
    if not asked:
        raise NotApplicable("its inputs hold nothing that it has such a method for")
    stepwise = attending(tiny, "eager") if tiny.model._supports_sdpa else None
    problems = []
    for method in asked:
        features = features_of(tiny, method)
        together, *alone = (
            items_of(features),
            *(items_of(features_of(tiny, method, tiny.inputs((row,)))) for row in (0, 1)),
        )
        parts = [item for items in alone for item in items]
        wrong = _differences(tiny, "in a batch", together, parts if len(together) > 1 else [torch.cat(parts)])
        if stepwise is not None:
            wrong += _differences(tiny, "attending step by step", items_of(features_of(stepwise, method)), together)
        for row, items in enumerate(alone):
            wrong += [f"of row {row}, {problem}" for problem in _misfits(tiny, method, row, items)]
        wrong = wrong or _misplaced(tiny, method, features)  # which refuses others than fit
        problems += [f"{method}: {problem}" for problem in wrong]
    if problems:
        raise AssertionError("; ".join(problems))
    reference(tiny)  # by whose float error alone these may differ: where it stops, nothing is said, close as they are


def _context(tiny: TinyModel, inputs: Mapping[str, Any] | None = None) -> Context:
    return Context(tiny.model, tiny.config, 0, tiny.seed, made=dict(tiny.inputs() if inputs is None else inputs))


def _modality(method: str) -> str:
    return method.split("_")[1]


def _is_fed(tiny: TinyModel, method: str) -> bool:
    """Tell whether the model has a `method` and inputs hold media for it, and all that it demands beside them."""
    if not hasattr(tiny.model, method):
        return False
    context = _context(tiny)
    methods = context.methods(method)
    arguments = context.taken_by(methods[0], method)
    shown = any(modality_of_parameter().get(name) in MEDIA for name in arguments)
    return shown and all(demanded(each) <= arguments.keys() for each in methods)


def features_of(tiny: TinyModel, method: str, inputs: Mapping[str, Any] | None = None) -> Tensor | Sequence[Tensor]:
    """Return what a method makes of the media in `inputs`, its own unless others are given."""
    context = _context(tiny, inputs)
    function = context.methods(method)[0]
    try:
        with torch.no_grad(), seeded(tiny):
            outputs = function(**context.taken_by(function, method))
    except Exception as error:
        raise StageError("forward", tiny.model_type, tiny.architecture, error) from error
    pooled = getattr(outputs, "pooler_output", None)  # a field of its own, or put beside those that it has
    features: Tensor | Sequence[Tensor] = outputs.last_hidden_state if pooled is None else pooled
    return features


def items_of(features: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """Return the features of each item, (tokens, width); of all at once where they are given so."""
    return [features] if isinstance(features, Tensor) and features.ndim < 3 else list(features)


def _differences(tiny: TinyModel, how: str, got: Sequence[Tensor], wanted: Sequence[Tensor]) -> list[str]:
    if len(got) != len(wanted):
        return [f"{how} there are {len(got)} items, not {len(wanted)}"]
    left, right = ({f"item {number}": item for number, item in enumerate(items)} for items in (got, wanted))
    return [f"{how} {problem}" for problem in different(tiny, left, right)]


def _misfits(tiny: TinyModel, method: str, row: int, items: Sequence[Tensor]) -> list[str]:
    """Return how the features of a row's items do not fit its text."""
    inputs = tiny.inputs((row,))
    token = placeholders(tiny.config).get(_modality(method), -1)
    filled = inputs[_MASK] if _MASK in inputs else inputs["input_ids"] == token
    places = [len(list(run)) for is_place, run in groupby(filled.flatten().tolist()) if is_place]
    if places:
        wanted = tiny.config.get_text_config().hidden_size
    elif hasattr(tiny.model, "get_text_features"):
        wanted = items_of(features_of(tiny, "get_text_features", tiny.inputs((row,))))[0].shape[-1]
    else:
        wanted = items[0].shape[-1]
    problems = [f"features are {item.shape[-1]} wide, not {wanted}" for item in items if item.shape[-1] != wanted]
    sizes = [item.numel() // item.shape[-1] for item in items]
    is_cut = len(sizes) > 1 and not set(accumulate(places)) <= set(accumulate(sizes))
    if places and (sum(sizes) != sum(places) or is_cut):
        problems.append(f"{sizes} features are for {places} places")
    return problems


def _misplaced(tiny: TinyModel, method: str, features: Tensor | Sequence[Tensor]) -> list[str]:
    """Return by what, the tokens of a text or their embeddings, other places are found for features than their tokens.

    Nothing where the model finds places in a way of its own.
    """
    find = getattr(tiny.model, "get_placeholder_mask", None)
    modality = _modality(method)
    token = placeholders(tiny.config).get(modality)
    if find is None or token is None:
        return []
    tokens = tiny.inputs()["input_ids"]
    features = features if isinstance(features, Tensor) else torch.cat(list(features))  # as its forward hands them on
    possible = {
        "input_ids": tokens,
        "inputs_embeds": tiny.model.get_input_embeddings()(tokens),
        "features": features,
        f"{modality}_features": features,
        "token_id": token,
        "placeholder_token_id": token,
    }
    known = inspect.signature(find).parameters
    taken = {name: value for name, value in possible.items() if name in known}
    fed = {name for name in known if name.endswith("features")}
    if not demanded(find) <= taken.keys() or (fed and not fed & taken.keys()):
        return []
    ways = {"tokens": taken} | ({"embeddings": taken | {"input_ids": None}} if "inputs_embeds" in taken else {})
    problems = []
    for way, arguments in ways.items():
        masks = named_tensors(find(**arguments)).values()
        places = torch.stack([mask.reshape(*tokens.shape, -1).all(-1) for mask in masks]).any(0)
        if not places[tokens == token].all() or places[torch.isin(tokens, ordinary_of(tiny))].any():
            problems.append(f"by the {way} of the text, other places are found for them than those of token {token}")
    return problems
