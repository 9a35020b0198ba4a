"""What must hold of one generated test file: a table of rules, each a function that finds what is wrong."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hfci.checks.table import Applicable
from hfci.generation.render import HEADER, WHOLE

if TYPE_CHECKING:
    from hfci.catalog import ModelType

__all__ = ["RULES", "Expected", "FileRule", "Problem", "TestFile", "TestGroup", "asked_by", "problems_of"]

Findings = Iterator[tuple[int, str]]

# Names of the tests' own words for leaving something out or standing something in.
_MOCKS = {"mock", "unittest", "pytest_mock", "monkeypatch", "mocker", "responses"}
_AUTO_CLASS = re.compile(r"Auto[A-Z]")  # not `AutoformerModel`
# The test of whose parameter each value is a check.
INVARIANT = "test_invariant"

_SKIPS = {"skip", "skipif", "xfail", "importorskip", "skipTest"}


class Problem(NamedTuple):
    """One thing wrong with one file: where, by which rule, and what."""

    file: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        """Return it as compilers do: place, rule, message."""
        return f"{self.file}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Expected:
    """What a file is held against: its row of the catalog, its header, and what is asked of its architectures."""

    row: ModelType
    tier: str
    header: str
    families: Mapping[str, str]  # of its architectures
    asked: Mapping[str, Applicable]


@dataclass(frozen=True)
class TestGroup:
    """The tests of one architecture: those of a module, or of a class in it, and the string fields of their marker."""

    line: int
    tests: tuple[ast.FunctionDef, ...]
    marker: Mapping[str, str]
    imports: tuple[ast.ImportFrom, ...]


@dataclass(frozen=True)
class TestFile:
    """One generated file as it stands on disk. `path` is relative to the output folder, with slashes."""

    __test__ = False  # not a test class, whatever pytest makes of its name

    path: str
    data: bytes

    @classmethod
    def read(cls, root: Path, path: str) -> TestFile:
        """Read the file at `path` under `root`."""
        return cls(path, (root / path).read_bytes())

    @cached_property
    def text(self) -> str:
        """The file's text. Raises UnicodeDecodeError."""
        return self.data.decode("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """The file's syntax tree. Raises SyntaxError (or ValueError for a NUL byte)."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def tests(self) -> tuple[ast.FunctionDef, ...]:
        """The test functions, those in classes too."""
        return tuple(test for group in self.groups for test in group.tests)

    @cached_property
    def groups(self) -> tuple[TestGroup, ...]:
        """The module's own tests, if it has any, and those of each of its test classes."""
        of_module = _marker(node for node in self.tree.body if not isinstance(node, ast.ClassDef))
        classes = [node for node in self.tree.body if isinstance(node, ast.ClassDef)]
        groups = [_group(1, self.tree, of_module)]
        groups += [_group(node.lineno, node, {**of_module, **_marker(node.decorator_list)}) for node in classes]
        return tuple(group for group in groups if group.tests or group.line > 1)


class FileRule(NamedTuple):
    """A rule's function and what it says to a reader of `hfci validate --help`."""

    find: Callable[[TestFile, Expected], Findings]
    description: str


def _group(line: int, owner: ast.Module | ast.ClassDef, marker: Mapping[str, str]) -> TestGroup:
    functions = [node for node in owner.body if isinstance(node, ast.FunctionDef)]
    imports = (node for function in functions for node in ast.walk(function) if isinstance(node, ast.ImportFrom))
    return TestGroup(line, tuple(node for node in functions if node.name.startswith("test_")), marker, tuple(imports))


def _marker(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Return the string arguments of the `pytest.mark.hfci(…)` among `nodes`; WHOLE for a None."""
    calls = (part for node in nodes for part in ast.walk(node) if isinstance(part, ast.Call))
    arguments = [
        (word.arg, WHOLE if word.value.value is None else word.value.value)
        for call in calls
        if _dotted(call.func) == "pytest.mark.hfci"
        for word in call.keywords
        if isinstance(word.value, ast.Constant)
    ]
    return {name: value for name, value in arguments if name is not None and isinstance(value, str)}


def problems_of(file: TestFile, expected: Expected) -> list[Problem]:
    """Return what is wrong with `file`. Where it cannot be read or parsed, that alone is told."""
    unreadable = [Problem(file.path, line, rule, message) for line, rule, message in _unreadable(file)]
    if unreadable:
        return unreadable
    return [
        Problem(file.path, line, name, message)
        for name, rule in RULES.items()
        for line, message in rule.find(file, expected)
    ]


def _unreadable(file: TestFile) -> Iterator[tuple[int, str, str]]:
    try:
        if not file.text.strip():
            yield 1, "parses", "the file is empty"
            return
        compile(file.tree, file.path, "exec")
    except UnicodeDecodeError as error:
        yield file.data[: error.start].count(b"\n") + 1, "parses", f"not UTF-8: {error.reason}"
    except SyntaxError as error:
        yield error.lineno or 1, "parses", error.msg
    except (ValueError, RecursionError, MemoryError) as error:  # NUL, or nested deeper than Python can read
        yield 1, "parses", str(error) or "too deeply nested"


def _header(file: TestFile, expected: Expected) -> Findings:
    first = file.text.splitlines()[0]
    if not HEADER.fullmatch(first):
        yield 1, f"the first line is not the header {expected.header!r}"
    elif first != expected.header:
        yield 1, f"the header is {first!r}, not {expected.header!r}"


def _asked_checks(file: TestFile, expected: Expected) -> Findings:
    architectures = [group.marker.get("architecture", "") for group in file.groups]
    for name in expected.families:
        if architectures.count(name) != 1:
            yield 1, f"{name or expected.row.model_type} is tested {architectures.count(name)} times, not once"
    for group, architecture in zip(file.groups, architectures, strict=True):
        checks = [(test.lineno, name) for test in group.tests for name in asked_by(test)]
        names = [name for _, name in checks]
        due = expected.asked[architecture].names if architecture in expected.asked else ()
        architecture = architecture or expected.row.model_type
        for name in due:
            if name not in names:
                yield group.line, f"{name} is not asked of {architecture}, to which it applies"
        for line, name in checks:
            if name not in due:
                yield line, f"{name} is not what applies to {architecture}"
            if names.count(name) > 1:
                yield line, f"{name} is asked {names.count(name)} times of {architecture}"


def asked_by(test: ast.FunctionDef) -> list[str]:
    """Return the checks, with their axes, that a test makes: the one that it is named after, or its parameters."""
    if test.name != INVARIANT:
        return [test.name.removeprefix("test_")]
    calls = [node for node in test.decorator_list if isinstance(node, ast.Call)]
    lists = [call.args[1] for call in calls if _dotted(call.func) == "pytest.mark.parametrize" and len(call.args) == 2]
    return [
        item.value
        for items in lists
        if isinstance(items, ast.List)
        for item in items.elts
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    ]


def _asserts(file: TestFile, _: Expected) -> Findings:
    for test in file.tests:
        if not any(_is_assertion(node) for node in ast.walk(test)):
            yield test.lineno, f"{test.name} asserts nothing"


def _is_assertion(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        called = _dotted(node.func)
        return called == "pytest.raises" or called.startswith("checks.")
    # `assert True` holds of everything.
    return isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant)


def _registries(file: TestFile, expected: Expected) -> Findings:
    """Whatever the file names that a registry knows must be what the registry says of this model type."""
    row, families = expected.row, expected.families
    known = {
        "model_type": {row.model_type},
        "tier": {expected.tier},
        "architecture": set(families) - {WHOLE},
        "family": set(families.values()),
        "auto class": {auto for arch in row.architectures for auto in arch.auto_classes},
    }
    for line, kind, value in _named(file):
        if kind == "task" and kind not in known:  # what an architecture can serve takes a while to tell
            known[kind] = {task for arch in row.architectures if arch.name in families for task in arch.tasks}
        if value not in known.get(kind, {value}):
            yield (
                line,
                f"{kind} {value!r} is not the registries' ({', '.join(sorted(known[kind])) or 'none'})",
            )
    for group in file.groups:
        for kind in ("model_type", "architecture", "family", "tier"):
            if kind not in group.marker:
                yield group.line, f"no pytest.mark.hfci({kind}=…)"
        architecture, family = group.marker.get("architecture"), group.marker.get("family")
        if architecture is not None and family != families.get(architecture, family):
            yield group.line, f"{architecture} is of the family {families[architecture]}, not {family}"
        for node in group.imports:
            strange = [alias.name for alias in node.names if alias.name in {*families} - {architecture}]
            if strange:
                yield node.lineno, f"a test of {architecture} imports {', '.join(strange)}"


def _named(file: TestFile) -> Iterator[tuple[int, str, str]]:
    """Yield line, kind and name of what the file names: imported model classes and arguments of calls."""
    for node in file.nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "transformers":
            for alias in node.names:
                kind = "auto class" if _AUTO_CLASS.match(alias.name) else "architecture"
                yield node.lineno, kind, alias.name
        elif isinstance(node, ast.Call):
            yield from _strings(node)


def _mocks(file: TestFile, _: Expected) -> Findings:
    for node in file.nodes:
        names = _imported(node) if isinstance(node, ast.Import | ast.ImportFrom) else _arguments(node)
        for name in names:
            if _MOCKS & set(name.split(".")):
                yield getattr(node, "lineno", 1), f"{name} stands something in for the real thing"


def _skips(file: TestFile, _: Expected) -> Findings:
    for node in file.nodes:
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in _SKIPS:
            yield node.lineno, f"{name}: a generated test runs or fails"  # type: ignore[attr-defined]


def _remote_code(file: TestFile, _: Expected) -> Findings:
    for number, line in enumerate(file.text.splitlines(), start=1):
        if "trust_remote_code" in line:
            yield number, "trust_remote_code: generated tests run transformers' own code only"


RULES: dict[str, FileRule] = {
    "header": FileRule(_header, "starts with the line that names its template and the transformers version"),
    "asked": FileRule(_asked_checks, "asks of each architecture exactly the checks that apply to it, once each"),
    "asserts": FileRule(_asserts, "every test asserts something"),
    "registries": FileRule(
        _registries, "architectures, auto classes, tasks and family are the registries' for its model type"
    ),
    "mocks": FileRule(_mocks, "nothing is mocked"),
    "skips": FileRule(_skips, "nothing is skipped or expected to fail"),
    "remote-code": FileRule(_remote_code, "no code from outside transformers is trusted"),
}


def _dotted(node: ast.AST) -> str:
    """Return `a.b.c` for the expression `a.b.c`, and an empty string for any other."""
    if isinstance(node, ast.Attribute):
        parent = _dotted(node.value)
        return f"{parent}.{node.attr}" if parent else ""
    return node.id if isinstance(node, ast.Name) else ""


def _strings(call: ast.Call) -> Iterator[tuple[int, str, str]]:
    """Yield line, name and value of the keyword arguments of `call` that are strings."""
    for keyword in call.keywords:
        if keyword.arg and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
            yield keyword.value.lineno, keyword.arg, keyword.value.value


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    module = f"{node.module}." if isinstance(node, ast.ImportFrom) and node.module else ""
    return [module + alias.name for alias in node.names]


def _arguments(node: ast.AST) -> list[str]:
    return [argument.arg for argument in node.args.args] if isinstance(node, ast.FunctionDef) else []
