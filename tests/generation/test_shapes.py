"""The table of shapes: how a choice is made, and what is said of a bad row."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfci.catalog import families
from hfci.errors import UsageError
from hfci.generation.shapes import FOLDER, Shapes, read_shapes, shapes

GOOD = """
[[vision]]
all = ["output:logits"]
lines = '''
{images}
assert outputs.{output:logits}.shape == (batch, {labels})
'''

[[vision]]
lines = "assert len(outputs) > 0"

[[images]]
none = ["flag:gives_tensor"]
lines = 'batch = inputs["pixel_values"].shape[0]'

[[labels]]
any = ["config:num_labels", "recipe:labels"]
lines = "tiny.config.{which}"

[[labels]]
lines = "2"

[[which]]
lines = "num_labels"
"""


def table(folder: Path, text: str = GOOD, **more: str) -> Shapes:
    for name, content in {"vision": text, **more}.items():
        (folder / f"{name}.toml").write_text(content)
    return read_shapes(folder)


@pytest.mark.parametrize(
    ("facts", "lines"),
    [
        ({"output:logits"}, ['batch = inputs["pixel_values"].shape[0]', "assert outputs.scores.shape == (batch, 2)"]),
        (
            {"output:logits", "recipe:labels", "flag:gives_tensor"},  # a choice without a row gives no line
            ["assert outputs.scores.shape == (batch, tiny.config.num_labels)"],
        ),
        (set(), ["assert len(outputs) > 0"]),
    ],
)
def test_the_first_row_that_holds_gives_its_lines(tmp_path: Path, facts: set[str], lines: list[str]) -> None:
    assert table(tmp_path).lines("vision", facts, {"logits": "scores"}) == lines


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lines = '''\n{images}", "line = '''\n{images}", r"vision\[0\]: unknown key 'line'. Did you mean lines"),
        ("none = [", "where = 1\nnone = [", r"images\[0\].*: unknown key 'where'"),
        ('"output:logits"', '"outputs:logits"', r"vision\[0\].*: no fact 'outputs:logits'.* Did you mean output"),
        ("{images}", "{image}", r"vision\[0\]: there is no choice {image}.*images"),
        ("{which}", "{labels}", r"labels\[0\]: {labels} leads back to labels"),
        ('[[vision]]\nall = ["output:logits"]', "[[vision]]", r"vision\[1\]: is never reached"),
        (
            "[[vision]]\nlines",
            '[[vision]]\nall = ["output:loss"]\nlines',
            "vision: the last row of a family has no rule",
        ),
        ("[[which]]", '[[visoin]]\nlines = "pass"\n[[which]]', "visoin: is no family, and no row uses it.*vision"),
        ("[[labels]]\nlines", '[[labels]]\nall = ["output:loss"]\nlines', "labels: stands within a line"),
        ('"tiny.config.{which}"', "'''\n{which}\n{which}\n'''", r"labels\[0\]: stands within a line, and has several"),
        ("(batch, {labels})", "(batch, {labels}", r"vision\[0\]: '\(' was never closed: assert outputs.logits"),
        ('"2"', '"2)"', r"vision\[0\]: unmatched '\)': assert outputs.logits.shape == \(batch, 2\)\)"),
        ('"num_labels"', '"1abels"', r"vision\[0\]: invalid .*: assert .*tiny.config.1abels"),
        ('lines = "2"', "", r"labels\[1\] lacks lines"),
        ("[[vision]]", "[vision]", ""),
    ],
)
def test_a_bad_row_is_told_with_its_file_before_anything_is_rendered(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=rf"(?s)vision\.toml.*{said}"):
        table(tmp_path, GOOD.replace(old, new, 1))


def test_a_name_in_two_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"words\.toml: which stands in .*vision\.toml too"):
        table(tmp_path, words='[[which]]\nlines = "n"\n')


def test_a_family_of_which_nothing_is_said_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing is expected of the family audio: it wants rows \[\[audio\]\]"):
        table(tmp_path).of_family("audio", set(), {})


def test_something_is_expected_of_every_family() -> None:
    assert read_shapes(FOLDER) == shapes()
    assert families().keys() <= shapes().choices.keys()
