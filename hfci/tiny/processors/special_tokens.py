"""The special tokens of a tokenizer, each at the ID that the tiny configuration gives it.

Their names and spellings are those of the class, of the class that bundles it with the other processors, and of the
configuration, in this order: as in a real checkpoint, all three agree.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hfci.catalog import read_row, registries
from hfci.catalog.registered import is_model_code
from hfci.errors import FOREIGN
from hfci.tiny.inputs.context import configs, look_up
from hfci.tiny.inputs.text import placeholders

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["ProcessorTokens", "common_names", "ids_by_name", "processor_tokens", "reader"]

# How special tokens are spelt.
_SPELT = re.compile(r"<\|?[^\s<>|]+\|?>|\[[A-Z_]+\]|\|[A-Z_]+\||\]<\][a-z ]+\[>\[")
_REPLACES = re.compile(r"replace_(\w+_token)")
_FIELD = re.compile(r"(\w+_token)_(?:id|index|ids)$")


def reader(tiny: TinyModel) -> Any:
    """Return the configuration of the part of `tiny` that reads its texts: the one whose embedding its tokens have."""
    from transformers import PreTrainedModel

    try:
        embedding = tiny.model.get_input_embeddings()
    except (NotImplementedError, AttributeError):
        embedding = None
    owners = [
        module
        for module in tiny.model.modules()
        if isinstance(module, PreTrainedModel) and any(part is embedding for part in module.modules())
    ]
    config = owners[-1].config if owners and hasattr(embedding, "num_embeddings") else tiny.config
    if getattr(config, "vocab_size", None) is None:
        config = tiny.config.get_text_config()
    return config


def common_names() -> tuple[str, ...]:
    """Return the names of the special tokens that any tokenizer may have: `bos_token`, `pad_token` …"""
    from transformers import PreTrainedTokenizerBase

    return tuple(PreTrainedTokenizerBase.SPECIAL_TOKENS_ATTRIBUTES)


def ids_by_name(tiny: TinyModel) -> dict[str, int]:
    """Return name → ID of the special tokens that the configuration names: `eos_token`, `image_token` …

    What the part that reads the texts says comes before what the whole says; of several IDs the first is the token's.
    """
    ids: dict[str, int] = {}
    for config in (reader(tiny), *configs(tiny.config)):
        for column, value in vars(config).items():
            matched = _FIELD.match(column)
            first = value[0] if isinstance(value, (list, tuple)) and value else value
            if matched and isinstance(first, int) and not isinstance(first, bool) and first >= 0:
                ids.setdefault(matched[1], first)
    ids |= {f"{modality}_token": token for modality, token in placeholders(tiny.config).items()}
    for name in common_names():  # `get_text_config` may say what no field of that name stands for
        token = look_up(reader(tiny), f"{name}_id")
        if isinstance(token, int) and token >= 0:
            ids[name] = token
    if any(name != "mask_token" and token == ids.get("mask_token") for name, token in ids.items()):
        del ids["mask_token"]  # XLM's configuration says that of the start; its tokenizer has one of its own
    return ids


@dataclass(frozen=True)
class ProcessorTokens:
    """Tokens of a processor class: name → spelling of those that its tokenizer has to have, and of its `own`.

    `spelt` are all special tokens that its source spells out.
    """

    asked: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    spelt: tuple[str, ...] = ()

    def spelling(self, name: str) -> str:
        """Return how a token of that name is spelt, if need be as such tokens are."""
        return self.asked.get(name) or self.own.get(name) or _usual(name)


@functools.cache
def processor_tokens(model_type: str) -> ProcessorTokens:
    """Return the tokens of the processor class of `model_type`; none where it has no such class here."""
    for name in read_row(model_type).processors.get("processor", ()):
        try:
            cls = registries.find_class(model_type, name)
        except FOREIGN:
            continue
        return _tokens_of(cls)
    return ProcessorTokens()


def _tokens_of(cls: type[Any]) -> ProcessorTokens:
    asked: dict[str, str] = {}
    own: dict[str, str] = {}
    spelt: dict[str, None] = {}
    numbers: dict[str, ast.AST] = {}
    repeated: dict[str, str] = {}
    for base in cls.__mro__:
        if not is_model_code(base.__module__):
            continue
        nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(base)))))
        known = {**vars(sys.modules[base.__module__]), **vars(base), **_defaults(nodes)}
        spelt |= dict.fromkeys(text for node in nodes if (text := _spelt(node, known)))
        assigned = [
            (name, list(ast.walk(node.value)))
            for node in nodes
            if isinstance(node, ast.Assign) and (name := _own_name(node.targets[0]))
        ]
        numbers |= {
            name: node.args[0]
            for assignment in nodes
            if isinstance(assignment, ast.Assign) and (name := _own_name(assignment.targets[0], "_token_id"))
            for node in ast.walk(assignment.value)
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "convert_tokens_to_ids"
        }
        methods = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
        repeated |= {name: text for node in methods.values() for name, text in _repeated(node, methods)}
        for name, parts in assigned:
            texts = [text for part in parts if (text := _spelt(part, known))]
            own |= {name: texts[0]} if texts and name not in own else {}
        optional = {name for node in nodes if (name := _guarded(node))}
        for name, parts in assigned:
            for read in filter(None, map(_read_name, parts)):
                spelling = own.setdefault(name, _usual(read))
                if read not in optional:
                    asked.setdefault(read, spelling)
        for read in filter(None, map(_read_name, nodes)):
            if read not in optional:
                asked.setdefault(read, _usual(read))
    for name, token in numbers.items():
        written = _own_name(token)
        numbered = own.get(written) if written else _spelt(token, {})
        if numbered:
            own[name.removesuffix("_id")] = numbered
    own |= repeated
    return ProcessorTokens(asked, own, tuple(spelt))


def _usual(name: str) -> str:
    """Return the spelling of a token whose own nobody knows."""
    return f"<|{name.removesuffix('_token')}|>"


def _spelt(node: ast.AST, known: Mapping[str, Any]) -> str | None:
    """Return the special token that an expression is: a string, or a name `known` to be one, also of the class."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    value = node.value if isinstance(node, ast.Constant) else known.get(name)
    return value if isinstance(value, str) and _SPELT.fullmatch(value) else None


