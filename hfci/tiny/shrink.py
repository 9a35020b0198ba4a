"""The general rule: a default configuration, as nested data, made tiny.

The sizes are in `data/shrink.toml`; here is only how they are applied. The relations between them: `relations`.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs

from hfci.parsing import Names, Text, read_toml
from hfci.tiny.derived_fields import drop_computed
from hfci.tiny.recipes import recipe_for
from hfci.tiny.relations import keep_relations

__all__ = ["VOCABULARY", "ShrinkFile", "counts_layers", "is_size", "shrink", "small"]

Data = dict[str, Any]

_LAYERS = 2
# A list of growing widths becomes a list of multiples of 8, one for every 128 or part of it: equal stays equal wherever
# it stands, and whatever divides by 8 (groups, heads) still does.
_STEP, _PER_STEP = 8, 128
# Tokens of a vocabulary, unless more are asked for.
VOCABULARY = 128
# An image is this many patches wide and high; a model without patches (a convolutional one, strides of 32 in all) gets
# this many pixels.
_PATCHES = 4
_PIXELS = 64


Size = Annotated[int, Meta(ge=1, title="a number of at least 1")]


class ShrinkRule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of `data/shrink.toml`, where its columns are explained."""

    names: Names
    to: Size | None = None
    lists: Annotated[Size | Literal["steps"] | None, Meta(title="a number of at least 1, or 'steps'")] = None
    above: int = 0
    when_to: Mapping[str, Size] = {}
    keep: Text | None = None
    image: bool = False
    layers: bool = False
    vocabulary: bool = False
    read: Size | None = None
    count: bool = False
    fed: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError where it does not say one thing."""
        has_size = self.to is not None or self.lists is not None
        if has_size + (self.keep is not None) + self.image + self.layers != 1:
            raise ValueError("a rule has a size (`to`, `lists`), or says `keep`, `image` or `layers`; one of these")

    def covers(self, name: str) -> bool:
        """Tell whether it is the rule of a field of that name, if none before it is."""
        return any(fnmatchcase(name, pattern) for pattern in self.names)


class ShrinkFile(Struct, frozen=True, forbid_unknown_fields=True):
    """What `data/shrink.toml` holds."""

    rule: tuple[ShrinkRule, ...]


@functools.cache
def _rules() -> tuple[ShrinkRule, ...]:
    return read_toml(files("hfci.tiny") / "data" / "shrink.toml", ShrinkFile, "the sizes").rule


@functools.cache
def counts_layers(name: str) -> bool:
    """Tell whether a field of that name says how many layers there are."""
    rule = _rule_for(name, ones=False)
    return rule is not None and rule.layers


@functools.lru_cache(4096)
def _rule_for(name: str, ones: bool) -> ShrinkRule | None:
    rule = next((rule for rule in _rules() if rule.covers(name)), None)
    if ones and rule is not None and rule.count:
        return structs.replace(rule, to=None if rule.layers else 1, lists=None, keep=None)
    return rule


def is_size(name: str) -> bool:
    """Tell whether a field of that name is a size, which the general rule makes small."""
    rule = _rule_for(name, ones=False)
    return rule is not None and not rule.image and not rule.keep


def small(name: str, value: Any) -> Any:
    """Return a default value of a field as the general rule makes it, whatever stands beside it."""
    rule = _rule_for(name, ones=False)
    if rule is None or rule.keep or rule.image:
        return value
    if rule.layers:
        return min(value, _LAYERS) if type(value) is int else value
    return _applied(rule, value, {})


def shrink(
    default: Data,
    architecture: str | None = None,
    *,
    ones: bool = False,
    vocabulary: int = VOCABULARY,
    as_fed: bool = False,
) -> Data:
    """Return a tiny copy of `default`, a configuration's `to_dict()` with its sub-configurations nested in it.

    The recipes' exceptions are applied too, to the configuration (as that of `architecture`, where one is named) and to
    every part of it. With `ones`, of whatever it counts (heads, experts, channels) there is one, and of each kind of
    layer. A vocabulary keeps at most `vocabulary` tokens. With `as_fed`, what a processor decides of the inputs stays:
    the sizes of images, and how long a text may be.
    """
    tiny = copy.deepcopy(default)
    for node, original in _nodes(tiny, default):
        _shrink_node(node, original, ones, as_fed)
    vocabularies = _Vocabularies(default, vocabulary)
    for node, original in _nodes(tiny, default):
        vocabularies.rewrite(node, original)
        keep_relations(node, original)
        _keep_relations_of_layers(node, original, ones)
        _scale_pinpoints(node, original)
        drop_computed(node)
        _drop_bookkeeping(node)
        _apply_recipe(node, architecture if original is default else None)
    for name, value in recipe_for(str(tiny.get("model_type", "")), architecture).fill.items():
        for node, _ in _nodes(tiny, default):
            if name in node and node[name] is None:
                node[name] = copy.deepcopy(value)
    return tiny


# What every configuration carries and none is made of. A part may take it for a field that it does not know (dbrx's).
_BOOKKEEPING = ("_name_or_path", "output_attentions")


def _drop_bookkeeping(node: Data) -> None:
    for name in _BOOKKEEPING:
        if not node.get(name, True):
            del node[name]


def _apply_recipe(node: Data, architecture: str | None) -> None:
    for path, value in recipe_for(str(node.get("model_type", "")), architecture).set.items():
        *parents, last = path.split(".")
        holder = node
        for parent in parents:
            holder = holder[parent]
        holder[last] = copy.deepcopy(value)


def _nodes(tiny: Data, default: Data) -> Iterator[tuple[Data, Data]]:
    """Yield every configuration of the tree, parts before wholes, each beside its default."""
    for name, value in default.items():
        if isinstance(value, dict) and isinstance(tiny[name], dict) and not _is_plain(name, value):
            yield from _nodes(tiny[name], value)
    yield tiny, default


_PLAIN = ("rope_", "per_layer_config", "id2label", "label2id", "quantization", "task_specific", "generation")


def _is_plain(name: str, value: Data) -> bool:
    """Say whether a mapping of that name holds a method's parameters, label names or numbers, not a model's sizes."""
    return name.startswith(_PLAIN) or not all(isinstance(key, str) for key in value)


def _shrink_node(node: Data, default: Data, ones: bool, as_fed: bool = False) -> None:
    kept = _kept_layers(default, ones)
    for name, value in default.items():
        rule = _rule_for(name, ones)
        if name in _DERIVED and not default.get("depths") and not _is_sizes(value):
            # names of stages follow from the number of layers
            node.pop(name)
            continue
        if name == "per_layer_config" and isinstance(value, dict):
            own = {int(index): part for index, part in value.items() if int(index) in kept}
            node[name] = {kept.index(index): _shrunk(part, ones) for index, part in own.items()}
            continue
        if kept and (_names_every_layer(value, default) or _is_index_list(name, value, _KINDS)):
            node[name] = [place for place, index in enumerate(kept) if index in value]
        elif _is_layer_list(value, default):
            node[name] = [_of_layer(rule, value[index], default) for index in kept]
        elif kept and _is_index_list(name, value, _PICKS):
            node[name] = _repicked(value, len(kept), _depth(default))
        elif rule is None or rule.keep or (rule.fed and as_fed):
            continue
        elif rule.layers:
            if isinstance(value, int) and not isinstance(value, bool):
                limit = len(kept) if value == _depth(default) else _layers(ones)
                node[name] = value if value == _stages(default) else min(value, limit)
        elif rule.image:
            node[name] = _image_size(value, default)
        else:
            node[name] = _applied(rule, value, default)


def _shrunk(default: Data, ones: bool) -> Data:
    node = copy.deepcopy(default)
    _shrink_node(node, default, ones)
    return node


def _of_layer(rule: ShrinkRule | None, value: Any, default: Data) -> Any:
    return value if rule is None or rule.keep or rule.layers or rule.image else _applied(rule, value, default)


def _applied(rule: ShrinkRule, value: Any, default: Data) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, list, tuple)):
        return value
    to = next((small for beside, small in rule.when_to.items() if default.get(beside)), rule.to)
    if isinstance(value, int):
        return value if to is None or value <= max(to, rule.above) else to
    if not value or not _all_int(value):
        return value
    if rule.lists == "steps" and len(set(value)) > 1:
        return [min(item, _STEP * math.ceil(item / _PER_STEP)) if item > _STEP else item for item in value]
    limit = rule.lists if isinstance(rule.lists, int) else to
    return value if limit is None else [min(item, limit) for item in value]


# --- layers -------------------------------------------------------------------------------------------------------

_DEPTH_NAMES = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "depth", "encoder_layers", "decoder_layers")
# lists of kinds of layers, which say how many there are where nothing else does
_KIND_LISTS = ("layer_types", "layers_block_type")
# names of stages: they follow from the number of layers
_DERIVED = ("stage_names", "out_features")
# Lists of layer indices. Those that pick outputs keep their length; those that say of which kind a layer is need one
# layer that is and one that is not.
_PICKS = ("out_indices", "deepstack_visual_indexes", "*_layer_ids", "image_out_indices")
_KINDS = (
    *("*attn_indexes", "*_block_indexes", "*_block_indices", "*attn_idxs", "*_layers_idx", "attn_layer_indices"),
    *("cross_attention_layers", "*_attn_layers", "hybrid_layer_ids", "mlp_only_layers", "moe_layers"),
    "rope_scaling_layers",
)
# Lists of layer kinds that are gone through again and again.
_CYCLES = ("block_types",)


def _depth(default: Data) -> int:
    """Return the number of layers, 0 for a model of stages (whose `num_layers` counts those)."""
    if isinstance(default.get("depths"), list):
        return 0
    kinds = next((len(default[name]) for name in _KIND_LISTS if isinstance(default.get(name), list)), 0)
    return next((default[name] for name in _DEPTH_NAMES if isinstance(default.get(name), int)), kinds)


def _stages(default: Data) -> int:
    """Return the number of stages, 0 for a model without."""
    return len(default["depths"]) if isinstance(default.get("depths"), list) else 0


def _is_layer_list(value: Any, default: Data) -> bool:
    depth = _depth(default)
    return isinstance(value, list) and depth > _LAYERS and len(value) == depth


def _names_every_layer(value: Any, default: Data) -> bool:
    return _is_layer_list(value, default) and value == list(range(len(value)))


def _is_index_list(name: str, value: Any, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, p) for p in patterns) and isinstance(value, list) and bool(value) and _all_int(value)


def _is_sizes(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and _all_int(value)


def _all_int(value: Iterable[Any]) -> bool:
    return all(isinstance(item, int) and not isinstance(item, bool) for item in value)


def _layers(ones: bool) -> int:
    return 1 if ones else _LAYERS


def _kept_layers(default: Data, ones: bool) -> list[int]:
    """Return the indices of the layers that stay: two or one, or more for more kinds or more picked outputs."""
    depth = _depth(default)
    if depth <= _LAYERS:
        return list(range(depth))
    lists = [v for v in default.values() if _is_layer_list(v, default) and not _names_every_layer(v, default)]
    overrides = {int(index): value for index, value in (default.get("per_layer_config") or {}).items()}
    marks = [set(value) for name, value in default.items() if _is_index_list(name, value, _KINDS)]
    kinds: dict[tuple[Any, ...], int] = {}
    for index in range(depth):
        kind = (
            *(repr(value[index]) for value in lists),
            repr(overrides.get(index)),
            *(index in mark for mark in marks),
        )
        kinds.setdefault(kind, index)
    picked = [len(value) for name, value in default.items() if _is_index_list(name, value, _PICKS)]
    cycles = [len(default[name]) for name in _CYCLES if isinstance(default.get(name), list)]
    count = max(_layers(ones), len(kinds), *picked, *cycles)
    kept = sorted(kinds.values())
    kept += [index for index in range(depth) if index not in kept][: count - len(kept)]
    return sorted(kept)


def _repicked(value: list[int], count: int, depth: int) -> list[int]:
    """Move picked layer indices to the last of `count` layers, in order; what counts from the end still does."""
    positive = sorted({index for index in value if index >= 0})
    # counted with the embedding's output as the first, the last index is the depth itself
    shift = 1 if positive and positive[-1] >= depth else 0
    new = {index: max(0, count - len(positive) + place + shift) for place, index in enumerate(positive)}
    return [new[index] if index >= 0 else max(index, -count) for index in value]


def _keep_relations_of_layers(node: Data, default: Data, ones: bool) -> None:
    """Do the same for every layer that differs from the rest, with what it has of its own and what of the whole."""
    kept = _kept_layers(default, ones)
    for index, original in (default.get("per_layer_config") or {}).items():
        if int(index) in kept:
            layer = node["per_layer_config"][kept.index(int(index))]
            before = {**node, **layer}
            whole = dict(before)
            keep_relations(whole, {**default, **original})
            layer.update({name: value for name, value in whole.items() if value != before.get(name)})


# --- images ---------------------------------------------------------------------------------------------------------


def _image_size(value: Any, default: Data) -> Any:
    if isinstance(value, (list, tuple)):
        return [_image_size(side, default) for side in value]
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    patch = default.get("patch_size")
    patch = patch[-1] if isinstance(patch, (list, tuple)) and patch else patch
    if not isinstance(patch, int) or default.get("depths"):
        return min(value, _PIXELS)
    return min(value, patch * _PATCHES)


def _scale_pinpoints(node: Data, default: Data) -> None:
    """Scale the sizes that a picture may be tiled to, multiples of its tower's image, as that image was."""
    pinpoints = default.get("image_grid_pinpoints")
    sizes = [
        (part["image_size"], original["image_size"])
        for part, original in _nodes(node, default)
        if isinstance(original.get("image_size"), int) and "image_size" in part
    ]
    if isinstance(pinpoints, list) and sizes:
        new, old = sizes[0]
        node["image_grid_pinpoints"] = [[side * new // old for side in sides] for sides in pinpoints]


# --- vocabulary -----------------------------------------------------------------------------------------------------

_ID_PATTERNS = ("*_token_id", "*_token_ids", "*_token_index", "*_id", "*_ids", "*_token_indices", "*_index")
_ID_NOT = ("*layer_id*", "*ignore_index", "speaker_id")


class _Vocabularies:
    """The sizes of vocabularies, and the IDs of tokens: the same ID stays the same throughout the tree.

    An ID small enough stays; larger ones are counted down from the end of the vocabulary, in their order.
    """

    def __init__(self, default: Data, size: int) -> None:
        self._size = size
        large = sorted(
            {
                token
                for node, _ in _nodes(default, default)
                for name, value in node.items()
                if self._is_id(name)
                for token in (value if isinstance(value, list) else [value])
                if isinstance(token, int) and not isinstance(token, bool) and token >= size // 2
            }
        )
        self._new = {token: size - len(large) + place for place, token in enumerate(large)}

    @staticmethod
    def _is_id(name: str) -> bool:
        return any(fnmatchcase(name, p) for p in _ID_PATTERNS) and not any(fnmatchcase(name, p) for p in _ID_NOT)

    def rewrite(self, node: Data, default: Data) -> None:
        for name, value in default.items():
            rule = _rule_for(name, ones=False)
            if rule is not None and rule.vocabulary:
                node[name] = _applied(structs.replace(rule, to=self._size), value, default)
            elif rule is not None and rule.read and self._size > VOCABULARY:
                node[name] = _applied(structs.replace(rule, to=rule.read), value, default)
            elif self._is_id(name):
                new = [self._new.get(token, token) for token in (value if isinstance(value, list) else [value])]
                node[name] = new if isinstance(value, list) else new[0]
