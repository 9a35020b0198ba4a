"""Reading TOML and JSON: whatever is wrong is one error, which says where and what it must be."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from hfci.errors import UsageError
from hfci.parsing import Names, Pattern, Text, convert, read_json, read_toml


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size: Annotated[int, msgspec.Meta(ge=1, title="a whole number of at least 1")] = 1


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"like": "is-like"}):
    name: Text
    like: Names = ()
    kind: Literal["red", "blue"] = "red"
    parts: dict[Annotated[str, msgspec.Meta(pattern="^[a-z]+$", title="a word")], Part] = {}
    either: Annotated[str | tuple[Text, ...] | Part, msgspec.Meta(title="a text, texts or a part")] = ""
    since: Annotated[Version | None, msgspec.Meta(title="a version such as 5.24.0")] = None
    match: Pattern | None = None
    until: Annotated[date | None, msgspec.Meta(title="a date such as 2027-03-31, without quotes")] = None

    def __post_init__(self) -> None:
        if self.name in self.like:
            raise ValueError(f"{self.name} is like itself")


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[2]
    row: tuple[Row, ...] = ()


def test_a_file_becomes_a_structure(tmp_path: Path) -> None:
    path = tmp_path / "rows.toml"
    path.write_text('schema = 2\n[[row]]\nname = "a"\nsince = "5.24"\nuntil = 2027-03-31\nparts = {x = {size = 3}}\n')
    (row,) = read_toml(path, File, "the rows").row
    assert (row.since, row.until, row.parts) == (Version("5.24"), date(2027, 3, 31), {"x": Part(3)})


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"nmae": "a"}, "row[0]: unknown key 'nmae'. Did you mean name?"),
        ({"name": "a", "x": 1}, "row[0] (a): unknown key 'x'. It takes name, is-like, "),
        ({}, "row[0] lacks name: a text with something in it"),
        ({"name": "\n"}, "row[0] ('\\n'): name must be a text with something in it, not '\\n'"),
        ({"name": "a", "is-like": []}, "row[0] (a): is-like must be a list of names, not []"),
        ({"name": "a", "is-like": ["b", 3]}, "row[0] (a): is-like[1] must be a text with something in it, not 3"),
        ({"name": "a", "is-like": ["a"]}, "row[0] (a): a is like itself"),
        ({"name": "a", "kind": "bleu"}, "row[0] (a): kind must be one of red, blue, not 'bleu'. Did you mean blue?"),
        ({"name": "a", "kind": 3}, "row[0] (a): kind must be one of red, blue, not 3"),
        ({"name": "a", "parts": {"b": {"size": 0}}}, "(a): parts.b: size must be a whole number of at least 1, not 0"),
        ({"name": "a", "parts": {"b\n": {}, "C": {}}}, "row[0] (a): parts.C must be a word, not 'C'"),
        ({"name": "a", "either": 3}, "row[0] (a): either must be a text, texts or a part, not 3"),
        ({"name": "a", "either": {"siez": 3}}, "row[0] (a): either: unknown key 'siez'. Did you mean size?"),
        ({"name": "a", "either": ["x", " "]}, "row[0] (a): either[1] must be a text with something in it, not ' '"),
        ({"name": "a", "since": "new"}, "row[0] (a): since must be a version such as 5.24.0, not 'new'"),
        ({"name": "a", "since": 3}, "row[0] (a): since must be a version such as 5.24.0, not 3"),
        ({"name": "a", "until": "2027-03-31"}, "until must be a date such as 2027-03-31, without quotes, not '2027"),
        ({"name": "a", "match": "(x"}, "row[0] (a): match: '(x' is no pattern: missing ), unterminated"),
        ({"name": "a", "match": 3}, "row[0] (a): match: expected a text, not 3"),
        (["a"], "row[0]: Expected `object`, got `array`"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(row: Any, said: str) -> None:
    with pytest.raises(UsageError) as error:
        convert({"schema": 2, "row": [row]}, File, "rows.toml")
    assert said in str(error.value)
    assert str(error.value).startswith("rows.toml: row[0]")
    assert "\n" not in str(error.value)


DEEP = 100_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no list of rows: Input data was truncated"),
        (b"[]", "is no list of rows: Expected `object`, got `array`"),
        (b"[" * DEEP, "is no list of rows: "),
        (b'{"schema": 2, "row": ' + b"[" * DEEP + b"]" * DEEP + b"}", "is no list of rows: "),
        (b'{"schema": 2, "row": [{"name": 3}]}', "is no list of rows: row[0]: name must be a text"),
        (b'{"schema": 7}', "a list of rows of schema 7, this hfci reads 1, 2; make a new one"),
        (b'{"schema": 7, "hfci": "9.1"}', "(written by hfci 9.1): a list of rows of schema 7"),
        (b'{"schema": 7, "versions": {"hfci": "9.1"}}', "(written by hfci 9.1): a list of rows of schema 7"),
        (b'{"schema": 7, "hfci": "9.1): all is well"}', "rows.json: a list of rows of schema 7"),
        (b'{"schema": 7, "hfci": null, "versions": []}', "rows.json: a list of rows of schema 7"),
        (b'{"schema": 2, "hfci": "9.1", "row": [{"name": 3}]}', "(written by hfci 9.1) is no list of rows: "),
        (b'{"schema": [1]}', "a list of rows of schema [1], this hfci reads 1, 2"),
        (b'{"schema": true}', "a list of rows of schema True, this hfci reads 1, 2"),
        (b'{"schema": 1, "rows": [{"name": 3}]}', "is no list of rows: row[0]: name must be a text"),
    ],
)
def test_json_that_is_no_such_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        read_json(path, File, "list of rows", schema=2, mend="make a new one", upgrades={1: upgraded})
    assert said in str(error.value)
    assert str(path) in str(error.value)


def test_json_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(b'{"schema": "\xff"}')
    # msgspec 0.22 says it in Python's words, 0.23 in its own
    with pytest.raises(UsageError, match=r"rows\.json is no list of rows: .*(?i:utf-8)"):
        read_json(path, File, "list of rows", schema=2, mend="make a new one", upgrades={1: upgraded})


def upgraded(data: dict[str, Any]) -> dict[str, Any]:
    return {"schema": 2, "row": data.get("rows", [])}


def test_an_older_schema_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('{"schema": 1, "rows": [{"name": "a"}]}')
    assert read_json(path, File, "list of rows", schema=2, upgrades={1: upgraded}) == File(2, (Row("a"),))


@pytest.mark.parametrize("content", [b"schema = ", b"\xff", b"schema = " + b"[" * DEEP])
def test_what_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot read the rows .*rows\.toml: "):
        read_toml(path, File, "the rows")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("size"), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["name", "is-like", "kind", "parts", "either", "since", "until", "match", "x"]), VALUES
    )
)
def test_any_value_is_taken_or_is_a_usage_error(row: Mapping[str, Any]) -> None:
    with contextlib.suppress(UsageError):
        assert len(convert({"schema": 2, "row": [row]}, File, "rows.toml").row) == 1
