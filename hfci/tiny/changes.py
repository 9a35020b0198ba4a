"""Changes of a tiny configuration, of one field each: which there are to make, and the configuration that has them.

What a field may be is read from the configuration's class: from its annotations, from the texts that its modules
compare the field with, and from what other classes have in a field of that name. A field may have other names too.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import functools
import inspect
import json
import math
import textwrap
import types
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from hfci.catalog import registries
from hfci.errors import UsageError, nearest
from hfci.tiny.derived_fields import drop_computed, filled_in
from hfci.tiny.relations import equals_another, keep_relations
from hfci.tiny.shrink import is_size, small

__all__ = [
    "Change",
    "changed_config",
    "changes_of",
    "fields_of",
    "other_names",
    "parse_change",
    "require_field",
    "usual_values",
]


# A number below this is added where something else must not be zero: what is seen of it takes a larger one.
_EPSILON, _SEEN = 1e-2, 0.1
# One takes the place of any other: it is like none of those that models have by default.
_OTHER_ACTIVATIONS = ("tanh", "relu")


@dataclasses.dataclass(frozen=True)
class Change:
    """A field of a configuration, and another value for it, of JSON; as a text `alibi=true`."""

    field: str
    value: Any

    def __str__(self) -> str:
        """Return `FIELD=VALUE`, as `parse_change` reads it."""
        return f"{self.field}={json.dumps(self.value, ensure_ascii=False)}"


def parse_change(text: str) -> Change:
    """Return the change in `FIELD=VALUE`; UsageError where that has no field, or a value that is no JSON."""
    field, equals, value = text.partition("=")
    if not equals or not field.strip():
        raise UsageError(f"{text!r:.100} is no FIELD=VALUE, such as use_cache=false")
    try:
        return Change(field.strip(), json.loads(value))
    except (ValueError, RecursionError) as error:
        quoted = f"; a text stands in quotes: {field.strip()}={json.dumps(value)}" if value.isidentifier() else ""
        raise UsageError(f"{text!r:.100} has no value of JSON ({error}){quoted:.200}") from error


def fields_of(config: Any) -> dict[str, Any]:
    """Return the fields of a configuration that its own class adds to those of all, each with its annotation.

    Its parts are none: they are configurations of their own.
    """
    common, present = _common_fields(), config.to_dict()
    return {
        field.name: field.type
        for field in dataclasses.fields(config)
        if field.name in present and field.name not in common and not _is_part(config, field.name)
    }


def other_names(config: Any) -> dict[str, str]:
    """Return the names beside fields that a configuration takes for fields of its own, each with its field.

    They are those of its `attribute_map`, and what its class takes out of the arguments that are no fields, and sets a
    field to (`self.sliding_window = kwargs["sliding_window_size"] + 1`).
    """
    fields, present = fields_of(config), config.to_dict()
    named = {**_taken_for_fields(_source_of(type(config))), **(getattr(config, "attribute_map", None) or {})}
    return {name: field for name, field in named.items() if field in fields and name not in present}


def require_field(config: Any, name: str) -> None:
    """Raise UsageError, with the nearest, where a configuration has no field `name` that could be changed."""
    known = fields_of(config) | other_names(config)
    if name not in known:
        raise UsageError(f"{type(config).__name__} has no field {name!r:.100} of its own.{nearest(name, known)}")


def changes_of(config: Any, usual: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the changes that can be asked of a tiny configuration, in the order of its fields.

    A truth value is the other one. Of choices, of an annotation or of what the source compares the field with, each of
    the others is taken. What may be None is so, and what is None is what `usual` has for it. A size is twice what it
    is, so that no two sizes are equal by accident; one that may be a share of another, which it equals, is half of it.
    A number with a fraction is half of what it is, zero is a half, and what is as small as an epsilon is 0.1, which is
    seen. An activation is another one. By another name a field is what it is first by its own.
    """
    compared, present = _compared_texts(Path(inspect.getfile(type(config))).parent), config.to_dict()
    changes = [
        Change(name, value)
        for name, annotation in fields_of(config).items()
        for value in _values(name, present, annotation, compared.get(name, ()), usual)
    ]
    first = {change.field: change.value for change in reversed(changes)}
    changes += [Change(name, first[field]) for name, field in other_names(config).items() if field in first]
    return tuple(changes)


def usual_values(config: Any) -> dict[str, Any]:
    """Return, for the fields of `config` that are None, what other classes have by default in a field of that name.

    It is the most frequent one among those of the same annotation, as small as tiny configurations are.
    """
    defaults, present = _defaults(), config.to_dict()
    values: dict[str, Any] = {}
    for name, annotation in fields_of(config).items():
        counted = defaults.get((name, str(annotation)))
        if counted and present[name] is None:
            most = max(counted.values())
            first = min(text for text, count in counted.items() if count == most)
            values[name] = small(name, json.loads(first))
    return values


def changed_config(config: Any, changes: Sequence[Change]) -> Any:
    """Return a copy of a tiny configuration with `changes`; the relations between fields that held still do.

    What its class fills in follows from the fields as they are then: the kinds of layers from how many there are.
    Raises UsageError for a field that it does not have, and what its class does where it refuses a value.
    """
    for change in changes:
        require_field(config, change.field)
    before, named = config.to_dict(), other_names(config)
    data = copy.deepcopy(before)
    data |= {named.get(change.field, change.field): copy.deepcopy(change.value) for change in changes}
    fixed = {named.get(change.field, change.field) for change in changes}
    keep_relations(data, before, fixed=fixed)
    data |= dict.fromkeys(filled_in(config) - fixed)
    drop_computed(data)
    for change in changes:
        if change.field in named:  # which is set after the field itself
            data |= {named[change.field]: before[named[change.field]], change.field: copy.deepcopy(change.value)}
    return type(config).from_dict(data)


