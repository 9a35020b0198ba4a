"""Packages and custom code outside of any checkout: green where they are right, red where they are not."""

from __future__ import annotations

import html
import json
import shlex
from pathlib import Path

import pytest

from hfci.cases.reading import find_parts, read_records
from hfci.cases.records import Header, Record
from tests.test_cli import run

from .support import FORWARD, custom_code, package

# In training as in evaluation, and no two rows alike.
BUG = f"{FORWARD} + hidden.mean(0, keepdim=True)"
SECRET = "hf_this_is_a_secret"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    right = package(folder / "src")
    # Whatever it does when it is imported is seen here: no token, and what it prints is not in a command's output.
    with (right / "__init__.py").open("a") as file:
        file.write("\nimport os\nprint('printed')\nassert not os.environ.get('HF_TOKEN'), 'a token'\n")
    package(folder, "wrong_package", "wrong", BUG)
    custom_code(folder / "my-code", "coded")
    (folder / "pyproject.toml").write_text('[tool.hfci]\nimports = ["mine_package"]\n')
    return folder


OPTIONS = ("--import", "wrong_package", "--import", "./my-code", "--trust-remote-code")


@pytest.fixture(scope="module")
def ran(here: Path) -> tuple[Header, dict[str, list[Record]], str]:
    """Return the header and, by model type, the records of one run of all of them, and what was told."""
    done = run("run", "import:*", *OPTIONS, "--results", "out", "--workers", "2", cwd=here, HF_TOKEN=SECRET)
    assert done.returncode == 1, done.stdout + done.stderr
    ((head, path),), _ = find_parts([here / "out"])
    by_type: dict[str, list[Record]] = {}
    for _, record in read_records(path):
        assert record is not None
        by_type.setdefault(record.model_type, []).append(record)
    return head, by_type, done.stdout


def outcomes(records: list[Record]) -> dict[str | None, str]:
    return {record.check: str(record.outcome) for record in records}


@pytest.mark.parametrize("model_type", ["mine", "coded"])
def test_what_is_right_is_green(model_type: str, ran: tuple[Header, dict[str, list[Record]], str]) -> None:
    told = outcomes(ran[1][model_type])
    assert len(told) == 7
    assert told.pop("golden_output") == "not-applicable"
    assert set(told.values()) == {"passed"}


def test_a_bug_is_red_with_the_command_that_shows_it(ran: tuple[Header, dict[str, list[Record]], str]) -> None:
    (red,) = [record for record in ran[1]["wrong"] if record.outcome == "failed"]
    assert red.check == "batch_is_independent"
    assert red.reproduce is not None
    words = shlex.split(red.reproduce)
    assert words[:2] == ["hfci", "run"]
    assert [word for word in words if "import" in word or "trust" in word] == [
        "--import",
        "--import",
        "--trust-remote-code",
    ]
    assert red.reproduce in ran[2]


def test_records_and_reports_say_whose_code_it_was(
    here: Path, ran: tuple[Header, dict[str, list[Record]], str]
) -> None:
    head, _, told = ran
    known = {one.name: (one.path, one.model_types) for one in head.imports}
    assert known == {
        "mine_package": (str(here / "src" / "mine_package"), ("mine",)),
        "wrong_package": (str(here / "wrong_package"), ("wrong",)),
        "my-code": (str(here / "my-code"), ("coded",)),
    }
    assert all(f"{one.name} (digest {one.digest[:12]})" in told for one in head.imports)
    assert SECRET not in (here / "out").joinpath(next((here / "out").glob("*.jsonl")).name).read_text()
    page = run("report", "out", "--summary", "summary.md", cwd=here)
    assert page.returncode == 1
    text = (here / "summary.md").read_text().replace("<wbr>", "")  # where a line may be broken
    assert head.beside in html.unescape(text)


def test_the_catalog_of_a_repository_has_its_own_without_an_option(here: Path) -> None:
    done = run("catalog", "import:mine_package", "--json", cwd=here)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["model_types"]  # nothing else was printed
    assert (row["model_type"], row["families"]) == ("mine", ["text_encoder"])
    assert "printed" in done.stderr


def test_a_fork_says_that_it_imports_nothing(here: Path, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    repositories = {"head": {"repo": {"full_name": "a/b"}}, "base": {"repo": {"full_name": "c/b"}}}
    event.write_text(json.dumps({"pull_request": repositories}))
    done = run("tiny", "mine", cwd=here, GITHUB_EVENT_NAME="pull_request", GITHUB_EVENT_PATH=str(event))
    assert done.returncode == 2
    assert "imports of a stranger's commit are not honoured: mine_package is not imported" in done.stderr
    assert "printed" not in done.stderr


def test_an_import_that_ends_the_process_is_told_of(here: Path) -> None:
    (here / "ending.py").write_text(
        "import os, sys\nsys.stderr.write('\\x1b[31mgone')\nsys.stderr.flush()\nos._exit(3)\n"
    )
    done = run("tiny", "mine", "--import", "ending", cwd=here)
    assert done.returncode == 2
    assert "the process that imports it ends with exit code 3 ('\\x1b[31mgone')" in done.stderr
    assert "\x1b" not in done.stderr
