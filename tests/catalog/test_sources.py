"""Classes read as text are those that a parser finds in the whole file."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from hfci.catalog import sources
from hfci.catalog.sources import defined_class

BETWEEN_STATEMENTS = '''
class Plain(
    Base,
):
    names = ["a"]

# A remark at the left.
    other = (
1
)

class Told:
    """What is
class Plain: said of
    it = here
    """

    names = ["b"]

if True:
    class Within:
        names = ["c"]
'''


@pytest.mark.parametrize(
    "module",
    [
        "transformers.tokenization_utils_base",
        "transformers.models.bert.modeling_bert",
        "transformers.models.whisper.tokenization_whisper",
        "transformers.models.clip.image_processing_clip",
    ],
)
def test_each_class_of_a_module_is_as_it_stands_there(module: str) -> None:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    wanted = {node.name: list(map(ast.dump, node.body)) for node in tree.body if isinstance(node, ast.ClassDef)}
    assert wanted
    for name, body in wanted.items():
        found = defined_class(module, name)
        assert found is not None
        assert list(map(ast.dump, found.node.body)) == body


def test_a_class_ends_where_the_next_statement_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "module_text", lambda _: BETWEEN_STATEMENTS)
    module = "transformers.of_a_test"
    found = {name: defined_class(module, name) for name in ("Plain", "Told", "Within", "said")}
    assert {name: cls and len(cls.node.body) for name, cls in found.items()} == {
        "Plain": 2,
        "Told": 2,
        "Within": 1,
        "said": None,
    }
