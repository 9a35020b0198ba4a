"""Classes of transformers read as text: what they define, also where a package they need is missing."""

from __future__ import annotations

import ast
import functools
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["SourceClass", "read_class"]


class SourceClass:
    """A class of transformers as it stands in its file, with its parents there."""

    def __init__(self, module: str, node: ast.ClassDef) -> None:
        """Hold the class that `node` of `module` defines."""
        self.module = module
        self.node = node

    @functools.cached_property
    def lineage(self) -> tuple[SourceClass, ...]:
        """The class and its parents within transformers, nearest first."""
        names = [base.id for base in self.node.bases if isinstance(base, ast.Name)]
        parents = [parent for name in names if (parent := _find(self.module, name)) is not None]
        return (self, *(older for parent in parents for older in parent.lineage))

    def parameters(self, method: str) -> tuple[str, ...]:
        """Return the names of the parameters of `method`, without `self`; none where it is not defined."""
        methods = (node for node in self._nodes() if isinstance(node, ast.FunctionDef) and node.name == method)
        node = next(methods, None)
        return tuple(argument.arg for argument in node.args.args[1:]) if node else ()

    def strings(self, attribute: str) -> tuple[str, ...]:
        """Return the list of strings that is the class attribute `attribute`; empty where it is none."""
        for node in self._nodes():
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if attribute in (getattr(target, "id", "") for target in targets):
                    parts = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else ()
                    return tuple(str(part.value) for part in parts if isinstance(part, ast.Constant))
        return ()

    def _nodes(self) -> Iterator[ast.stmt]:
        for owner in self.lineage:
            yield from owner.node.body


@functools.cache
def read_class(name: str) -> SourceClass | None:
    """Return the class that transformers exports as `name`; None where its source cannot be found."""
    import transformers  # noqa: F401 -- so that it is in sys.modules, as the lazy module that knows where what is

    module = getattr(sys.modules["transformers"], "_class_to_module", {}).get(name)
    return _find(f"transformers.{module}", name) if module else None


@functools.cache
def _find(module: str, name: str) -> SourceClass | None:
    """Return the class `name` as `module` defines or imports it."""
    classes, imported = _index(module)
    if name in classes:
        return SourceClass(module, classes[name])
    return _find(*imported[name]) if name in imported else None


@functools.cache
def _index(module: str) -> tuple[dict[str, ast.ClassDef], dict[str, tuple[str, str]]]:
    """Return name → class, and name → module and name there, of what `module` defines and what it imports."""
    classes: dict[str, ast.ClassDef] = {}
    imported: dict[str, tuple[str, str]] = {}
    spec = importlib.util.find_spec(module) if module.partition(".")[0] == "transformers" else None
    place = Path(spec.origin) if spec and spec.origin else None
    waiting: list[ast.stmt] = ast.parse(place.read_text(encoding="utf-8")).body if place else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If | ast.Try):  # what is there where a package is
            waiting += node.body
        elif isinstance(node, ast.ClassDef):
            classes[node.name] = node
        elif isinstance(node, ast.ImportFrom) and spec:
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), spec.parent)
            imported |= {alias.asname or alias.name: (source, alias.name) for alias in node.names}
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):  # another name for a class
            imported |= {name.id: (module, node.value.id) for name in node.targets if isinstance(name, ast.Name)}
    return classes, imported
