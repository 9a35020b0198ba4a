"""What a pipeline asks of its model, read off the flags and the source of its class: nothing of it is typed here.

A pipeline loads processors (`_load_tokenizer = True`), hands what they give to the model (`self.tokenizer` in
`preprocess`), and reads fields of what the model gives back (`model_outputs["logits"]` in `postprocess`). The source is
followed from method to method and from variable to variable, so that what was taken from somewhere else, another
processor's answer or `generate`, is not mistaken for the model's.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["FIRST", "MODALITIES", "Generates", "Needs", "PipelineUnknown", "needs_of"]

# Kinds of processor that a pipeline may load → the modality that one of them takes; a `processor` bundles several.
MODALITIES = {
    "tokenizer": "text",
    "image_processor": "image",
    "video_processor": "video",
    "feature_extractor": "audio",
    "processor": None,
}
_LOAD = "_load_"

FIRST = "[0]"

# The ends of a pipeline: what goes to the model, and what comes from it.
_BEFORE, _AFTER = ("preprocess",), ("_forward", "postprocess")


class PipelineUnknown(ValueError):
    """A pipeline that loads something hfci has no word for, or whose source says too little."""


class Generates(StrEnum):
    """Whether a pipeline calls `generate`: always, where the model can, or never."""

    ALWAYS = "always"
    WHERE_IT_CAN = "where it can"
    NEVER = "never"


@dataclass(frozen=True)
class Needs:
    """What one pipeline class asks of a model and its model type. `a|b` is either of the two.

    `loads`: kinds of processor without which it cannot be made. `feeds`: those whose output goes to the model.
    `mentions`: the names under which it hands things over.
    `asks`: of the model, `method()`, and `argument=` where it hands one to forward; of what the model gives, the name
    of a field, and `[0]` for the first, whichever it is.
    """

    loads: frozenset[str]
    feeds: frozenset[str]
    mentions: frozenset[str]
    asks: frozenset[str]
    generates: Generates


@functools.cache
def needs_of(pipeline: type[Any]) -> Needs:
    """Return what `pipeline` needs. Raises PipelineUnknown where its flags or its source are not understood."""
    flags = _flags(pipeline)
    methods = _methods(pipeline)
    before, after = _reached(methods, _BEFORE), _reached(methods, _AFTER)
    if not before or not after:
        raise PipelineUnknown(f"{pipeline.__name__} has no {_BEFORE[0]} or no {' or '.join(_AFTER)} of its own")
    fed = {kind for kind in flags if any(_is_own(node, kind) for node in _walk(before))}
    loads = {kind for kind, flag in flags.items() if flag}
    feeds = loads & fed or {"|".join(sorted(kind for kind in fed if flags[kind] is None))} - {""}
    return Needs(
        loads=frozenset(loads or feeds),
        feeds=frozenset(feeds),
        mentions=frozenset(_mentioned(before)),
        asks=_reads(methods, before, after),
        generates=_generates(pipeline, after),
    )


def _flags(pipeline: type[Any]) -> dict[str, bool | None]:
    """Return kind of processor → True (loads it), None (loads it where there is one) or False."""
    flags = {name.removeprefix(_LOAD): getattr(pipeline, name) for name in dir(pipeline) if name.startswith(_LOAD)}
    for kind, flag in flags.items():
        if kind not in MODALITIES:
            raise PipelineUnknown(f"{pipeline.__name__} loads a {kind!r}, which is no kind of processor known to hfci")
        if flag not in (True, False, None):
            raise PipelineUnknown(f"{pipeline.__name__}.{_LOAD}{kind} is {flag!r}, neither True, False nor None")
    if not any(flag is None or flag for flag in flags.values()):
        raise PipelineUnknown(f"{pipeline.__name__} loads no processor")
    return {kind: flag for kind, flag in flags.items() if flag is not False}


def _methods(pipeline: type[Any]) -> dict[str, ast.FunctionDef]:
    """Return name → syntax tree of the methods that `pipeline` and its parents up to transformers' base define."""
    methods: dict[str, ast.FunctionDef] = {}
    for owner in reversed(pipeline.__mro__):
        if owner is object or owner.__module__ in ("transformers.pipelines.base", "transformers.utils.hub"):
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
        except (OSError, TypeError) as error:
            raise PipelineUnknown(f"{pipeline.__name__} has no source to read: {error}") from error
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        methods |= {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    return methods


def _reached(methods: dict[str, ast.FunctionDef], starts: Iterable[str]) -> dict[str, ast.FunctionDef]:
    """Return the methods of the class that are called from `starts`, themselves among them."""
    reached: dict[str, ast.FunctionDef] = {}
    waiting = [name for name in starts if name in methods]
    while waiting:
        name = waiting.pop(0)
        reached[name] = methods[name]
        called = {
            node.attr for node in ast.walk(methods[name]) if isinstance(node, ast.Attribute) and _is_self(node.value)
        }
        waiting += sorted(called & methods.keys() - reached.keys() - {"__call__"})
    return reached


def _walk(methods: dict[str, ast.FunctionDef]) -> Iterator[ast.AST]:
    for method in methods.values():
        yield from ast.walk(method)


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _is_own(node: ast.AST, *names: str) -> bool:
    """Say whether `node` is `self.NAME`."""
    return isinstance(node, ast.Attribute) and node.attr in names and _is_self(node.value)


def _mentioned(methods: dict[str, ast.FunctionDef]) -> Iterator[str]:
    """Yield the names under which something is handed over: of keywords, keys and plain arguments."""
    for node in _walk(methods):
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Subscript) and (key := _text(node.slice)):
            yield key
        elif isinstance(node, ast.Call):
            yield from (argument.id for argument in node.args if isinstance(argument, ast.Name))


