"""Classes of transformers read as text: what they define, also where a package they need is missing.

So are those that other packages have registered; their parents may be transformers'.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

from hfci.catalog.registered import registered

__all__ = [
    "SourceClass",
    "defined_class",
    "exported_names",
    "exporter_of",
    "modeling_module_names",
    "module_text",
    "read_class",
]

_MODELS = ("transformers.models",)
# Where a statement begins at the left, and one that imports names.
_STATEMENT = re.compile(r"^[^\s#)\]}]", re.MULTILINE)
_IMPORT = re.compile(r"^from [.\w]+ import (?:\([^()]*\)|[^(\n]*)$", re.MULTILINE)
_EXPORTED = re.compile(r"^__all__ = (\[.*?\])", re.MULTILINE | re.DOTALL)


class SourceClass:
    """A class of transformers as it stands in its file, with its parents there."""

    def __init__(self, module: str, node: ast.ClassDef, within: tuple[str, ...] = ("transformers",)) -> None:
        """Hold the class that `node` of `module` defines, with its parents `within` these packages."""
        self.module = module
        self.node = node
        self.within = within

    @functools.cached_property
    def lineage(self) -> tuple[SourceClass, ...]:
        """The class and its parents within the package, nearest first."""
        parents = [parent for name in self.bases if (parent := _find(self.module, name, self.within)) is not None]
        return (self, *(older for parent in parents for older in parent.lineage))

    @property
    def bases(self) -> tuple[str, ...]:
        """The names of its parents, wherever they are from."""
        return tuple(base.id for base in self.node.bases if isinstance(base, ast.Name))

    @property
    def name(self) -> str:
        """Its name."""
        return self.node.name

    def definer(self, method: str) -> SourceClass | None:
        """Return the class of its lineage that defines `method`; None where none within transformers does."""
        return next((owner for owner in self.lineage if owner._own_method(method)), None)

    def method(self, name: str) -> ast.FunctionDef | None:
        """Return the method `name`, its own or the nearest parent's; None where none within transformers has it."""
        owner = self.definer(name)
        return owner._own_method(name) if owner else None

    def parameters(self, method: str) -> tuple[str, ...]:
        """Return the names of the parameters of `method`, without `self`; none where it is not defined."""
        node = self.method(method)
        return tuple(argument.arg for argument in node.args.args[1:]) if node else ()

    def demanded(self, method: str) -> tuple[str, ...]:
        """Return the names of the parameters of `method` without a default, without `self`."""
        node = self.method(method)
        if node is None:
            return ()
        positional = node.args.args[: len(node.args.args) - len(node.args.defaults)]
        named = [each for each, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if not default]
        return tuple(argument.arg for argument in (*positional, *named))[1:]

    def own_class_of(self, attribute: str) -> str | None:
        """Return the name of the class that its own attribute `attribute` is, or is annotated with."""
        for node in self.node.body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                value = node.value if isinstance(node, ast.Assign) else node.annotation
                if attribute in (getattr(target, "id", "") for target in targets):
                    return getattr(value, "id", None) or getattr(value, "value", None)  # or a name in quotes
        return None

    def strings(self, attribute: str) -> tuple[str, ...]:
        """Return the list of strings that is the class attribute `attribute`; empty where it is none."""
        for node in self._nodes():
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if attribute in (getattr(target, "id", "") for target in targets):
                    parts = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else ()
                    return tuple(str(part.value) for part in parts if isinstance(part, ast.Constant))
        return ()

    def _own_method(self, name: str) -> ast.FunctionDef | None:
        nodes = (node for node in self.node.body if isinstance(node, ast.FunctionDef) and node.name == name)
        return next(nodes, None)

    def _nodes(self) -> Iterator[ast.stmt]:
        for owner in self.lineage:
            yield from owner.node.body


@functools.cache
def read_class(name: str) -> SourceClass | None:
    """Return the class that transformers exports as `name`; None where its source cannot be found.

    One that was registered comes first.
    """
    module, within = _exporter(name)
    return _find(module, name, within) if module else None


def exporter_of(name: str) -> str:
    """Return the module that the class `name` is exported from; empty where there is none."""
    return _exporter(name)[0]


