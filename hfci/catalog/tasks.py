"""Which pipeline tasks an architecture can serve: those whose table lists it, less what a rule excludes.

The rules are data (`data/tasks.toml`): each compares what a pipeline asks with what the architecture and the registries
have. Nothing here is needed to build or run a model; pipelines are imported when a task is first asked for.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import msgspec

from hfci.catalog import registries
from hfci.catalog.documented import documented_processors
from hfci.catalog.facts import declared_modalities, forward_parameters, input_modalities, signature_of
from hfci.catalog.outputs import gives_tensor, output_fields, source_of
from hfci.catalog.pipelines import FIRST, MODALITIES, Generates, Needs, PipelineUnknown, needs_of
from hfci.catalog.sources import SourceClass, read_class
from hfci.errors import FOREIGN, in_one_line, nearest
from hfci.parsing import Names, Reason, Text, read_toml

# What processors that bundle others are handed, by name.
_MEDIA = "audio|images|text|videos"

__all__ = ["TaskFile", "TaskRule", "TaskVerdict", "asked_for", "rules", "tasks_of"]


class TaskRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What excludes: something of the list `wants` is not in the list `has`."""

    name: Text
    reason: Reason
    wants: str
    has: str

    def __post_init__(self) -> None:
        """Raise ValueError for a list that nobody makes."""
        for name in (self.wants, self.has):
            if name not in _LISTS:
                raise ValueError(f"no list {name!r:.80}; there are {', '.join(_LISTS)}.{nearest(name, _LISTS)}")


class _Tokenizer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    wants: Names


