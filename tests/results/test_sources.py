"""Where a line of transformers can be read, whatever a header and a record say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from hfci.cases.records import Frame, Header
from hfci.origin import Origin
from hfci.results.sources import source_of
from hfci.results.text import clean

from .rendered import HOSTILE, hostile_texts

LINE = Frame("transformers/models/bert/modeling_bert.py", 12, "BertModel.forward", "return x")
TREE = "https://github.com/huggingface/transformers/blob"
COMMIT = "0123456789abcdef" * 2 + "01234567"


def head(version: str | None = "5.24.0", **fields: Any) -> Header:
    fields = {"versions": {"transformers": version}, "packages": {}, **fields}
    return Header(run="x", started="", device="cpu", planned=0, **fields)


def installed_from(address: str) -> Header:
    return head(packages={"transformers": address})


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (head(), f"{TREE}/v5.24.0/src/{LINE.path}#L12"),
        (head("5.25.0rc1"), f"{TREE}/v5.25.0rc1/src/{LINE.path}#L12"),
        (
            installed_from(f"git+https://github.com/me/my.fork@{COMMIT}"),
            f"https://github.com/me/my.fork/blob/{COMMIT}/src/{LINE.path}#L12",
        ),
        (
            installed_from(f"git+https://github.com/huggingface/transformers.git@{COMMIT}"),
            f"{TREE}/{COMMIT}/src/{LINE.path}#L12",
        ),
        (installed_from(f"git+https://example.com/me/fork@{COMMIT}"), None),
        (installed_from(f"git+https://github.com/me/fork@{COMMIT}#subdirectory=x"), None),
        (installed_from(f"git+https://github.com/me/..@{COMMIT}"), None),
        (
            installed_from(f"git+https://github.com/me/my.fork.git@{COMMIT}"),
            f"https://github.com/me/my.fork/blob/{COMMIT}/src/{LINE.path}#L12",
        ),
        (installed_from("file:///home/me/transformers"), None),
        (head("5.25.0.dev0"), None),
        (head(None), None),
        (head(packages=None), f"{TREE}/v5.24.0/src/{LINE.path}#L12"),
    ],
)
def test_the_address_of_a_line(header: Header, address: str | None) -> None:
    source = source_of(header)
    assert source.address(LINE) == address
    assert source.place(LINE) == f"{LINE.path}:12 in BertModel.forward"


def test_in_a_checkout_it_is_a_path() -> None:
    source = source_of(head(source=Origin(path="/home/me/fork/src/transformers", commit=COMMIT, digest="d")))
    assert source.address(LINE) is None
    assert source.place(LINE) == f"/home/me/fork/src/{LINE.path}:12 in BertModel.forward"


@pytest.mark.parametrize("path", ["transformers/../../x.py", "transformers/a.py?x", "x.py", "/etc/passwd", *HOSTILE])
def test_what_is_no_path_of_the_library_is_linked_to_nothing(path: str) -> None:
    assert source_of(head()).address(Frame(path, 1, "f", "")) is None


@given(hostile_texts, hostile_texts, hostile_texts)
def test_no_text_makes_another_address(version: str, address: str, path: str) -> None:
    for header in (
        head(version),
        installed_from(address),
        installed_from(f"git+https://github.com/{address}@{COMMIT}"),
    ):
        found = source_of(header).address(Frame(path, 1, path, path))
        assert found is None
        place = source_of(header).place(Frame(path, 1, path, path))
        assert place == clean(place)
