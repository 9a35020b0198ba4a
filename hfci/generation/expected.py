"""What is expected of an architecture's outputs: lines of its test file, derived from its facts and its recipe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hfci.catalog.facts import forward_parameters
from hfci.catalog.outputs import gives_tensor, output_fields
from hfci.catalog.registries import find_class
from hfci.generation.shapes import Shapes, shapes
from hfci.tiny.model import default_config_of, recipe_of
from hfci.tiny.recipes import Recipe, recipe_for

if TYPE_CHECKING:
    from hfci.catalog import Architecture

__all__ = ["ExpectedOutputs", "Known", "derived", "expected_outputs", "known"]


@dataclass(frozen=True)
class ExpectedOutputs:
    """What a test file shows of an architecture's outputs: the line that makes them, and those that assert of them."""

    forward: str
    lines: tuple[str, ...]

    @property
    def reads_inputs(self) -> bool:
        """Whether any of them says something of what the model was given."""
        return any(re.search(r"\binputs\b", line) for line in (self.forward, *self.lines))


@dataclass(frozen=True)
class Known:
    """What the expectations are derived from.

    `facts` are those that rules of checks read, and beside them: `output:NAME` and `param:NAME` by every name of a
    field or parameter; `config:FIELD`, the default configuration has it, and `config:FIELD=VALUE` of one that is true,
    false or a list; `config:text_part`, the text's configuration is a part of it; `recipe:INPUT` and
    `recipe:INPUT=VALUE`, how the recipe makes an input; `flag:gives_tensor`; `flag:outputs_untold`; `flag:keeps_cache`,
    it can be told to; and `flag:has_channels`, the class says how many its feature maps have. `spelled` has every name
    of an output field → how this release spells it.
    """

    facts: frozenset[str]
    spelled: Mapping[str, str]
    recipe: Recipe


def expected_outputs(architecture: Architecture, role: Literal["base", "head"]) -> ExpectedOutputs:
    """Return what is expected of the outputs of `architecture`, which is the base of its model type or another one.

    The recipe's shapes come first, then those that a head has by its auto class, then those of the family. Raises
    UsageError where nothing is said of the family.
    """
    return derived(known(architecture), architecture.family, role, shapes())


def derived(found: Known, family: str, role: Literal["base", "head"], table: Shapes) -> ExpectedOutputs:
    """Return what `table` and the recipe say of outputs of which that is `found`."""
    facts, spelled = found.facts, found.spelled
    own = list(_of_recipe(found, table)) or (table.lines("head", facts, spelled) if role == "head" else [])
    (forward,) = table.lines("plain_forward" if own and role == "head" else "forward", facts, spelled)
    return ExpectedOutputs(forward, tuple(own or table.of_family(family, facts, spelled)))


def known(architecture: Architecture) -> Known:
    """Return what is known of `architecture`. Raises whatever its modules do when they are imported."""
    model_type, name = architecture.model_type, architecture.name
    cls = find_class(model_type, name)
    fields = output_fields(cls)
    config = _default_config(model_type, name)
    recipe = recipe_for(model_type, name) if config is None else recipe_of(model_type, name, config)
    parameters = forward_parameters(cls)
    facts = {f"output:{field}" for field in fields} | {f"param:{parameter}" for parameter in parameters}
    facts |= set(_facts("config", _attributes(config))) | set(_facts("recipe", recipe.inputs))
    flags = {
        "flag:gives_tensor": not fields and gives_tensor(cls),
        "flag:outputs_untold": not fields,
        "flag:keeps_cache": architecture.can_generate
        or "use_cache" in parameters
        or ("cache" in parameters and "cross_attentions" not in fields),  # such a part keeps what it is given
        "flag:has_channels": hasattr(cls, "channels"),
        "config:text_part": _is_nested(config),
    }
    facts |= {fact for fact, holds in flags.items() if holds}
    return Known(architecture.known_facts | facts, fields, recipe)


def _of_recipe(found: Known, table: Shapes) -> Iterator[str]:
    """Yield the lines of the shapes that the recipe gives: none where no field of the architecture is meant."""
    by_field = {field: shape for field, shape in found.recipe.shapes.items() if field in found.spelled}
    if not by_field:
        return
    words = " ".join(dimension for shape in found.recipe.shapes.values() for dimension in shape)
    for name, word in (("batch_and_length", "length"), ("batch", "batch")):
        if re.search(rf"\b{word}\b", words):
            yield from table.lines(name, found.facts, found.spelled)
            break
    if "config." in words:
        yield "config = tiny.config"
    for field, shape in by_field.items():
        if len(shape) == 1:
            yield f"assert outputs.{field}.shape == ({shape[0]},)"
        else:
            yield from (f"assert outputs.{field}.shape == (", *(f"    {dimension}," for dimension in shape), ")")


def _facts(kind: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the facts about what has a name: that it is there, and its value where that is a word."""
    for name, value in values.items():
        yield f"{kind}:{name}"
        if isinstance(value, bool | str):
            yield f"{kind}:{name}={str(value).lower()}"
        elif isinstance(value, list | tuple):
            yield f"{kind}:{name}=list"


def _default_config(model_type: str, architecture: str) -> Any:
    try:
        return default_config_of(model_type, architecture)
    except Exception:  # a few have no default, whatever they are told: nothing is known of their fields
        return None


def _attributes(config: Any) -> dict[str, Any]:
    """Return name → value of the attributes of a configuration."""
    if config is None:
        return {}
    return {**vars(config), **{alias: getattr(config, name, None) for alias, name in config.attribute_map.items()}}


def _is_nested(config: Any) -> bool:
    try:
        return config is not None and config.get_text_config(decoder=True) is not config
    except ValueError:  # more than one part that could be the text's
        return False
