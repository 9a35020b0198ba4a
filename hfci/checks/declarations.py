"""Does what a class declares by name exist?"""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from hfci.catalog import model_type_names, read_row
from hfci.catalog.facts import forward_parameters
from hfci.catalog.registered import is_model_code
from hfci.checks.exceptions import reason
from hfci.errors import Broken

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["declared_names_exist"]


def declared_names_exist(tiny: TinyModel) -> None:
    """Assert that every name in the class's declarations is that of something real.

    A class that is not to be split among devices, an argument that is to stay where it is, a module that is to be kept
    in float32, or split among devices: a name that nothing bears is no error for transformers, which then does nothing.
    A head whose prefix is not the name by which it holds its base finds no weight in that one's checkpoint.
    What only another configuration builds, or another class of the same family, is real too: a name of it is in the
    code of the modules that define the model.
    """
    known = _Known.of(tiny)
    wrong = [
        (declaration, name)
        for declaration, exists in _DECLARED.items()
        for name in sorted(_declared(tiny.model, declaration))
        if not exists(tiny.model, known, name)
    ]
    if wrong:
        shown = "; ".join(f"{declaration} names {name!r}" for declaration, name in wrong)
        names = [f"{declaration}:{name}" for declaration, name in wrong]
        raise Broken(f"{tiny.architecture} declares what does not exist: {shown}", names)


@dataclass(frozen=True)
class _Known:
    """What names there are for a model: classes, arguments of forwards, and whatever the code of its files says.

    `base` is the class that `AutoModel` gives for its configuration; None where the model is a base around that one.
    """

    base: str | None
    classes: frozenset[str]
    arguments: frozenset[str]
    said: frozenset[str]

    @classmethod
    def of(cls, tiny: TinyModel) -> _Known:
        files = {
            base.__module__
            for module in tiny.model.modules()
            for base in type(module).__mro__
            if is_model_code(base.__module__)
        }
        names = [_names_in(sys.modules[name]) for name in sorted(files)]
        classes, arguments, said = (frozenset().union(*part) for part in zip(*names, strict=True))
        classes |= {type(module).__name__ for module in tiny.model.modules()}
        is_part = tiny.config_type not in model_type_names()  # of a model type, and none itself
        base = None if is_part else read_row(tiny.config_type).base
        if base is None or reason(tiny, "declared_names_exist", "own_base") is not None:
            return cls(None, classes, arguments, said)
        return cls(base.name, classes, arguments, said)

    def says(self, pattern: str) -> bool:
        """Tell whether the code says every name that a pattern of names is made of."""
        return set(re.findall(r"[A-Za-z]\w+", pattern)) <= self.said | {"weight", "bias"}


@functools.cache
def _names_in(module: ModuleType) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the classes in a modelling file, the arguments of their forwards, and the names that their code says."""
    classes = {name: value for name, value in vars(module).items() if inspect.isclass(value)}
    functions = [inspect.unwrap(value) for item in classes.values() for value in vars(item).values() if callable(value)]
    arguments = {
        argument
        for item in classes.values()
        if issubclass(item, nn.Module)
        for argument in inspect.signature(item.forward).parameters
    }
    said = {name for function in functions if hasattr(function, "__code__") for name in _said(function.__code__)}
    return frozenset(classes), frozenset(arguments), frozenset(said)


def _said(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, str) and constant.isidentifier():
            yield constant
        elif isinstance(constant, CodeType):
            yield from _said(constant)


def _declared(model: Any, declaration: str) -> set[str]:
    """Return the names that the class of `model`, or its base's configuration, declares; not what all models declare.

    What is fed first is a class's own to say: where it inherits that it may be a part that is fed otherwise.
    """
    if declaration == "main_input_name":
        return _names(vars(type(model)).get(declaration))
    owner: Any = type(model)
    every: Any = PreTrainedModel
    if declaration.startswith("base_model_") and declaration.endswith("_plan"):
        owner, every = model.base_model.config, PreTrainedConfig
    return _names(getattr(owner, declaration, None)) - _names(getattr(every, declaration, None))


def _names(value: Any) -> set[str]:
    if value is None or isinstance(value, str):
        return {value} if value else set()
    return {str(name) for name in value}


def _is_class(_: Any, known: _Known, name: str) -> bool:
    return name in known.classes


def _is_argument(_: Any, known: _Known, name: str) -> bool:
    return name in known.arguments


def _is_own_argument(model: Any, _: _Known, name: str) -> bool:
    return name in forward_parameters(type(model))


def _is_prefix(model: Any, known: _Known, name: str) -> bool:
    """Tell whether it holds something by the name of its prefix, or else no base of its own configuration at all."""
    held = (part for part in model.children() if type(part).__name__ == known.base)
    return hasattr(model, name) or not any(type(part.config) is type(model.config) for part in held)


def _is_kept(model: Any, known: _Known, pattern: str) -> bool:
    return any(re.search(pattern, name) for name in _paths(model)) or known.says(pattern)


def _is_planned(model: Any, known: _Known, name: str) -> bool:
    return name in _general(_paths(model)) or (name.split(".")[0] in dict(model.named_children()) and known.says(name))


def _is_planned_in_base(model: Any, known: _Known, name: str) -> bool:
    return _is_planned(model.base_model, known, name)


def _is_child_of_base(model: Any, _: _Known, name: str) -> bool:
    return name in _general(_paths(model.base_model))


def _paths(model: nn.Module) -> set[str]:
    """Return the names of all modules, parameters and buffers."""
    return {
        name
        for named in (
            model.named_modules(remove_duplicate=False),
            model.named_parameters(remove_duplicate=False),
            model.named_buffers(remove_duplicate=False),
        )
        for name, _ in named
    }


def _general(names: Iterable[str]) -> set[str]:
    """Return the names with `*` for the number of a layer or an expert."""
    return {re.sub(r"(?<![^.])\d+(?![^.])", "*", name) for name in names}


_DECLARED: Mapping[str, Callable[[Any, _Known, str], bool]] = {
    "base_model_prefix": _is_prefix,
    "main_input_name": _is_own_argument,
    "_no_split_modules": _is_class,
    "_skip_keys_device_placement": _is_argument,
    "_keep_in_fp32_modules": _is_kept,
    "_keep_in_fp32_modules_strict": _is_kept,
    "_keys_to_ignore_on_load_missing": _is_kept,
    "_keys_to_ignore_on_save": _is_kept,
    "_tp_plan": _is_planned,
    "_ep_plan": _is_planned,
    "_pp_plan": _is_planned,
    "_fsdp_plan": _is_planned,
    "base_model_tp_plan": _is_planned_in_base,
    "base_model_ep_plan": _is_planned_in_base,
    "base_model_fsdp_plan": _is_planned_in_base,
    "base_model_pp_plan": _is_child_of_base,
}
