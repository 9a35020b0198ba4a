"""Does a name that is another word for a newer one, or the general word for a model's own, mean the same?"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from huggingface_hub.errors import StrictDataclassError
from torch import Tensor
from transformers import PreTrainedConfig

from hfci.catalog.aliases import argument_aliases, field_aliases
from hfci.catalog.facts import entry_point
from hfci.catalog.registries import quiet
from hfci.checks.applicability import NotApplicable
from hfci.checks.running import reference, reference_forward, run
from hfci.checks.tensors import named_tensors, same_bits
from hfci.tiny.derived_fields import drop_computed
from hfci.tiny.inputs.context import configs

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["deprecated_names_equal_new"]


def deprecated_names_equal_new(tiny: TinyModel) -> None:
    """Assert that the other names of a configuration's fields, of arguments and of outputs do what the names do.

    A configuration made of a field's other name, of its `attribute_map`, is the one made of its name: also in what
    follows from that field. A forward that is given one of its inputs by the old name of an argument gives the same
    bits; the old name of any other, a cache, is of an argument that it has. What it gives answers to the old names of
    its fields.

    Raises `NotApplicable` where nothing has another name.
    """
    asked, problems = 0, []
    with quiet():  # what is deprecated warns
        for part in {type(part): part for part in configs(tiny.config)}.values():
            for wrong in _of_fields(part):
                asked += 1
                problems += wrong
        for wrong in (*_of_arguments(tiny), *_of_outputs(tiny)):
            asked += 1
            problems += wrong
    if problems:
        raise AssertionError("; ".join(problems[:8]))
    if not asked:
        raise NotApplicable("no field of its configuration, argument or output has another name")


def _of_fields(config: PreTrainedConfig) -> Iterator[list[str]]:
    """Yield what is wrong with each other name of a field of `config`."""
    fields = config.to_dict()
    drop_computed(fields)
    wanted = None
    for alias, name in config.attribute_map.items():
        if name not in fields or alias in fields:
            continue
        wanted = wanted or type(config).from_dict(copy.deepcopy(fields)).to_dict()
        renamed = {alias if field == name else field: value for field, value in copy.deepcopy(fields).items()}
        what = f"{type(config).__name__} given {alias} for {name}"
        try:
            result = type(config).from_dict(renamed).to_dict()
        except (ValueError, StrictDataclassError) as error:
            yield [f"{what} is refused: {error}"]
            continue
        yield [
            f"{what} has another {field}: {result.get(field)!r:.40}, not {value!r:.40}"
            for field, value in wanted.items()
            if result.get(field) != value
        ]


def _of_arguments(tiny: TinyModel) -> Iterator[list[str]]:
    """Yield what is wrong with each old name of an argument."""
    forward = entry_point(type(tiny.model))
    taken = inspect.signature(forward).parameters
    is_open = any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values())
    for old, new in argument_aliases(forward).items():
        inputs = tiny.inputs()
        if new in inputs:
            inputs[old] = inputs.pop(new)
            yield _changes(reference(tiny), named_tensors(run(tiny, inputs)), f"given {old} for {new}")
        else:
            yield [] if new in taken or is_open else [f"{old} is the old name of {new}, which it does not take"]


def _changes(wanted: Mapping[str, Tensor], got: Mapping[str, Tensor], when: str) -> list[str]:
    return [f"{when}: {name}" for name in wanted if name not in got or not same_bits(wanted[name], got[name])]


def _of_outputs(tiny: TinyModel) -> Iterator[list[str]]:
    """Yield what is wrong with each old name of a field of its outputs."""
    outputs = reference_forward(tiny)
    kind: Any = type(outputs)
    for old, new in field_aliases(kind).items() if hasattr(kind, "__dataclass_fields__") else ():
        value = outputs
        for name in new.split("."):
            value = getattr(value, name, None)
        try:
            yield [] if getattr(outputs, old) is value else [f"{old} of its outputs is not {new}"]
        except AttributeError as error:
            yield [f"the old name {old} of its outputs raises where they have no {new}: {error}"]