@functools.cache
def _common_fields() -> frozenset[str]:
    """Return the fields that every configuration has: they choose outputs, and keep names, labels and versions."""
    from transformers import PreTrainedConfig

    return frozenset(vars(PreTrainedConfig()))


def _is_part(config: Any, name: str) -> bool:
    parts: Collection[str] = getattr(config, "sub_configs", None) or ()
    return name in parts or hasattr(vars(config).get(name), "to_dict")


# --- what a field may be --------------------------------------------------------------------------------------------


def _values(
    name: str, present: Mapping[str, Any], annotation: Any, compared: Sequence[str], usual: Mapping[str, Any]
) -> Iterator[Any]:
    """Yield the other values of a field of a configuration with the values `present`."""
    value = present[name]
    allowed = _alternatives(annotation)
    choices = [choice for kind in allowed if get_origin(kind) is Literal for choice in get_args(kind)]
    if isinstance(value, str) or (value is None and str in allowed):
        choices += [text for text in compared if text not in choices]
    if isinstance(value, bool) or (value is None and bool in allowed):
        yield not value
    elif choices:
        yield from (choice for choice in choices if choice != value)
    elif isinstance(value, int) and value > 0 and is_size(name):
        yield value // 2 if value % 2 == 0 and equals_another(name, present) else 2 * value
    elif isinstance(value, float) and math.isfinite(value):
        yield _SEEN if 0 < abs(value) < _EPSILON else value / 2 or 0.5
    elif isinstance(value, str) and value in _activations():
        yield next(name for name in _OTHER_ACTIVATIONS if name != value)
    elif value is None and name in usual:
        yield usual[name]
    if value is not None and type(None) in allowed:
        yield None


@functools.cache
def _activations() -> frozenset[str]:
    from transformers.activations import ACT2FN

    return frozenset(ACT2FN)


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """Return what an annotation allows: the members of a union, or itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


@functools.cache
def _defaults() -> dict[tuple[str, str], Counter[str]]:
    """Return field and annotation → how many classes have which default, as JSON, of all that can be read here."""
    counted: dict[tuple[str, str], Counter[str]] = {}
    for cls in dict.fromkeys(_config_classes()):
        for each in dataclasses.fields(cls):
            if (text := _default_of(each)) is not None:
                counted.setdefault((each.name, str(each.type)), Counter())[text] += 1
    return counted


def _config_classes() -> Iterator[type[Any]]:
    for model_type in registries.model_type_names():
        try:
            cls = registries.config_class(model_type)
        except Exception:  # noqa: S112 -- an error of its own row, and none of those that have it not
            continue
        if dataclasses.is_dataclass(cls):
            yield cls


def _default_of(each: dataclasses.Field[Any]) -> str | None:
    """Return the default of a field as JSON; None where there is none, or that is no JSON."""
    default = each.default if each.default_factory is dataclasses.MISSING else each.default_factory()
    if default is None or default is dataclasses.MISSING:
        return None
    try:
        return json.dumps(default, sort_keys=True)
    except (TypeError, ValueError):
        return None


# --- the other names of a field ---------------------------------------------------------------------------------------


def _source_of(cls: type[Any]) -> str:
    try:
        return textwrap.dedent(inspect.getsource(cls))
    except OSError:  # what is imported need not have one
        return ""


@functools.cache
def _taken_for_fields(source: str) -> dict[str, str]:
    """Return what a configuration's class takes out of its `kwargs` → the attribute of its own that it sets to that."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Attribute):
            taken = {name for each in ast.walk(node.value) if (name := _taken(each))}
            found |= {name: node.targets[0].attr for name in taken if len(taken) == 1 and name not in found}
    return found


def _taken(node: ast.AST) -> str | None:
    """Return NAME of `kwargs["NAME"]`, `kwargs.get("NAME")` and `kwargs.pop("NAME")`."""
    match node:
        case ast.Subscript(value=ast.Name(id="kwargs"), slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Name(id="kwargs"), attr="get" | "pop"), args=[first, *_]):
            return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
    return None


# --- what the source compares a field with --------------------------------------------------------------------------


@functools.cache
def _compared_texts(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the name of an attribute → the texts that the modules in a folder of transformers compare it with."""
    texts_of: dict[str, dict[str, None]] = {}
    for kind in ("configuration", "modeling"):
        for path in sorted(folder.glob(f"{kind}_*.py")):
            for name, text in _comparisons(ast.parse(path.read_text(encoding="utf-8"))):
                texts_of.setdefault(name, {})[text] = None
    return {name: tuple(texts) for name, texts in texts_of.items()}


def _comparisons(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each attribute that is compared with a text, or looked for among some."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            names = [side.attr for side in sides if isinstance(side, ast.Attribute)]
            texts = [text for side in sides for text in _texts(side)]
            yield from ((name, text) for name in names for text in texts)


def _texts(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.Constant):
        return (node.value,) if isinstance(node.value, str) else ()
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return tuple(text for item in node.elts for text in _texts(item))
    return ()
