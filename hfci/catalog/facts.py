"""What one model class says of itself: the facts that families are derived from.

A fact is a short string, `kind:value`, so that a rule about facts is a list of strings in a data file:

- `input:image`: the class takes that modality (from its forward signature, by `data/inputs.toml`)
- `param:bbox`: its forward has a parameter that answers to that name (`catalog/aliases.py`)
- `table:FOR_CAUSAL_LM`: it stands in that `MODEL_*_NAMES` table
- `type-table:FOR_CAUSAL_LM`: some class of its model type does
- `any-model:encoder`: its config has a part of that name which may be any model
- `config:encoder_decoder`, `config:rope` (it has rope parameters), `config:window` (it, or a part of it, has a field
  for how far places see), `flag:can_generate`, `flag:sdpa`, `flag:fullgraph` (it may be compiled as a whole),
  `flag:stateful`, `flag:gradient_checkpointing`, `flag:attention_backend` (its attention may be any that is registered
  with transformers): what its config class and its own flags say
- `flag:own_generate`: it generates in a way of its own: its `generate`, or the loop within that, is not transformers'
- `flag:takes_labels`: labels for a loss, under one of the names of those that an auto table's heads take
- `flag:declares_ties`: it names weights that are one tensor where its configuration asks for it
- `flag:media_features`: it has a method that turns images, videos or sounds into features
- `flag:declares_lengths`: it has a formula for how long what is made of a sound is
- `flag:experts`: its file has experts that transformers can compute in several ways
- `flag:causal_masks`: its forward makes its masks by those functions of transformers that hide the future
- `flag:holds_base`: it builds the model whose head it is, under the name that its `base_model_prefix` says
- `flag:tensor_parallel_plan`: its configuration, or a part of it, says how the weights of its base are split
- `flag:composed_of_checkpoints`: a method of the class puts a model together of a checkpoint for each part
"""

from __future__ import annotations

import dis
import functools
import inspect
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, Literal, get_args

import msgspec

from hfci.catalog.aliases import argument_aliases, named
from hfci.catalog.registered import is_library
from hfci.parsing import Names, read_toml

__all__ = [
    "FEATURE_METHODS",
    "LENGTH_FORMULAS",
    "MEDIA",
    "MODALITIES",
    "InputFile",
    "Modality",
    "checkpoints_of_parts",
    "declared_modalities",
    "entry_point",
    "facts_of",
    "forward_parameters",
    "input_modalities",
    "modality_of_parameter",
    "signature_of",
]

Modality = Literal["text", "image", "video", "audio", "time-series", "boxes", "actions", "protein", "hidden-states"]
# What is shown beside a text.
MEDIA = frozenset({"image", "video", "audio"})
# The methods with which transformers' models turn media into features that stand in the text, or beside it.
FEATURE_METHODS = ("get_image_features", "get_video_features", "get_audio_features")
MODALITIES: tuple[str, ...] = get_args(Modality)

# The arguments that a head takes its labels by, of one of which every auto table's heads have at least one.
_LABELS = frozenset({"labels", "mask_labels", "start_positions"})

# How configurations of texts call how far their places see; modernbert's, gpt_neo's and llama4's names are their own.
_WINDOWS = ("sliding_window", "sliding_window_size", "local_attention", "attention_types", "attention_chunk_size")

# The methods that say how long what is made of a sound is; the last one of how many frames another one has counted.
LENGTH_FORMULAS = (
    "_get_feat_extract_output_lengths",
    "_get_subsampling_output_length",
    "_get_tdnn_output_lengths",
)

# How arguments are called that a part's checkpoint is given by.
_CHECKPOINT = re.compile(r"(?!pretrained_)(\w+?)(?:_pretrained)?_model_name_or_path")

# transformers' word for it → ours
_DECLARED = {"time": "time-series"}


class InputFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `data/inputs.toml` holds: modality → the parameters that carry it."""

    modalities: Mapping[Modality, Names]


@functools.cache
def modality_of_parameter() -> dict[str, str]:
    """Return parameter of forward → the modality that it carries, of `data/inputs.toml`."""
    path = files("hfci.catalog") / "data" / "inputs.toml"
    by_modality = read_toml(path, InputFile, "the inputs").modalities
    return {name: modality for modality, names in by_modality.items() for name in names}


def entry_point(owner: Any) -> Any:
    """Return what runs a model class or a model: its forward or, where it defines none, its `encode`."""
    from torch import nn

    cls: Any = owner if isinstance(owner, type) else type(owner)  # a model's own may have accelerate's hooks around it
    undefined = cls.forward is nn.Module.forward
    return owner.encode if undefined and hasattr(owner, "encode") else owner.forward


@functools.cache
def signature_of(function: Any) -> inspect.Signature:
    """Return the signature of a function of a class, which many ask for."""
    return inspect.signature(function)


def forward_parameters(cls: type[Any]) -> dict[str, str]:
    """Return every name of the parameters of `cls`'s `entry_point`, without `self` → how its signature spells it."""
    function = entry_point(cls)
    return named(tuple(signature_of(function).parameters)[1:], argument_aliases(function))


def declared_modalities(cls: type[Any]) -> tuple[str, ...]:
    """Return the class's own `input_modalities` in hfci's words. It is `text` where a class says nothing."""
    declared = cls.input_modalities
    names = (declared,) if isinstance(declared, str) else tuple(declared or ())
    return tuple(_DECLARED.get(name, name) for name in names)


def input_modalities(cls: type[Any]) -> tuple[str, ...]:
    """Return the modalities that the `entry_point` of `cls` takes, in the order of `MODALITIES`.

    The signature is believed before the class attribute, whose default, `text`, also stands on pure vision models.
    Where both know `pixel_values` only, the attribute decides between an image and the frames of a video.
    """
    known = modality_of_parameter()
    signature = signature_of(entry_point(cls)).parameters
    carried: dict[str, str] = {}  # by each parameter, as the first of its names that is known says
    for name, spelled in forward_parameters(cls).items():
        if name in known:
            carried.setdefault(spelled, known[name])
    modalities = set(carried.values())
    declared = set(declared_modalities(cls))
    if modalities - {"hidden-states"}:  # beside a modality of its own, `inputs_embeds` and the like are another way in
        modalities -= {"hidden-states"}
    if not modalities and _is_open(signature.values()):
        modalities = declared
    if "image" in modalities and "video" in declared and "image" not in declared:
        modalities = modalities - {"image"} | {"video"}
    if modalities == {"hidden-states"}:  # fed by its parent: of what modality, only the attribute can say
        modalities |= declared - {"text"}
    return tuple(modality for modality in MODALITIES if modality in modalities)


def _is_open(parameters: Iterable[inspect.Parameter]) -> bool:
    """Say whether a signature names nothing: `forward(self, *args, **kwargs)`."""
    named = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    return all(parameter.kind not in named or parameter.name == "self" for parameter in parameters)


def checkpoints_of_parts(cls: type[Any]) -> tuple[str, dict[str, str]]:
    """Return the method of `cls` that puts a model together of checkpoints, and its argument for each → that part.

    An empty name where there is none.
    """
    methods = (item for owner in cls.__mro__ for item in vars(owner).items() if isinstance(item[1], classmethod))
    for name, method in methods:
        found = {argument: _CHECKPOINT.fullmatch(argument) for argument in signature_of(method.__func__).parameters}
        if parts := {argument: match[1] for argument, match in found.items() if match is not None}:
            return name, parts
    return "", {}


def _holds_base(cls: type[Any]) -> bool:
    """Say whether an `__init__` of `cls` sets what its `base_model_prefix` names."""
    for owner in cls.__mro__:
        if "__init__" in vars(owner) and is_library(owner.__module__):
            code = inspect.unwrap(vars(owner)["__init__"]).__code__
            if {"setattr", "base_model_prefix"} <= set(code.co_names):
                return True
            stored = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"}
            if cls.base_model_prefix in stored:
                return True
    return False


