"""The modules of a model that are built from the configuration of one of its parts.

Some parts keep their configuration and some do not, so that a finished model does not tell. Its construction does: the
model is built once more while Python's profiler watches which module is made of what.
"""

from __future__ import annotations

import copy
import functools
import inspect
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

from torch import nn

from hfci.catalog import read_row, registries
from hfci.catalog.parts import parents_of
from hfci.errors import FOREIGN
from hfci.tiny.layout import placed
from hfci.tiny.model import TinyModel, tiny_config
from hfci.tiny.recipes import recipe_for

__all__ = ["host_of", "part_inputs", "part_modules"]


def part_modules(tiny: TinyModel, part: str) -> dict[str, nn.Module]:
    """Return the modules of `tiny` that are built from the configuration of the model type `part`, by name.

    A module is, where its constructor is handed such a configuration, or where fields of it stand among the arguments,
    or where the constructor reads more fields of it than of any other. Of modules within one another, the outermost.
    """
    names = _names(type(tiny.model), tiny.config, part)
    return {name: tiny.model.get_submodule(name) for name in names}


def _names(cls: type[Any], config: Any, part: str) -> list[str]:
    """Return the names of those modules of a `cls` made of `config`."""
    import torch

    watch = _Watch(registries.config_class(part))
    before = sys.getprofile()
    with torch.random.fork_rng(devices=[]):
        sys.setprofile(watch)
        try:
            model = cls._from_config(copy.deepcopy(config))
        finally:
            sys.setprofile(before)
    ids = watch.made()
    names = [name for name, module in model.named_modules() if name and id(module) in ids]
    return [name for name in names if not any(name.startswith(f"{other}.") for other in names)]


def part_inputs(tiny: TinyModel, part: str, rows: Sequence[int] = (0, 1)) -> dict[str, Any]:
    """Return the inputs of `tiny`, and those that the recipe of `part` says it wants besides for the part to run."""
    import torch

    from hfci.tiny.inputs.context import Context
    from hfci.tiny.inputs.spec import from_spec

    inputs = tiny.inputs(rows)
    for name, spec in recipe_for(part).host_inputs.items():
        values = [
            from_spec(name, spec, Context(tiny.model, tiny.config, row, tiny.seed, made=_row(inputs, place, len(rows))))
            for place, row in enumerate(rows)
        ]
        inputs[name] = placed(
            torch.cat(values) if isinstance(values[0], torch.Tensor) else values[0], tiny.device, tiny.layout
        )
    return inputs


def _row(inputs: Mapping[str, Any], place: int, rows: int) -> dict[str, Any]:
    """Return the row at `place` of each input that has one for every row."""
    return {
        name: value[place : place + 1]
        for name, value in inputs.items()
        if hasattr(value, "shape") and value.shape[:1] == (rows,)
    }


@functools.cache
def host_of(part: str) -> tuple[str, str] | None:
    """Return model type and architecture of the model that `part` is tried in; None where no model type holds it.

    It is the first architecture of the parents of `part`, the base of each before its heads, that has a module of it.
    One that cannot be built here is taken too: its test says what stops it.
    """
    for parent in parents_of(part):
        row = read_row(parent)
        for architecture in sorted(row.architectures, key=lambda architecture: architecture != row.base):
            try:
                cls = registries.find_class(parent, architecture.name)
                held = bool(_names(cls, tiny_config(parent, architecture.name), part))
            except FOREIGN:
                held = True
            if held:
                return parent, architecture.name
    return None


class _Watch:
    """A profile function: told of every call while a model is built, it notes what each module is made of."""

    def __init__(self, config: type[Any]) -> None:
        from transformers import PreTrainedConfig

        self._config = config
        self._any_config = PreTrainedConfig
        self._modules: list[nn.Module] = []  # kept alive, so that none has the id of another
        self._handed: set[int] = set()
        self._reads: defaultdict[int, set[tuple[type[Any], str]]] = defaultdict(set)
        # what a constructor has read so far, of which an expression of these lines may make another module
        self._pending: defaultdict[FrameType, list[tuple[int, tuple[type[Any], str]]]] = defaultdict(list)

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_name
        if event == "return" and name == "__init__":
            self._pending.pop(frame, None)
        elif event == "call" and name == "__init__":
            self._constructed(frame)
        elif event == "call" and name == "__getattribute__":
            self._read(frame)

    def made(self) -> set[int]:
        """Return the ids of the modules that are made of the configuration."""
        most = {module: Counter(kind for kind, _ in reads).most_common(2) for module, reads in self._reads.items()}
        readers = {
            module
            for module, ((kind, count), *others) in most.items()
            if kind is self._config and all(other < count for _, other in others)
        }
        return self._handed | readers

    def _constructed(self, frame: FrameType) -> None:
        module, *arguments = _arguments(frame)
        if not isinstance(module, nn.Module):
            return
        self._modules.append(module)
        if any(type(argument) is self._config for argument in arguments):
            self._handed.add(id(module))
        if frame.f_back is not None and frame.f_back in self._pending:
            lines = _lines(frame.f_back)
            self._reads[id(module)] |= {read for line, read in self._pending.pop(frame.f_back) if line in lines}
            if not self._reads[id(module)]:
                del self._reads[id(module)]

    def _read(self, frame: FrameType) -> None:
        config, name, *_ = _arguments(frame)
        reader = frame.f_back
        if not isinstance(config, self._any_config) or reader is None:
            return
        line = reader.f_lineno
        while reader is not None and reader.f_code.co_name.startswith("<"):  # a comprehension or a lambda
            reader = reader.f_back
        if reader is not None and reader.f_code.co_name == "__init__":
            module = next(iter(_arguments(reader)), None)
            if isinstance(module, nn.Module):
                self._reads[id(module)].add((type(config), name))
                self._pending[reader].append((line, (type(config), name)))


def _arguments(frame: FrameType) -> tuple[Any, ...]:
    """Return the arguments that the function of `frame` was called with, as far as it still has them."""
    code, values = frame.f_code, frame.f_locals
    stars = bool(code.co_flags & inspect.CO_VARARGS), bool(code.co_flags & inspect.CO_VARKEYWORDS)
    named = code.co_argcount + code.co_kwonlyargcount
    arguments = [values.get(name) for name in code.co_varnames[:named]]
    rest = [values.get(name) for name in code.co_varnames[named : named + sum(stars)]]
    for star in rest:
        arguments += list(star.values()) if isinstance(star, dict) else list(star or ())
    return tuple(arguments)


def _lines(frame: FrameType) -> range:
    """Return the lines of the expression that `frame` is at: of a call, with all its arguments."""
    first, last = _positions(frame.f_code)[frame.f_lasti // 2]
    return range(0) if first is None or last is None else range(first, last + 1)


def _positions(code: CodeType) -> list[tuple[int | None, int | None]]:
    return [(first, last) for first, last, *_ in code.co_positions()]