class _Features(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    first: Names


class TaskFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `data/tasks.toml` holds, where it is explained."""

    rule: tuple[TaskRule, ...]
    generic: Mapping[Text, Text]
    tokenizer: _Tokenizer
    features: _Features


@dataclass(frozen=True)
class TaskVerdict:
    """Whether an architecture can serve `task`; if not, the first `rule` that excludes it and what it `lacks`.

    `error` says why that cannot be told: a pipeline that hfci does not understand serves nothing, by no rule.
    """

    task: str
    allowed: bool
    rule: str | None = None
    lacks: tuple[str, ...] = ()
    error: str | None = None


@functools.cache
def rules() -> tuple[TaskRule, ...]:
    """Return the rules, in the order in which they are tried."""
    return _data().rule


def tasks_of(model_type: str, architecture: str, auto_classes: Iterable[str]) -> tuple[TaskVerdict, ...]:
    """Return a verdict on each pipeline task whose table lists one of `auto_classes`, in the tables' order."""
    by_auto_class = registries.tasks_by_auto_class()
    pairs = dict.fromkeys(pair for auto in auto_classes for pair in by_auto_class.get(auto, ()))
    if not pairs:
        return ()
    try:
        side = _Side(model_type, registries.find_class(model_type, architecture))
    except FOREIGN as error:
        return tuple(TaskVerdict(task, allowed=False, error=in_one_line(error)) for task, _ in pairs)
    return tuple(_judge(task, dotted, side) for task, dotted in pairs)


def _judge(task: str, dotted: str, side: _Side) -> TaskVerdict:
    """Try the rules one after the other, if the pipeline and the class can be understood."""
    try:
        return _judged(task, needs_of(_pipeline(dotted)), side)
    except (PipelineUnknown, ImportError, AttributeError) as error:
        return TaskVerdict(task, allowed=False, error=str(error))
    except FOREIGN as error:  # of what the class or its parts say of themselves
        return TaskVerdict(task, allowed=False, error=in_one_line(error))


def _judged(task: str, needs: Needs, side: _Side) -> TaskVerdict:
    for rule in rules():
        has = _LISTS[rule.has](needs, side)
        if has is None:
            continue
        lacks = [want for want in _LISTS[rule.wants](needs, side) if not has & set(want.split("|"))]
        if lacks:
            return TaskVerdict(task, allowed=False, rule=rule.name, lacks=tuple(sorted(lacks)))
    return TaskVerdict(task, allowed=True)


class _Side:
    """What the rules may ask of an architecture of a model type, each found out when it is."""

    def __init__(self, model_type: str, cls: type[Any]) -> None:
        self.cls: Any = cls
        self.model_type = model_type
        self.parameters = frozenset(forward_parameters(cls))
        mains = cls.main_input_name
        self.mains = frozenset([mains] if isinstance(mains, str) else mains)

    @functools.cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of processor that there are for the model type."""
        own = set(registries.processors_of(self.model_type)) | set(documented_processors(self.model_type))
        main_inputs = {self.inputs(kind)[:1] for kind in own}
        return frozenset(own | {kind for kind in _data().generic if self.inputs(kind)[:1] not in main_inputs})

    @functools.cached_property
    def modalities(self) -> frozenset[str]:
        """The modalities of forward's parameters, and what the class declares but for transformers' own default."""
        declared = declared_modalities(self.cls)
        return frozenset(input_modalities(self.cls)) | frozenset(() if declared == ("text",) else declared)

    @functools.cached_property
    def fields(self) -> frozenset[str] | None:
        """The output fields, with `[0]` where what comes first is features; None where that cannot be told."""
        fields = output_fields(self.cls)
        if not fields:
            return frozenset([FIRST]) if gives_tensor(self.cls) else None
        first = next((name for name in fields if name != "loss"), "")
        return frozenset([*fields, FIRST] if first in _data().features.first else fields)

    @functools.cached_property
    def required(self) -> frozenset[str]:
        """The inputs without which forward does not run."""
        wants = {want for want in _asked_for(self.cls) if set(want.split("|")) <= self.parameters}
        if self._begins_its_decoder():
            wants = {want for want in wants if "decoder_input_ids" not in want.split("|")}
        return frozenset(_without_default(self.cls) | wants | self._beside())

    def _beside(self) -> set[str]:
        """Return what is needed beside: the text that another modality is put into, and what a decoder begins with."""
        mixed = {"input_ids"} if len(self.modalities - {"hidden-states"}) > 1 else set()
        decoded = set() if self._begins_its_decoder() else {"decoder_input_ids"}
        return (mixed | decoded) & self.parameters

    def _begins_its_decoder(self) -> bool:
        if "decoder_input_ids" not in self.parameters:
            return True
        names = registries.model_tables()["BASE"].get(self.model_type, ())
        bases: list[Any] = [registries.find_class(self.model_type, name) for name in names]
        return any(_begins_its_decoder(cls) for cls in (self.cls, *bases))

    def processor(self, kind: str) -> SourceClass | None:
        """Return the model type's processor of that kind, or a generic one; None where its source is not there."""
        registered = registries.processor_tables()[kind].get(self.model_type)
        own = registered or documented_processors(self.model_type).get(kind, ())
        names = (*own, _data().generic.get(kind))
        return next((processor for name in names if name and (processor := read_class(name))), None)

    def inputs(self, kind: str) -> tuple[str, ...]:
        """Return the names of what the processor of that kind gives, the most important first; none if unknown."""
        processor = self.processor(kind)
        return processor.strings("model_input_names") if processor else ()


def _without_default(cls: type[Any]) -> set[str]:
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = signature_of(cls.forward).parameters.values()
    return {
        parameter.name
        for parameter in parameters
        if parameter.kind in named and parameter.default is parameter.empty and parameter.name != "self"
    }


@functools.cache
def _asked_for(cls: Any) -> frozenset[str]:
    return asked_for(_forward_tree(cls))


def asked_for(forward: ast.FunctionDef) -> frozenset[str]:
    """Return the inputs, `a|b` for one of either, that a forward raises an error for when they are None."""
    wants: set[str] = set()

    def look(body: list[ast.stmt], absent: frozenset[str]) -> None:
        for statement in body:
            if not isinstance(statement, ast.If):
                continue
            if names := _tested_for_none(statement.test):
                if isinstance(statement.body[0], ast.Raise):
                    wants.add("|".join(sorted(absent | names)))
                else:
                    look(statement.body, absent | names)
            look(statement.orelse, absent | _given(statement.test))

    look(forward.body, frozenset())
    return frozenset(wants)


def _tested_for_none(test: ast.expr) -> frozenset[str]:
    """Return the names that are all None where `test` holds: `a is None`, both with `and`, or exactly one with `^`.

    Or by count: `sum(x is None for x in [a, b, c]) != 2`.
    """
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        parts = [_tested_for_none(value) for value in test.values]
        return frozenset().union(*parts) if all(parts) else frozenset()
    if isinstance(test, ast.BinOp) and isinstance(test.op, ast.BitXor):
        sides = [test.left, test.right]
        names = {side.left.id for side in sides if isinstance(side, ast.Compare) and isinstance(side.left, ast.Name)}
        return frozenset(names) if len(names) == len(sides) else frozenset()
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.NotEq):
        return _counted_for_none(test.left)
    is_none = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is) and isinstance(test.left, ast.Name)
    return frozenset([test.left.id]) if is_none else frozenset()  # type: ignore[attr-defined]


