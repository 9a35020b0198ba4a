from __future__ import annotations

import ast
import json
import os
import subprocess
from pathlib import Path

import pytest

from hfci.origin import find_transformers
from hfci.planning.fingerprinting.closures import Closures
from hfci.planning.fingerprinting.file_cache import FileCache
from hfci.planning.fingerprinting.imports import Graph, module_of
from hfci.planning.fingerprinting.normalize import ALWAYS, IN_FUNCTION, TYPED, exports_of, read_facts
from hfci.planning.fingerprinting.sources import File, Folder, files_in
from tests.planning.fingerprinting.worlds import TRANSFORMERS, graph, needs
from tests.warm import COLD

BERT = "transformers/models/bert/modeling_bert.py"
SOURCE = '''"""A module."""
import os, torch.nn as nn

class A:
    """A class."""

    def f(self, x: int = 1) -> str:
        """A method."""
        # a comment
        return "a" + f"{x!r}"
'''

# What counts of a file.


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A method."""', '"""Another text."""'),
        ('"""A method."""', ""),
        ('"""A module."""', "'''Of several\nlines.'''"),
        ("# a comment", ""),
        ('"a" + f"{x!r}"', "(\n            'a'\n            + f'{x!r}'\n        )"),
        ("x: int = 1", "x: int=1,"),
        ("class A:", "if TYPE_CHECKING:\n    from x import y\n\nclass A:"),
    ],
)
def test_what_cannot_change_a_test_does_not_count(old: str, new: str) -> None:
    changed = SOURCE.replace(old, new)
    assert changed != SOURCE
    assert read_facts(changed.encode()).digest == read_facts(SOURCE.encode()).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("= 1", "= 2"),
        ("= 1", "= 1.0"),
        ("= 1", "= True"),
        ('"a"', 'b"a"'),
        ("!r", "!s"),
        ("-> str", "-> int"),
        ("A:", "B:"),
        ("f(self", "async_f(self"),
        ('return "a"', 'assert x\n        return "a"'),
        ("nn\n", "mm\n"),
        ("    def", "    @x\n    def"),
    ],
)
def test_what_can_does(old: str, new: str) -> None:
    changed = SOURCE.replace(old, new)
    assert changed != SOURCE
    assert read_facts(changed.encode()).digest != read_facts(SOURCE.encode()).digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"y[x[a:b]:]", b"y[x[a:]:b]"),
        (b"x = List", b"x = []"),
        (b"f(a, b)", b"f(a)(b)"),
        (b"f((a, b))", b"f(a, b)"),
        (b"x = 'a'", b"x = a"),
        (b"x: int", b"x = int"),
        (b"def f(a, /, b): ...", b"def f(a, b): ..."),
        (b"def f(*, a=None): ...", b"def f(*, a): ..."),
        (b"a if b else c", b"b if a else c"),
        (b"not a == b", b"(not a) == b"),
        (b"x = -1", b"x = - -1"),
        (b"{**a, 'b': c}", b"{'b': c, **a}"),
    ],
)
def test_two_programs_are_not_one(one: bytes, other: bytes) -> None:
    assert read_facts(one).digest != read_facts(other).digest


def test_the_installed_source_is_told_apart_as_python_tells_it() -> None:
    """Counted independently: by the dump of each tree."""
    files = sorted((find_transformers() / "models").glob("b*/*.py"))
    trees = [ast.dump(_without_docstrings(ast.parse(path.read_bytes()))) for path in files]
    assert len(set(trees)) == len({read_facts(path.read_bytes()).digest for path in files}) > 50


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        for part in ("body", "orelse", "finalbody"):
            if isinstance(found := getattr(node, part, None), list):
                lone = [x for x in found if isinstance(x, ast.Expr) and isinstance(x.value, ast.Constant)]
                setattr(node, part, [x for x in found if x not in lone or not isinstance(x.value.value, str)])
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    return tree


def test_a_statement_moved_from_one_block_to_another_counts() -> None:
    inside, outside = b"if x:\n    a()\n    b()\n", b"if x:\n    a()\nb()\n"
    assert read_facts(inside).digest != read_facts(outside).digest


def test_an_import_is_known_by_when_it_runs() -> None:
    source = (
        b"import a.b\nfrom . import c\nfrom ..d import e as f\ntry:\n    import g\nexcept ImportError:\n    import h\n"
        b"def i():\n    if x:\n        import j\n"
        b"class K:\n    import l\n    async def m(self):\n        from n import *\n"
        b"if typing.TYPE_CHECKING:\n    import o\nelse:\n    import p\n"
        b"with x:\n    import q\nmatch x:\n    case 1:\n        import r\n"
    )
    found = {(name.module, name.level, name.names): name.when for name in read_facts(source).imports}
    always = [("a.b", 0, ()), ("", 1, ("c",)), ("d", 2, ("e",))]
    always += [(name, 0, ()) for name in "ghlpqr"]
    assert found == {
        **dict.fromkeys(always, ALWAYS),
        ("j", 0, ()): IN_FUNCTION,
        ("n", 0, ("*",)): IN_FUNCTION,
        ("o", 0, ()): TYPED,
    }


@pytest.mark.parametrize(
    "source",
    [
        b"def (",
        b"\xff\xfe\x00",
        b"# -*- coding: no-such -*-\nx = 1",
        b"x = '\xe9'",
        b"a\x00b",
        b"(" * 5000,
        b"-" * 100_000 + b"1",
    ],
)
def test_what_python_cannot_read_counts_byte_for_byte(source: bytes) -> None:
    found = read_facts(source)
    assert found.imports == ()
    assert found.digest == read_facts(source).digest != read_facts(source + b" ").digest


def test_another_encoding_is_read() -> None:
    latin = "# -*- coding: latin-1 -*-\nx = 'é'\n"
    assert read_facts(latin.encode("latin-1")).digest == read_facts("x = 'é'\n".encode()).digest


def test_exports_are_read_as_transformers_reads_them() -> None:
    source = (
        b"__all__ = ['A', \"B\"]  # 'C'\nx.__all__ = ['D']\n__all__ += [\n    'E',\n]\n"
        b"@requires(\n    backends=('torch',)\n)\n@decorated\nclass F(Base):\n    __all__ = ['G']\n"
        b"@requires()\ndef h(): ...\n"
    )
    assert exports_of(source) == ("A", "B", "E", "F", "h")
    assert exports_of(b"x = 1") == exports_of(b"__all__ = names()") == ()


# The graph.


def test_a_name_of_a_lazy_package_is_looked_up_and_its_neighbours_are_left_alone() -> None:
    found = needs(graph({"test.py": "from transformers import DPRReader\n"}), "test.py")
    assert {BERT, "transformers/models/dpr/modeling_dpr.py", "transformers/models/bert/configuration_bert.py"} <= found
    assert not {name for name in found if "llama" in name or "gpt2" in name}


def test_what_is_needed_includes_packages_of_others_and_those_it_is_in_but_nothing_of_python_itself() -> None:
    found = needs(graph(), "transformers.models.bert.modeling_bert")
    assert "torch" in found
    assert {
        "transformers/__init__.py",
        "transformers/models/__init__.py",
        "transformers/models/bert/__init__.py",
    } <= found
    assert "sys" not in found


def test_shared_code_does_not_depend_on_the_one_model_that_a_function_of_it_imports() -> None:
    found = needs(graph(), BERT.replace("/", ".").removesuffix(".py"))
    assert "transformers/gguf.py" in found  # though the function that imports it may never run
    assert not {name for name in found if "llama" in name or "gpt2" in name}


def test_it_does_where_the_import_is_the_modules_own() -> None:
    changes = {"transformers/quantizers.py": "from .models.llama.modeling_llama import LlamaMLP\ndef pick(): ...\n"}
    assert "transformers/models/llama/modeling_llama.py" in needs(graph(changes), "transformers.modeling_utils")


def test_a_model_depends_on_what_a_function_of_its_own_imports() -> None:
    changes = {"transformers/models/llama/modeling_llama.py": "def f():\n    from ..bert import BertModel\n"}
    assert BERT in needs(graph(changes), "transformers.models.llama.modeling_llama")


def test_the_shortest_chain_is_told() -> None:
    found = graph({"test.py": "from transformers import DPRReader\n"})
    assert found.chain(["test.py"], [BERT]) == ("test.py", "transformers/models/dpr/modeling_dpr.py", BERT)
    assert found.chain([BERT], ["transformers/models/dpr/modeling_dpr.py"]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "from transformers import NoSuchThing\n",
        "from transformers.models.bert import *\n",
        "import transformers.models.nothing.here\n",
        "from ....... import x\n",
        "from transformers.models.bert.modeling_bert.deeper import x\n",
        "from .sibling import x\n",
    ],
)
def test_an_import_that_would_fail_is_no_error(text: str) -> None:
    assert "test.py" in needs(graph({"test.py": text}), "test.py")


def test_modules_that_need_each_other_need_the_same() -> None:
    changes = {
        "transformers/a.py": "from . import b\n",
        "transformers/b.py": "from .c import x\nimport torch\n",
        "transformers/c.py": "from .a import y\n",
        "transformers/__init__.py": "from .models import *\nfrom .a import z\n",
        "transformers/models/__init__.py": "from .. import *\nfrom ..models import w\n",
    }
    found = [needs(graph(changes), f"transformers.{name}") for name in "abc"]
    assert found[0] == found[1] == found[2] >= {"torch", "transformers/a.py", "transformers/b.py", "transformers/c.py"}


def test_lazy_packages_that_export_each_other_end() -> None:
    lazy = "from .utils import _LazyModule\nif TYPE_CHECKING:\n    from .models import *\nelse:\n    _LazyModule()\n"
    back = "from ..utils import _LazyModule\nif TYPE_CHECKING:\n    from .. import *\nelse:\n    _LazyModule()\n"
    changes = {
        "transformers/__init__.py": lazy,
        "transformers/models/__init__.py": back,
        "test.py": "from transformers import X",
    }
    assert "transformers/__init__.py" in needs(graph(changes), "test.py")


def test_closures_are_what_a_walk_finds() -> None:
    arrows = {"a": "bc", "b": "d", "c": "ae", "d": "", "e": "fd", "f": "g", "g": "e", "h": "h", "i": "ha"}
    closures = Closures(arrows, str)

    def walk(start: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        seen |= {start}
        for name in arrows[start]:
            seen = seen if name in seen else walk(name, seen)
        return seen

    for name in arrows:
        assert set(closures.names(closures.of([name]))) == walk(name)
    assert set(closures.names(closures.of("dh"))) == {"d", "h"}


def test_module_names() -> None:
    assert module_of("transformers/models/bert/__init__.py") == "transformers.models.bert"
    assert module_of("transformers/a.py") == "transformers.a"


# Files, and what is remembered of them.


def test_files_that_cannot_be_read_are_no_end(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("import torch\n")
    package = tmp_path / "transformers"
    (package / "models").mkdir(parents=True)
    (package / "linked.py").symlink_to(outside)
    (package / "gone.py").symlink_to(tmp_path / "nowhere.py")
    (package / "folder.py").mkdir()
    os.mkfifo(package / "pipe.py")
    (package / "endless.py").symlink_to("/dev/zero")
    (package / "loop").symlink_to(package)
    (package / "a\nb.py").write_text("x = 1\n")
    (package / b"\xff.py".decode(errors="surrogateescape")).write_bytes(b"\xff")
    files = files_in(Folder("transformers", package))
    names = {"linked.py", "gone.py", "folder.py", "pipe.py", "endless.py", "a\nb.py", "\udcff.py"}
    assert {name.partition("/")[2] for name in files} == names
    found = Graph(files, FileCache(tmp_path / "cache"), ("transformers",))
    assert needs(found, *map(module_of, files)) >= {"torch", "transformers/gone.py"}
    found.remembered.save()


def test_what_is_remembered_is_of_the_file_as_it_is(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.py", tmp_path / "deep" / "cache"
    path.write_text("x = 1\n__all__ = ['x']\n")
    os.utime(path, ns=(10**18, 10**18))

    def look() -> tuple[str, tuple[str, ...]]:
        remembered = FileCache(cache)
        (file,) = files_in(Folder("a", tmp_path)).values()
        found = remembered.of(file).digest, remembered.exports(file)
        remembered.save()
        return found

    first = look()
    assert cache.exists()
    assert look() == first
    path.write_text("x = 2\n__all__ = ['y']\n")  # of the same size, at the same time: as good as the same file
    os.utime(path, ns=(10**18, 10**18))
    assert look() == first
    os.utime(path, ns=(10**18, 10**18 + 1))
    assert look()[1] == ("y",)


def test_a_file_that_was_changed_just_now_is_looked_at_anew(tmp_path: Path) -> None:
    path, remembered = tmp_path / "a.py", FileCache(tmp_path / "cache")
    path.write_text("x = 1\n")
    (file,) = files_in(Folder("a", tmp_path)).values()
    assert file.stamp is None
    assert remembered.of(file).digest == read_facts(b"x = 1\n").digest


@pytest.mark.parametrize(
    "content", [b"", b"no cache", b"\x93\x01\x02", b"\x82\xa7made_by\x93\x01\x03\x0b\xa5files\x01"]
)
def test_a_broken_cache_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cache").write_bytes(content)
    files = _written(tmp_path / "transformers")
    found = Graph(files, FileCache(tmp_path / "cache"), ("transformers",))
    assert "torch" in needs(found, "transformers.models.dpr.modeling_dpr")


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    remembered, files = FileCache(tmp_path / "file" / "cache"), _written(tmp_path / "transformers")
    assert "torch" in needs(Graph(files, remembered, ("transformers",)), "transformers.models.dpr.modeling_dpr")
    remembered.save()


def test_several_that_write_one_cache_leave_one_that_is_whole(tmp_path: Path) -> None:
    package = tmp_path / "transformers"
    package.mkdir()
    for index in range(50):
        (package / f"m{index}.py").write_text(f"x = {index}\n")
    code = (
        "import sys, os; from pathlib import Path; from hfci.planning.fingerprinting.file_cache import FileCache\n"
        "from hfci.planning.fingerprinting.sources import Folder, File, files_in\n"
        f"folder, cache = Path({str(package)!r}), Path({str(tmp_path / 'cache')!r})\n"
        "for turn in range(20):\n"
        "    remembered = FileCache(cache)\n"
        "    for path in folder.iterdir():\n"
        "        remembered.of(File(path, (int(sys.argv[1]), turn)))\n"
        "    remembered.save()\n"
    )
    writers = [subprocess.Popen([COLD, "-c", code, str(index)]) for index in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert len(FileCache(tmp_path / "cache")._kept) == 50
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")] == []


def _written(package: Path) -> dict[str, File]:
    for label, text in TRANSFORMERS.items():
        path = package.parent / label
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return dict(files_in(Folder("transformers", package)))


# The real one.


def _installed() -> dict[str, File]:
    return dict(files_in(Folder("transformers", find_transformers())))


def test_every_model_name_that_transformers_exports_is_found_where_it_is() -> None:
    """Counted independently: by transformers' own lazy module, in a process of its own."""
    code = "import transformers, sys, json; print(json.dumps(sys.modules['transformers']._class_to_module))"
    told = subprocess.run([COLD, "-c", code], capture_output=True, text=True, check=True).stdout
    theirs = {name: f"transformers.{module}" for name, module in json.loads(told.splitlines()[-1]).items()}
    found = Graph(_installed(), FileCache(), ("transformers",))
    models = {name: module for name, module in theirs.items() if module.startswith("transformers.models.")}
    assert len(models) > 3000
    assert {name: found.find("transformers", name) for name in models} == models
    others = {name: found.find("transformers", name) for name in theirs.keys() - models.keys()}
    assert sum(place is None for place in others.values()) <= 8  # what transformers does not tell type checkers
    assert not [place for place in others.values() if place and place.startswith("transformers.models.")]


def test_nothing_of_it_imports_torch_or_transformers() -> None:
    code = (
        "import sys; import hfci.planning.fingerprinting.reuse\n"
        "assert not {'torch', 'transformers', 'numpy'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([COLD, "-c", code], check=True)
