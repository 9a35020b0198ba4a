from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfci.confined import inside, plain_name, relative_path
from hfci.errors import UsageError

DOWN = ["a", "a/b.py", "text_encoder/test_bert.py", "..a/b..c/...d", "é/ß.py", "a b/c d.py", ".hidden/x"]
OUT = [
    *("", "/", "/etc/passwd", "//host/share", "..", "../a", "a/..", "a/../../b", "./a", "a/./b", "a//b", "a/"),
    *("C:\\a", "C:a", "c:/a", "\\a", "a\\..\\..\\b", "\\\\host\\share", "a.py:stream", "..\\a"),
    *("a\0b", "a\nb", "a\n", "\ud800", ".. /a", ".../a", "a/. ", "a./b"),
]


@pytest.mark.parametrize("text", DOWN)
def test_a_path_that_goes_down_is_one(text: str) -> None:
    assert relative_path(text) == text


@pytest.mark.parametrize("text", OUT)
def test_any_other_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no path within the folder"):
        relative_path(text)


@given(st.text())
def test_what_is_accepted_stays_below_its_folder(text: str) -> None:
    try:
        relative_path(text)
    except ValueError:
        return
    place = Path("/somewhere/deep", text)
    assert place.resolve().is_relative_to("/somewhere/deep")
    assert place != Path("/somewhere/deep")


@pytest.mark.parametrize("text", [*OUT, "a/b"])
def test_a_plain_name_has_no_folder(text: str) -> None:
    with pytest.raises(ValueError, match="is no plain name"):
        plain_name(text)
    assert plain_name("20261127T010203Z-abc.def") == "20261127T010203Z-abc.def"


def test_a_link_that_stays_is_followed_and_one_that_leaves_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "real").mkdir(parents=True)
    (folder / "within").symlink_to("real")
    (folder / "without").symlink_to(tmp_path)
    (folder / "circle").symlink_to("circle")
    assert inside(folder, "within/a.py") == folder / "within/a.py"
    assert inside(folder, "nothing/there.py") == folder / "nothing/there.py"
    for path in ("without", "without/a.py", "without/folder/../../a.py"):
        with pytest.raises(UsageError, match="leads out of"):
            inside(folder, path)


def test_a_folder_that_is_itself_reached_by_a_link_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert inside(tmp_path / "link", "a.py") == tmp_path / "link" / "a.py"
