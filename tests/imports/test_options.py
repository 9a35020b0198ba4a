"""What `--import` and `[tool.hfci] imports` may name, and what comes of it before anything is imported."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hfci import imports
from hfci.cli import make_parser
from hfci.configuration import load_configuration
from hfci.errors import EnvironmentUnfit, UsageError
from hfci.imports import ENTERED, Imports, asked_for, custom_module, entered, place_of
from hfci.workflow import FOREIGN, is_foreign

from .support import custom_code, package

COMMANDS = ("catalog", "generate", "validate", "tiny", "run", "plan", "check", "golden", "changes")
TABLE = '[tool.hfci]\nimports = ["mine_package"]\n'


@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", FOREIGN, ENTERED):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_makes_or_runs_tests_takes_it(command: str) -> None:
    needed = {"tiny": ["mine"], "golden": ["show"], "changes": ["show"]}.get(command, [])
    arguments = make_parser().parse_args([command, *needed, "--import", "one", "--import", "two.three"])
    assert arguments.imports == ["one", "two.three"]


def test_packages_come_first_each_once_with_those_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(TABLE)
    custom_code(tmp_path / "code")
    asked = asked_for(["./code", "other", "mine_package", "code/"], trusted=True, folder=tmp_path)
    assert asked == Imports(("mine_package", "other"), (str(tmp_path / "code"),))
    assert asked.names == ("mine_package", "other", "transformers_modules.code")
    assert asked_for([], trusted=False, folder=tmp_path) == Imports(("mine_package",))


def test_nothing_is_asked_for_where_nothing_is_named(tmp_path: Path) -> None:
    assert asked_for([], trusted=False, folder=tmp_path) is None


@pytest.mark.parametrize(
    "name",
    [
        "../mine",
        "/etc/passwd",
        "mine;id",
        "$(id)",
        "mine package",
        "-rf",
        "mine\n",
        "a" * 201,
        "mine.",
        "mïne",
        "1e",
    ],
)
def test_what_is_neither_a_name_nor_a_folder_is_wrong_use(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no package's dotted name"):
        asked_for([name], trusted=True, folder=tmp_path)


@pytest.mark.parametrize("name", ["../mine", "mine;id", "$(id)", "", "mine\\n", "mine.", "-rf"])
def test_neither_may_the_configuration_name_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f'[tool.hfci]\nimports = ["{name}"]\n')
    with pytest.raises(UsageError, match="a package's dotted name"):
        load_configuration(tmp_path)


def test_the_code_of_a_folder_is_run_only_where_somebody_trusts_it(tmp_path: Path) -> None:
    custom_code(tmp_path / "code")
    with pytest.raises(UsageError, match="add --trust-remote-code"):
        asked_for(["./code"], trusted=False, folder=tmp_path)
    with pytest.raises(UsageError, match="name one with --import"):
        asked_for(["mine_package"], trusted=True, folder=tmp_path)
    (tmp_path / "code" / "config.json").unlink()
    with pytest.raises(UsageError, match=r"has a config\.json with an auto_map"):
        asked_for(["./code"], trusted=True, folder=tmp_path)


def test_two_folders_of_one_name(tmp_path: Path) -> None:
    custom_code(tmp_path / "a" / "my-code")
    custom_code(tmp_path / "b" / "my.code")
    assert custom_module(str(tmp_path / "a" / "my-code")) == "transformers_modules.my_code"
    assert custom_module("/x/7b") == "transformers_modules._7b"
    with pytest.raises(UsageError, match="two folders with custom code are called my_code"):
        asked_for(["a/my-code", "b/my.code"], trusted=True, folder=tmp_path)


# A stranger's configuration.


def event(folder: Path, head: object, base: object = "owner/name") -> Path:
    path = folder / "event.json"
    path.write_text(json.dumps({"pull_request": {"head": {"repo": head}, "base": {"repo": {"full_name": base}}}}))
    return path


@pytest.mark.parametrize(
    ("head", "foreign"),
    [({"full_name": "owner/name"}, False), ({"full_name": "stranger/name"}, True), (None, True)],  # None: it is gone
)
@pytest.mark.parametrize("name", ["pull_request", "pull_request_target"])
def test_a_pull_request_of_a_fork_imports_nothing(
    name: str, head: object, foreign: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(TABLE)
    monkeypatch.setenv("GITHUB_EVENT_NAME", name)
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event(tmp_path, head)))
    assert is_foreign() is foreign
    assert asked_for([], trusted=False, folder=tmp_path) == (None if foreign else Imports(("mine_package",)))
    said = imports.unhonoured(load_configuration(tmp_path))
    assert said == ("" if not foreign else f"{said}")
    assert bool(said) is foreign
    # Who has written the workflow may name what they like.
    assert asked_for(["other"], trusted=False, folder=tmp_path) is not None


def test_of_an_event_that_cannot_be_read_nothing_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    assert is_foreign()
    (tmp_path / "event.json").write_text("{")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    assert is_foreign()
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    assert not is_foreign()
    monkeypatch.setenv(FOREIGN, "1")
    assert is_foreign()


def test_plain_pytest_imports_what_the_configuration_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", list(sys.path))
    (tmp_path / "pyproject.toml").write_text("")
    imports.adopt(tmp_path)
    assert entered() is None
    place = package(tmp_path / "src")
    (tmp_path / "pyproject.toml").write_text(TABLE)
    monkeypatch.setenv(ENTERED, "")  # so that it is as before afterwards
    imports.adopt(tmp_path)
    known = entered()
    assert known is not None
    assert (known.packages, known.registry) == (("mine_package",), None)
    assert [one.path for one in known.found] == [str(place)]
    assert sys.path[-1] == str(tmp_path / "src")
    (tmp_path / "pyproject.toml").write_text('[tool.hfci]\nimports = ["other"]\n')
    imports.adopt(tmp_path)  # it was begun for something already
    assert entered() == known


# Where it lies, and what is known of it.


def test_a_package_lies_here_or_in_the_folder_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    package(tmp_path / "src")
    (tmp_path / "single.py").write_text("")
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert place_of("mine_package.modeling_mine") == tmp_path / "src" / "mine_package"
    assert place_of("single") == tmp_path / "single.py"
    with pytest.raises(EnvironmentUnfit, match="there is no package nowhere here: install it"):
        place_of("nowhere")


def test_a_folder_with_custom_code_can_be_a_package_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    custom_code(tmp_path / "my_code")
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    (tmp_path / "inner" / "my_code").symlink_to("nowhere")
    assert place_of("my_code") == tmp_path / "my_code"  # a package without __init__, which registers nothing


def test_a_digest_changes_with_each_file(tmp_path: Path) -> None:
    place = package(tmp_path)
    asked = Imports(("mine_package",))
    (before,) = imports.found(asked)
    assert (before.name, before.path) == ("mine_package", str(place))
    (place / "helper.py").write_text("x = 1\n")
    (after,) = imports.found(asked)
    assert before.digest != after.digest


@pytest.mark.parametrize("text", ["{", "[]", '{"packages": 3}', '{"packages": ["a"], "more": 1}'])
def test_what_others_set_in_the_environment_is_no_list_of_imports(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENTERED, text)
    with pytest.raises(UsageError, match="unset it"):
        entered()
