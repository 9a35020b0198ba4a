"""The JSON Schemas are what the structures say, and tell good files from bad ones as the readers do."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from hfci.cli import main
from hfci.generation.schemas import DOCUMENTS, check_schemas, schemas

PACKAGE = Path(__file__).parents[2] / "hfci"
SCHEMAS = {path: json.loads(text) for path, text in schemas().items()}


def test_every_committed_schema_is_what_the_structures_say() -> None:
    assert check_schemas(PACKAGE) == "", "run `hfci generate --schemas hfci`"


@pytest.mark.parametrize("path", SCHEMAS)
def test_a_schema_is_one_and_its_descriptions_are_whole(path: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[path])
    for name, part in SCHEMAS[path]["$defs"].items():
        assert part.get("description", "").strip(), name
        assert "- `" not in part["description"], f"{name}: a docstring lists a field as `- `field`: …`"


def test_no_union_is_one_that_msgspec_frees_twice() -> None:
    """Such a one is a text with a pattern or a list: msgspec 0.22 dies of it when an error's words are looked for."""
    seen: dict[int, object] = {}
    due = [kind for document in DOCUMENTS for kind in msgspec.inspect.multi_type_info(document.kinds)]
    while due:
        kind = due.pop()
        if id(kind) in seen:
            continue
        seen[id(kind)] = kind
        inner = [field.type for field in getattr(kind, "fields", ())]
        inner += [
            getattr(kind, name) for name in ("type", "item_type", "key_type", "value_type") if hasattr(kind, name)
        ]
        if isinstance(kind, msgspec.inspect.UnionType):
            bare = [one.type if isinstance(one, msgspec.inspect.Metadata) else one for one in kind.types]
            assert not (
                any(getattr(one, "pattern", None) for one in bare) and any(hasattr(one, "item_type") for one in bare)
            )
            inner += kind.types
        due += inner


FILES = [
    (each.path, file)
    for each in DOCUMENTS
    for file in (*PACKAGE.glob(f"{each.path}.toml"), *sorted(PACKAGE.joinpath(each.path).glob("*.toml")))
]


@pytest.mark.parametrize(("path", "file"), FILES, ids=[file.relative_to(PACKAGE).as_posix() for _, file in FILES])
def test_a_file_of_the_package_follows_its_schema(path: str, file: Path) -> None:
    content = json.loads(json.dumps(tomllib.loads(file.read_text(encoding="utf-8")), default=str))
    jsonschema.validate(content, SCHEMAS[f"{path}.schema.json"])


def test_what_differs_is_told_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["generate", "--schemas", str(tmp_path)]
    assert main(command) == 0
    assert main([*command, "--check"]) == 0
    (first, *_) = schemas()
    (tmp_path / first).write_text("{}", encoding="utf-8")
    (tmp_path / "old.schema.json").write_text("{}", encoding="utf-8")
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    capsys.readouterr()
    assert main([*command, "--check"]) == 1
    told = capsys.readouterr().out
    assert f"+++ {tmp_path / first} (rendered)" in told
    assert "old.schema.json" in told
    assert "other.json" not in told
    assert main(command) == 0
    assert capsys.readouterr().out == f"{tmp_path}: 1 written\n"
    assert main([*command, "--verify"]) == 2


def test_a_schema_says_what_is_always_there() -> None:
    """Of what hfci writes whole that is every field: a program need not ask whether one is there."""
    for document in DOCUMENTS:
        parts: dict[str, Any] = SCHEMAS[f"{document.path}.schema.json"]["$defs"]
        for part in parts.values():
            if document.is_whole and "properties" in part:
                assert part["required"] == list(part["properties"])