def _text(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _generates(pipeline: type[Any], after: dict[str, ast.FunctionDef]) -> Generates:
    if not getattr(pipeline, "_pipeline_calls_generate", False):
        return Generates.NEVER
    runs = any(isinstance(node, ast.Call) and _is_own(node.func, "model") for node in _walk(after))
    return Generates.WHERE_IT_CAN if runs else Generates.ALWAYS


def _reads(methods: dict[str, ast.FunctionDef], before: Iterable[str], after: Iterable[str]) -> frozenset[str]:
    """Return what is asked of the model and of what it gives, from `before` the model to `after` it."""
    ends = {name for name in after if name.startswith("postprocess")}
    asked: set[str] = set()
    made: set[str] = set()
    passes = False
    for name in {*before, *after} - ends:
        trace = _Trace(set()).follow(methods[name])
        asked, made, passes = asked | trace.asked, made | trace.made, passes | trace.passes
    if passes:  # what the model gave goes to `postprocess`, with what `_forward` has put beside it
        for name in ends:
            arguments = methods[name].args.args
            trace = _Trace({arguments[1].arg} if len(arguments) > 1 else set()).follow(methods[name])
            asked |= {want for want in trace.asked if not made & set(want.split("|"))}
    return frozenset(want for want in asked if not _generated() & set(want.split("|")))


@functools.cache
def _generated() -> frozenset[str]:
    """Return the fields that only what `generate` gives has."""
    import dataclasses

    from transformers.generation import utils
    from transformers.modeling_outputs import CausalLMOutputWithPast

    kinds = [kind for kind in vars(utils).values() if inspect.isclass(kind) and dataclasses.is_dataclass(kind)]
    names = {field.name for kind in kinds for field in dataclasses.fields(kind)}
    return frozenset(names - {field.name for field in dataclasses.fields(CausalLMOutputWithPast)})


class _Trace(ast.NodeVisitor):
    """Follows, in one method, the variables that hold the model or what it gave, branch by branch."""

    def __init__(self, held: set[str]) -> None:
        self.models: set[str] = set()  # variables that are the model
        self.held = held  # variables that are what it gave
        self.asked: set[str] = set()  # in the words of Needs
        self.made: set[str] = set()  # keys that the method itself sets
        self.passes = False  # what the model gave is returned

    def follow(self, method: ast.FunctionDef) -> _Trace:
        """Follow `method` from its first statement to its last; return self."""
        self._block(method.body)
        return self

    def _block(self, body: list[ast.stmt]) -> None:
        for place, statement in enumerate(body):
            # What comes after a branch that returns is its other branch.
            if isinstance(statement, ast.If) and not statement.orelse and isinstance(statement.body[-1], ast.Return):
                self._branches(statement.test, statement.body, body[place + 1 :])
                return
            self.visit(statement)

    def visit_If(self, node: ast.If) -> None:
        self._branches(node.test, node.body, node.orelse)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._branches(node.test, [ast.Expr(node.body)], [ast.Expr(node.orelse)])

    def visit_For(self, node: ast.For) -> None:
        self._loop(node.target, node.iter)
        self._block(node.body)

    def _branches(self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> None:
        self.visit(test)
        outer, held = self.asked, set(self.held)
        wants, ends = [], set()
        for branch in (body, orelse):
            self.asked, self.held = set(), set(held)
            self._block(branch)
            ends |= self.held
            if not _is_elsewhere(branch):
                wants.append(self.asked)
        self.asked, self.held = outer | _either(*wants), ends

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for name, value in zip(target.elts, node.value.elts, strict=False):
                    self._assign(name, value)
            self._assign(target, node.value)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            (self.held.add if self._holds(value) else self.held.discard)(target.id)
            (self.models.add if self._is_model(value) else self.models.discard)(target.id)
        elif isinstance(target, ast.Subscript) and (key := _text(target.slice)):
            self.made.add(key)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._loop(node.target, node.iter)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        for generator in node.generators:  # before the element, which reads the loop's variable
            self.visit(generator)
        self.visit(node.elt)

    def visit_Dict(self, node: ast.Dict) -> None:
        self.made |= {key for key in map(_text, node.keys) if key}
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            inside = [part for part in ast.walk(node.value) if isinstance(part, ast.Dict)]
            values = [value for part in inside for value in part.values]
            self.passes |= any(self._holds(value) for value in (node.value, *values))
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Load) and self._holds(node.value):
            if key := _text(node.slice):
                self.asked.add(key)
            elif isinstance(node.slice, ast.Constant) and node.slice.value == 0:
                self.asked.add(FIRST)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if self._holds(node.value) and not node.attr.startswith("_"):
            self.asked.add(node.attr)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if self._is_model(node.func):
            self.asked |= {f"{word.arg}=" for word in node.keywords if word.arg and not _is_constant(word.value)}
        elif isinstance(node.func, ast.Attribute):
            if self._is_model(node.func.value) and node.func.attr != "generate":
                self.asked.add(f"{node.func.attr}()")
            self.visit(node.func.value)  # not the attribute itself: `outputs.items()` reads no field `items`
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.visit(argument)

    def _loop(self, target: ast.expr, iterated: ast.expr) -> None:
        if isinstance(target, ast.Name):
            (self.held.add if self._holds(iterated) else self.held.discard)(target.id)

    def _is_model(self, node: ast.AST) -> bool:
        return _is_own(node, "model") or (isinstance(node, ast.Name) and node.id in self.models)

    def _holds(self, node: ast.AST) -> bool:
        """Say whether `node` is what the model gave: its call, a variable of it, or a copy made of either."""
        if isinstance(node, ast.Name):
            return node.id in self.held
        if isinstance(node, ast.Dict):
            return any(key is None and self._holds(value) for key, value in zip(node.keys, node.values, strict=True))
        if isinstance(node, ast.Call):
            if self._is_model(node.func):
                return True
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("items", "copy"):
                return self._holds(node.func.value)
            made_of = [argument for argument in node.args if self._holds(argument)]
            return bool(made_of) and _is_class(node.func)
        return False


def _is_class(node: ast.expr) -> bool:
    """Say whether `node` names a class to copy into: `dict`, `BaseModelOutput`, `outputs.__class__`."""
    if isinstance(node, ast.Name):
        return node.id in ("dict", "list") or node.id[:1].isupper()
    return isinstance(node, ast.Attribute) and node.attr == "__class__"


def _is_constant(node: ast.expr) -> bool:
    """Say whether `node` is a constant, which switches something off rather than hands something over."""
    return isinstance(node, ast.Constant)


def _is_elsewhere(branch: list[ast.stmt]) -> bool:
    """Say whether `branch` is the way of a model that generates, or ends in an error."""
    for statement in branch:
        if isinstance(statement, ast.If):
            if _is_elsewhere(statement.body) and _is_elsewhere(statement.orelse):
                return True
        elif isinstance(statement, ast.Raise) or any(map(_is_generation, ast.walk(statement))):
            return True
    return False


def _is_generation(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "generate"


def _either(*branches: set[str]) -> set[str]:
    """Return what holds whichever of `branches` is taken: what all ask, and one of what each asks."""
    if len(branches) < 2:
        return set().union(*branches)
    one, other = branches
    return one & other | {f"{a}|{b}" for a in one - other for b in other - one}
