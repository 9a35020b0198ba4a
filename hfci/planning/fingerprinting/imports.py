"""The import graph of transformers and hfci, read from their source: what does a module need? Nothing is imported.

Some things are not as in Python's own statement:

- transformers' packages import a name when it is asked for. What they say to type checkers says where it is.
- What only a type checker reads is no import.
- A node may be one definition of a module, `hfci.checks.forward#forward_is_finite`: it needs what that names.
- Shared code (transformers outside its models, their registry, hfci) that imports a model *inside a function* does so
  for the sake of that model alone: a quantizer of one model's experts, a converter of one tokenizer. Whoever is that
  model has it already; for all others the import never runs. Were it counted, everything would depend on that model.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping

from hfci.planning.fingerprinting.closures import Closures
from hfci.planning.fingerprinting.definitions import PART
from hfci.planning.fingerprinting.file_cache import FileCache
from hfci.planning.fingerprinting.imported import LABEL
from hfci.planning.fingerprinting.normalize import ALWAYS, IN_FUNCTION, TYPED, Import
from hfci.planning.fingerprinting.sources import File

__all__ = ["MODELS", "REGISTRY", "Graph", "module_of"]

# The package of which each package below is one model's, except for the registry of them all.
MODELS = "transformers.models"
REGISTRY = f"{MODELS}.auto"

INIT = "__init__"

# Begins the name of what is needed only where a function of shared code is called.
MAYBE = "?"


def module_of(label: str) -> str:
    """Return the dotted name of the module in a file: `transformers/models/bert/__init__.py` is a package.

    A file of what is imported beside transformers has it after LABEL.
    """
    parts = label.removeprefix(LABEL).removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == INIT else parts)


class Graph:
    """The modules in `files`, by label; those below `packages` can be imported by name, others only import.

    So can those of what is imported beside transformers, whose code is that of models.
    """

    def __init__(self, files: Mapping[str, File], remembered: FileCache, packages: tuple[str, ...]) -> None:
        """Take in the names; no file is read yet."""
        own = (LABEL, *(f"{package}/" for package in packages))
        self.files = files
        self.remembered = remembered
        self.beside = frozenset(module_of(label).partition(".")[0] for label in files if label.startswith(LABEL))
        self.packages = frozenset((*packages, *self.beside))
        self.labels = {module_of(label): label for label in files if label.startswith(own) and label.endswith(".py")}
        self._needs: dict[str, frozenset[str]] = {}
        self._indexes: dict[str, dict[str, str]] = {}

    def closures(self, roots: Iterable[str]) -> Closures:
        """Return what each of `roots`, modules or labels of files, needs; reads their files, many at a time."""
        # What is imported from a lazy package is looked for in all that it exports.
        self.remembered.facts(self.files[label] for label in self.labels.values() if label.endswith(f"/{INIT}.py"))
        reached = set(roots)
        new = reached
        while new:
            self.remembered.facts(self.files[label] for label in map(self._told, new) if label in self.files)
            new = set().union(*map(self._needs_of, new)) - reached
            reached = reached | new
        return Closures({name: self._needs_of(name) for name in reached}, self._told)

    def chain(self, roots: Iterable[str], goals: Iterable[str]) -> tuple[str, ...]:
        """Return the shortest way from one of `roots` to one of the labels `goals`; empty where there is none."""
        wanted = set(goals)
        before: dict[str, str | None] = dict.fromkeys(roots)
        new = list(before)
        while new:
            reached = []
            for name in new:
                if self._told(name) in wanted:
                    return tuple(map(self._told, reversed(list(_back(before, name)))))
                for needed in sorted(self._needs_of(name)):
                    if needed not in before:
                        before[needed] = name
                        reached.append(needed)
            new = reached
        return ()

    def find(self, package: str, name: str) -> str | None:
        """Return the module that defines what `package` exports as `name`; None where it does not."""
        return self._index(package).get(name)

    def _told(self, name: str) -> str:
        module, part, definition = name.removeprefix(MAYBE).partition(PART)
        return f"{self.labels.get(module, module)}{part}{definition}"

    # What one module needs.

    def _needs_of(self, name: str) -> frozenset[str]:
        needs = self._needs.get(name)
        if needs is None:
            needs = self._needs[name] = frozenset(self._find_needs(name))
        return needs

    def _find_needs(self, name: str) -> Iterator[str]:
        module, _, definition = name.removeprefix(MAYBE).partition(PART)
        file = self.files.get(self.labels.get(module, module))
        if file is None:  # a package of others
            return
        is_maybe = name.startswith(MAYBE)
        is_shared = module.partition(".")[0] in self.packages and not self._is_model(module)
        facts = self.remembered.part(file, definition) if definition else self.remembered.of(file)
        for statement in facts.imports:
            if statement.when == TYPED:
                continue
            later = is_maybe or (is_shared and statement.when == IN_FUNCTION)
            for needed in self._modules(module, statement):
                if not later:
                    yield needed
                elif not self._is_model(needed):
                    yield MAYBE + needed
        if "." in module and module in self.labels:
            yield (MAYBE if is_maybe else "") + module.rpartition(".")[0]

    def _modules(self, module: str, statement: Import) -> Iterator[str]:
        """Yield the modules of one statement in `module`; Python imports the packages they are in as well."""
        target = self._absolute(module, statement)
        if target is None:
            return
        top = target.partition(".")[0]
        if top not in self.packages:
            if top not in sys.stdlib_module_names:
                yield top
            return
        nearest = self._nearest(target)
        yield nearest
        if nearest == target:
            for name in statement.names:
                if f"{nearest}.{name}" in self.labels:
                    yield f"{nearest}.{name}"
                elif (place := self._index(nearest).get(name)) is not None:
                    yield place

    def _absolute(self, module: str, statement: Import) -> str | None:
        if not statement.level:
            return statement.module
        parts = module.split(".")
        steps = statement.level - self._is_package(module)
        if module not in self.labels or steps >= len(parts):
            return None  # beyond the top: Python would not import it either
        return ".".join([*parts[: len(parts) - steps], *filter(None, [statement.module])])

    def _nearest(self, target: str) -> str:
        """Return the module `target`, or the package in which something of that name would be."""
        while target not in self.labels and "." in target:
            target = target.rpartition(".")[0]
        return target

    def _is_model(self, module: str) -> bool:
        return _is_model(module) or module.partition(".")[0] in self.beside

    def _is_package(self, module: str) -> bool:
        return self.labels.get(module, "").endswith(f"/{INIT}.py")

    # What a lazy package exports.

    def _index(self, package: str) -> dict[str, str]:
        """Return where each name is that a package imports when it is asked for; of any other package nothing."""
        index = self._indexes.get(package)
        if index is None:
            index = self._indexes[package] = {}  # a circle finds nothing the second time round
            if self._is_package(package):
                facts = self.remembered.of(self.files[self.labels[package]])
                if facts.is_lazy:
                    for statement in facts.imports:
                        if statement.when in (TYPED, ALWAYS):
                            self._add_to(index, package, statement)
        return index

    def _add_to(self, index: dict[str, str], package: str, statement: Import) -> None:
        target = self._absolute(package, statement)
        if target not in self.labels:
            return
        if "*" in statement.names:
            index.update(
                self._index(target)
                if self._is_package(target)
                else dict.fromkeys(self.remembered.exports(self.files[self.labels[target]]), target)
            )
        for name in statement.names:
            submodule = f"{target}.{name}"
            index[name] = submodule if submodule in self.labels else self._index(target).get(name, target)


def _is_model(module: str) -> bool:
    return module.startswith(f"{MODELS}.") and module != REGISTRY and not module.startswith(f"{REGISTRY}.")


def _back(before: Mapping[str, str | None], name: str | None) -> Iterator[str]:
    while name is not None:
        yield name
        name = before[name]