def _repeated(method: ast.FunctionDef, methods: Mapping[str, ast.FunctionDef]) -> Iterator[tuple[str, str]]:
    """Yield name and spelling of what a method like `replace_image_token` writes as often as there are features.

    Itself, or another of `methods` that it calls.
    """
    matched = _REPLACES.fullmatch(method.name)
    if matched is None:
        return
    called = {node.func.attr for node in ast.walk(method) if isinstance(node, ast.Call) and hasattr(node.func, "attr")}
    every = (method, *(methods[name] for name in sorted(called & methods.keys())))
    for part in (part for one in every for part in ast.walk(one)):
        if not isinstance(part, ast.BinOp) or not isinstance(part.op, ast.Mult):
            continue
        written = part.left.elts[0] if isinstance(part.left, ast.List) and len(part.left.elts) == 1 else part.left
        if text := _spelt(written, {}):
            yield matched[1], text


def _defaults(nodes: list[ast.AST]) -> dict[str, str]:
    """Return the defaults of parameters that are strings."""
    return {
        parameter.arg: default.value
        for node in nodes
        if isinstance(node, ast.FunctionDef)
        for parameter, default in zip(node.args.args[::-1], node.args.defaults[::-1], strict=False)
        if isinstance(default, ast.Constant) and isinstance(default.value, str)
    }


def _guarded(node: ast.AST) -> str | None:
    """Return the name that an expression asks whether the tokenizer has it: a processor has another for where not."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "hasattr":
        return None
    name = node.args[1]
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else None


def _own_name(target: ast.AST, ending: str = "_token") -> str | None:
    """Return the name of the token that is the processor's own, or of its ID."""
    is_own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
    return target.attr if isinstance(target, ast.Attribute) and is_own and target.attr.endswith(ending) else None


def _read_name(node: ast.AST) -> str | None:
    """Return the name of the token that an expression reads off the tokenizer, of those that not any tokenizer has.

    Also by `getattr(tokenizer, NAME, None)`, which has no other to fall back on.
    """
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr" and len(node.args) == 3:
        whose, wanted, other = node.args
        if isinstance(wanted, ast.Constant) and isinstance(other, ast.Constant) and other.value is None:
            node = ast.Attribute(whose, str(wanted.value))
    if not isinstance(node, ast.Attribute) or not node.attr.endswith("_token") or node.attr.startswith("add_"):
        return None
    holder = node.value
    name = holder.id if isinstance(holder, ast.Name) else holder.attr if isinstance(holder, ast.Attribute) else ""
    return node.attr if name == "tokenizer" and node.attr not in common_names() else None