def _given(test: ast.expr) -> frozenset[str]:
    """Return the name that is None where `test`, `a is not None`, does not hold; none of another test."""
    is_given = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot) and isinstance(test.left, ast.Name)
    return frozenset([test.left.id]) if is_given else frozenset()  # type: ignore[attr-defined]


def _counted_for_none(call: ast.expr) -> frozenset[str]:
    """Return the names of which `call`, `sum(x is None for x in [a, b])`, counts those that are None; else none."""
    argument = call.args[0] if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "sum" else None
    if not isinstance(argument, ast.GeneratorExp) or not _tested_for_none(argument.elt):
        return frozenset()
    listed = argument.generators[0].iter
    return frozenset(each.id for each in getattr(listed, "elts", ()) if isinstance(each, ast.Name))


@functools.cache
def _begins_its_decoder(cls: Any) -> bool:
    """Say whether forward makes decoder_input_ids where it is given neither them nor labels."""

    def makes(node: ast.AST) -> bool:
        if isinstance(node, ast.Assign):
            return any(
                getattr(part, "id", "") == "decoder_input_ids" for target in node.targets for part in ast.walk(target)
            )
        if isinstance(node, ast.If) and any(getattr(part, "id", "") == "labels" for part in ast.walk(node.test)):
            return False
        return any(makes(child) for child in ast.iter_child_nodes(node))

    return makes(_forward_tree(cls))


@functools.cache
def _forward_tree(cls: Any) -> ast.FunctionDef:
    tree = ast.parse(textwrap.dedent(source_of(inspect.unwrap(cls.forward)))).body[0]
    return tree if isinstance(tree, ast.FunctionDef) else ast.parse("def forward(): ...").body[0]  # type: ignore[return-value]


