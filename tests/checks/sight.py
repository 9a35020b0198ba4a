"""What a model class can be seen to be: read off the installed transformers' source, which is parsed and never run.

It knows nothing of hfci's facts and rules, so that what those say can be held against it. Only what is looked at is
parsed: all of the source takes ten times as long.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["Sight", "named_for", "see"]

# A class ends where the next line stands at the margin; a name is another file's, or another name for one of this.
_CLASS = re.compile(r"^class (\w+).*?(?=^[\w@]|\Z)", re.DOTALL | re.MULTILINE)
_IMPORT = re.compile(r"^from (\.+|transformers\.)([\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)
_ALIAS = re.compile(r"^(\w+) = (\w+)$", re.MULTILINE)


class _File:
    """A file of transformers: the text of its classes, and where the other names in it are from."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        self.classes = {match[1]: match[0] for match in _CLASS.finditer(text)}
        self.others = {name: (path, other) for name, other in _ALIAS.findall(text)}
        for start, module, names in _IMPORT.findall(text):
            folder = path.parents[len(start) - 1] if start.startswith(".") else _transformers()
            file = folder.joinpath(*module.split(".")).with_suffix(".py")
            for name in names.strip("()").split(","):
                original, _, renamed = name.strip().partition(" as ")
                self.others[renamed or original] = (file, original)


_file = functools.cache(_File)


@functools.cache
def _transformers() -> Path:
    spec = find_spec("transformers")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@functools.cache
def _find(path: Path, name: str) -> Sight | None:
    if not path.is_file():
        return None
    file = _file(path)
    if name in file.classes:
        return Sight(path, name)
    return _find(*file.others[name]) if name in file.others else None


@functools.cache
def see() -> dict[str, Sight]:
    """Return every class of the modelling files by its name."""
    files = sorted(_transformers().glob("models/*/modeling_*.py"))
    return {name: Sight(path, name) for path in files for name in _file(path).classes}


@functools.cache
def named_for(kind: str) -> frozenset[str]:
    """Return the model types for which transformers' files of auto classes name a processor of a kind."""
    found: set[str] = set()
    for path in (_transformers() / "models" / "auto").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            named = isinstance(target, ast.Name) and target.id.removeprefix("MISSING_") == f"{kind}_MAPPING_NAMES"
            if named and isinstance(node.value, ast.Call) and node.value.args:
                found.update(key for key, names in ast.literal_eval(node.value.args[0]) if names)
    return frozenset(found)


@dataclass(frozen=True)
class Sight:
    """The class of that name in the file at `path`."""

    path: Path
    name: str

    @functools.cached_property
    def node(self) -> ast.ClassDef:
        """Its own source."""
        node = ast.parse(_file(self.path).classes[self.name]).body[0]
        assert isinstance(node, ast.ClassDef)
        return node

    @functools.cached_property
    def line(self) -> tuple[Sight, ...]:
        """The class and those of transformers that it inherits from, nearest first."""
        bases = [base for node in self.node.bases if (base := _find(self.path, _last(node))) is not None]
        return (self, *dict.fromkeys(above for base in bases for above in base.line))

    @functools.cached_property
    def ancestors(self) -> frozenset[str]:
        """The names of all that it inherits from."""
        return frozenset(_last(node) for cls in self.line for node in cls.node.bases)

    def attribute(self, name: str) -> object:
        """The value that the nearest class gives the attribute, as source where it is no literal; None where none."""
        for node in (node for cls in self.line for node in cls.node.body):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                value = getattr(node, "value", None)
                try:
                    return ast.literal_eval(value) if isinstance(value, ast.AST) else None
                except ValueError:
                    return ast.unparse(value)
        return None

    def annotations(self, name: str) -> Iterator[str]:
        """Yield what its own source says of which type the attribute is."""
        for node in self.node.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
                yield ast.unparse(node.annotation)

    def methods(self, name: str) -> Iterator[tuple[Sight, ast.FunctionDef]]:
        """Yield the methods of that name, nearest first, each with the class that has it."""
        for cls in self.line:
            for node in cls.node.body:
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    yield cls, node

    @functools.cached_property
    def parameters(self) -> frozenset[str]:
        """The names of its forward's parameters, `**` where it takes any others."""
        for _, node in self.methods("forward"):
            given = node.args
            named = {argument.arg for argument in (*given.posonlyargs, *given.args[1:], *given.kwonlyargs)}
            return frozenset(named | ({"**"} if given.kwarg else set()))
        return frozenset()

    @functools.cached_property
    def outputs(self) -> tuple[Sight, ...]:
        """The classes of named outputs that its forward declares to return, or is seen to."""
        for cls, node in self.methods("forward"):
            returned = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
            names = {_last(value) for value in returned if value is not None}
            assigned = [part for part in ast.walk(node) if isinstance(part, ast.Assign)]
            returned += [part.value for part in assigned if names & {_last(target) for target in part.targets} - {""}]
            made = [value.func for value in returned if isinstance(value, ast.Call)]
            declared = ast.walk(node.returns) if node.returns is not None else ()
            found = dict.fromkeys(_find(cls.path, _last(name)) for name in (*declared, *made))
            return tuple(kind for kind in found if kind is not None and "ModelOutput" in kind.ancestors | {kind.name})
        return ()

    @functools.cached_property
    def fields(self) -> frozenset[str]:
        """The names of the fields of its outputs."""
        nodes = (node for kind in self.outputs for cls in kind.line for node in cls.node.body)
        return frozenset(_last(node.target) for node in nodes if isinstance(node, ast.AnnAssign))

    @functools.cached_property
    def held(self) -> frozenset[str]:
        """The attributes that building it sets; `{base_model_prefix}` where it sets the one of that name."""
        nodes = [part for _, node in self.methods("__init__") for part in ast.walk(node)]
        named = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
        calls = [ast.unparse(node) for node in nodes if isinstance(node, ast.Call) and _last(node.func) == "setattr"]
        return frozenset(named | {"{base_model_prefix}" for call in calls if "self.base_model_prefix," in call})


def _last(node: ast.AST) -> str:
    """Return `C` of `a.b.C` and of `C`, and an empty string for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