def _exporter(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the module that the class `name` is exported from, or '', and the packages that its parents may be of."""
    import transformers  # noqa: F401 -- so that it is in sys.modules, as the lazy module that knows where what is

    if (cls := next((cls for cls in registered().classes if cls.__name__ == name), None)) is not None:
        return cls.__module__, ("transformers", *sorted(registered().packages))
    module = getattr(sys.modules["transformers"], "_class_to_module", {}).get(name)
    return f"transformers.{module}" if module else "", ("transformers",)


def modeling_module_names(package: str) -> tuple[str, ...]:
    """Return the dotted names of the `modeling_*` modules of `package`, sorted; nothing of them is imported."""
    spec = importlib.util.find_spec(package)
    names = sorted(module.name for module in pkgutil.iter_modules(spec.submodule_search_locations if spec else []))
    return tuple(f"{package}.{name}" for name in names if name.startswith("modeling_"))


def exported_names(module: str) -> tuple[str, ...]:
    """Return what `module` names in its `__all__`."""
    listed = _EXPORTED.search(module_text(module))
    return tuple(ast.literal_eval(listed[1])) if listed else ()


def defined_class(module: str, name: str) -> SourceClass | None:
    """Return the class `name` as `module` itself defines it, with its parents among transformers' models."""
    node = _class_in(module, name)
    return SourceClass(module, node, _MODELS) if node else None


@functools.cache
def _find(module: str, name: str, within: tuple[str, ...]) -> SourceClass | None:
    """Return the class `name` as `module` defines or imports it from `within` some packages."""
    if (node := _class_in(module, name)) is not None:
        return SourceClass(module, node, within)
    source = _imports(module).get(name) or _index(module)[1].get(name)
    return (
        _find(*source, within)
        if source and f"{source[0]}.".startswith(tuple(f"{package}." for package in within))
        else None
    )


@functools.cache
def _class_in(module: str, name: str) -> ast.ClassDef | None:
    """Return the class `name` that `module` defines; None where it does not.

    To parse all of a module takes a hundred times as long as to parse one class. One that stands there once is parsed
    by itself: it ends where the next statement begins, and what is cut short, within brackets or a string, is no class.
    """
    text = module_text(module)
    places = list(re.finditer(rf"^[ \t]*class {re.escape(name)}\b", text, re.MULTILINE))
    if not places:
        return None
    if len(places) == 1 and places[0][0].startswith("class"):
        start = places[0].start()
        end = _STATEMENT.search(text, places[0].end())
        with contextlib.suppress(SyntaxError):
            (node,) = ast.parse(text[start : end.start() if end else None]).body
            if isinstance(node, ast.ClassDef):
                return node
    return _index(module)[0].get(name)


@functools.cache
def _imports(module: str) -> dict[str, tuple[str, str]]:
    """Return name → module and name there, of what `module` imports at the left, where that is plain."""
    try:
        nodes = ast.parse("\n".join(match[0] for match in _IMPORT.finditer(module_text(module)))).body
    except SyntaxError:  # of what is said in a string
        return {}
    sources: dict[str, set[tuple[str, str]]] = {}
    for name, source in (pair for node in nodes for pair in _imported(module, node)):
        sources.setdefault(name, set()).add(source)
    return {name: source for name, (source, *others) in sources.items() if not others}


def _imported(module: str, node: ast.stmt) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield name → module and name there, of one statement of `module`."""
    spec = _spec(module)
    if isinstance(node, ast.ImportFrom) and spec:
        source = importlib.util.resolve_name("." * node.level + (node.module or ""), spec.parent)
        yield from ((alias.asname or alias.name, (source, alias.name)) for alias in node.names)
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):  # another name for a class
        yield from ((name.id, (module, node.value.id)) for name in node.targets if isinstance(name, ast.Name))


@functools.cache
def _index(module: str) -> tuple[dict[str, ast.ClassDef], dict[str, tuple[str, str]]]:
    """Return name → class, and name → module and name there, of what `module` defines and what it imports."""
    classes: dict[str, ast.ClassDef] = {}
    imported: dict[str, tuple[str, str]] = {}
    waiting = ast.parse(module_text(module)).body
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If | ast.Try):  # what is there where a package is
            waiting += node.body
        elif isinstance(node, ast.ClassDef):
            classes[node.name] = node
        imported |= _imported(module, node)
    return classes, imported


@functools.lru_cache(maxsize=16)
def module_text(module: str) -> str:
    """Return the text of `module`; empty where it is none of transformers, nor of who registered a model."""
    spec = _spec(module)
    return Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""


@functools.cache
def _spec(module: str) -> ModuleSpec | None:
    is_ours = module.partition(".")[0] in {"transformers", *registered().packages}
    return importlib.util.find_spec(module) if is_ours else None