def _pipeline(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _generating(needs: Needs, side: _Side) -> bool:
    """Say whether the pipeline generates with this model."""
    return needs.generates is not Generates.NEVER and side.cls.can_generate()


def _runs_forward(needs: Needs, side: _Side) -> bool:
    """Say whether the pipeline calls the model itself: it does not generate with it, nor has a method of it instead."""
    instead = {name for want in needs.asks if "|" in want for name in want.split("|")}
    return not _generating(needs, side) and not instead & _methods(needs, side)


def _fed(needs: Needs, side: _Side) -> set[str] | None:
    """Return all that the pipeline hands the model; None where that cannot be told."""
    kinds = [kind for want in needs.feeds for kind in want.split("|") if kind in side.kinds]
    if any(MODALITIES[kind] is None or not side.inputs(kind) for kind in kinds):
        return None
    return {name for kind in kinds for name in side.inputs(kind)}


def _main_inputs(needs: Needs, side: _Side) -> set[str]:
    """Return the first input that each processor gives; where the pipeline generates, its modality will do as well."""
    inputs = set()
    for want in needs.feeds:
        names = [side.inputs(kind)[0] for kind in want.split("|") if kind in side.kinds and side.inputs(kind)]
        if _generating(needs, side):
            names += [modality for kind in want.split("|") if (modality := MODALITIES[kind])]
        inputs |= {"|".join(names)} - {""}
    return inputs


def _required(needs: Needs, side: _Side) -> set[str]:
    if _generating(needs, side):  # `generate` begins with the main input and makes what else forward requires
        return {"|".join(sorted(side.mains))}
    return set(side.required) if _runs_forward(needs, side) else set()


def _asks(needs: Needs, side: _Side, fits: Callable[[str], bool]) -> set[str]:
    if not _runs_forward(needs, side):
        return set()
    return {want for want in needs.asks if any(map(fits, want.split("|")))}


def _methods_called(needs: Needs, side: _Side) -> set[str]:
    own = {"forward()"} if _runs_forward(needs, side) else set()
    return own | {want for want in needs.asks if want.endswith("()") and "|" not in want}


def _methods(needs: Needs, side: _Side) -> set[str]:
    from torch import nn

    names = {name for want in needs.asks for name in want.split("|") if name.endswith("()")}
    methods = {name for name in names if hasattr(side.cls, name.removesuffix("()"))}
    return methods if side.cls.forward is nn.Module.forward else methods | {"forward()"}


def _tokenizer_arguments(needs: Needs, side: _Side) -> set[str]:
    tokenizer = side.processor("tokenizer") if "tokenizer" in needs.feeds else None
    return set(_data().tokenizer.wants) & set(tokenizer.parameters("__call__")) if tokenizer else set()


def _processor_arguments(_: Needs, side: _Side) -> set[str] | None:
    """Return what the processor that bundles the others takes by name; None where that cannot be told."""
    processor = side.processor("processor")
    return set(processor.parameters("__call__")) or None if processor else None


def _plain(word: str) -> bool:
    return word != FIRST and not word.endswith(("()", "="))


# The lists that a rule may name → how each is made; None excludes nothing.
_LISTS: dict[str, Callable[[Needs, _Side], Any]] = {
    "loaded processors": lambda needs, _: needs.loads,
    "registered processors": lambda _, side: side.kinds,
    "tokenizer arguments": _tokenizer_arguments,
    "arguments handed over": lambda needs, _: needs.mentions,
    "media handed to a processor": lambda needs, _: {_MEDIA} if "processor" in needs.feeds else set(),
    "processor arguments": _processor_arguments,
    "fed inputs": _main_inputs,
    "taken inputs": lambda _, side: side.parameters | side.mains | side.modalities,
    "required inputs": _required,
    "all fed inputs": _fed,
    "generation wanted": lambda needs, _: {"generate()"} if needs.generates is Generates.ALWAYS else set(),
    "generation": lambda _, side: {"generate()"} if side.cls.can_generate() else set(),
    "methods called": _methods_called,
    "methods": _methods,
    "arguments passed": lambda needs, side: _asks(needs, side, lambda w: w.endswith("=")),
    "parameters": lambda needs, side: {f"{name}=" for name in side.parameters} | _methods(needs, side),
    "fields read": lambda needs, side: {w for w in _asks(needs, side, _plain) if FIRST not in w.split("|")},
    "first field read": lambda needs, side: _asks(needs, side, lambda w: w == FIRST),
    "fields given": lambda needs, side: None if side.fields is None else side.fields | _methods(needs, side),
}


@functools.cache
def _data() -> TaskFile:
    return read_toml(files("hfci.catalog") / "data" / "tasks.toml", TaskFile, "the tasks")