def _makes_causal_masks(cls: type[Any]) -> bool:
    """Say whether the forward of `cls` itself, or a function within it, names what makes causal masks."""
    codes = [inspect.unwrap(cls.forward).__code__]
    for code in codes:
        codes += [each for each in code.co_consts if inspect.iscode(each)]
    return any(not _causal_masks().isdisjoint(code.co_names) for code in codes)


@functools.cache
def _causal_masks() -> frozenset[str]:
    """Return the names of the functions that make masks and look, in the places of tokens, for packed texts."""
    from transformers import masking_utils

    functions = inspect.getmembers(masking_utils, inspect.isfunction)
    return frozenset(
        name
        for name, function in functions
        if not name.startswith("_")
        and {"inputs_embeds", "position_ids"} <= inspect.signature(function).parameters.keys()
    )


def facts_of(cls: type[Any], tables: Iterable[str], type_tables: Iterable[str]) -> frozenset[str]:
    """Return the facts of `cls`, which stands in `tables` and whose model type's classes stand in `type_tables`."""
    config = cls.config_class
    sub_configs = getattr(config, "sub_configs", None) or {}
    # A part that may be any model (`encoder` of encoder-decoder) is declared with the auto class.
    any_model = [name for name, part in sub_configs.items() if part.__name__ == "AutoConfig"]
    facts = {f"input:{modality}" for modality in input_modalities(cls)}
    facts |= {f"param:{name}" for name in forward_parameters(cls)}
    facts |= {f"table:{name}" for name in tables}
    facts |= {f"type-table:{name}" for name in type_tables}
    facts |= {f"any-model:{name}" for name in any_model}
    flags = {
        "flag:can_generate": cls.can_generate(),
        "flag:own_generate": _generates_its_own_way(cls),
        "flag:sdpa": getattr(cls, "_supports_sdpa", False) is True,
        "flag:fullgraph": getattr(cls, "_can_compile_fullgraph", False) is True,
        "flag:attention_backend": getattr(cls, "_supports_attention_backend", False) is True,
        "flag:stateful": getattr(cls, "_is_stateful", False),
        "flag:gradient_checkpointing": getattr(cls, "supports_gradient_checkpointing", False) is True,
        "flag:declares_ties": bool(getattr(cls, "_tied_weights_keys", None)),
        "flag:media_features": any(hasattr(cls, name) for name in FEATURE_METHODS),
        "flag:declares_lengths": any(hasattr(cls, name) for name in LENGTH_FORMULAS),
        "flag:experts": getattr(cls, "_can_set_experts_implementation", bool)(),
        "flag:causal_masks": _makes_causal_masks(cls),
        "flag:holds_base": _holds_base(cls),
        "flag:composed_of_checkpoints": bool(checkpoints_of_parts(cls)[1]),
        "flag:tensor_parallel_plan": any(
            getattr(part, "base_model_tp_plan", None) for part in (config, *sub_configs.values())
        ),
        "flag:takes_labels": not _LABELS.isdisjoint(forward_parameters(cls)),
        "config:encoder_decoder": getattr(config, "is_encoder_decoder", False) is True,
        "config:rope": hasattr(config, "rope_parameters"),
        "config:window": any(hasattr(part, name) for part in (config, *sub_configs.values()) for name in _WINDOWS),
    }
    return frozenset(facts | {fact for fact, holds in flags.items() if holds})


def _generates_its_own_way(cls: type[Any]) -> bool:
    from transformers import GenerationMixin

    own = (getattr(cls, name, None) for name in ("generate", "_sample"))
    general = (GenerationMixin.generate, GenerationMixin._sample)
    return any(method is not None and method is not other for method, other in zip(own, general, strict=True))
