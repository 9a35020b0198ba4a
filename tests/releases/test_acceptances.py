"""The accepted losses: reading them, what they make of a loss, and what is wrong with one."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace
from packaging.version import Version

from hfci.cases.manifest import MANIFEST, Manifest, ManifestArchitecture, ManifestRow, load_manifest
from hfci.cli import main
from hfci.errors import UsageError
from hfci.releases.acceptances import OWN, Acceptance, Step, judge, load_acceptances, read_acceptances
from hfci.releases.earlier import earlier_manifest
from hfci.releases.losses import Kind, Loss

from .test_losses import HEAD, MODEL, OLD, ONE, TWO, after, with_model

ROOT = Path(__file__).parents[2]
ACCEPTED = Acceptance(
    model_types=("one",),
    architectures=(MODEL,),
    kind=Kind.OUTPUT,
    names=("cache",),
    transformers=Step(Version("5.23.0"), Version("5.24.0")),
    reason="of a test",
    where="accepted.toml",
)
SCHEMA = json.loads(OWN.with_name("accepted.schema.json").read_text(encoding="utf-8"))
LOST = with_model(outputs=("last_hidden_state",))

ROW = """[[loss]]
model_types = ["one"]
architectures = ["OneModel"]
kind = "output"
names = ["cache"]
transformers = { from = "5.23.0", to = "5.24.0" }
reason = "of a test, and long enough"
"""


def told(new: Manifest, *acceptances: Acceptance, old: Manifest = OLD) -> tuple[bool, list[str]]:
    judged = judge(old, new, acceptances)
    return judged.is_red, list(judged.problems)


def test_a_loss_is_red_until_it_is_accepted() -> None:
    assert told(LOST) == (True, [])
    assert told(LOST, ACCEPTED) == (False, [])
    assert judge(OLD, LOST, [ACCEPTED]).losses == ((Loss("one", MODEL, Kind.OUTPUT, "cache"), "of a test"),)


@pytest.mark.parametrize(
    "changes",
    [
        {"names": ("last_hidden_state",)},
        {"architectures": (HEAD,), "names": ("logits",)},
        {"model_types": ("two",)},
        {"kind": Kind.CHECK},
        {"transformers": Step(Version("5.22.0"), Version("5.24.0"))},
        {"transformers": Step(Version("5.23.0"), Version("5.25.0"))},
    ],
)
def test_an_acceptance_of_another_loss_accepts_none(changes: Mapping[str, Any]) -> None:
    assert judge(OLD, LOST, [replace(ACCEPTED, **changes)]).open


def test_an_acceptance_holds_wherever_its_step_is_among_those_between_the_two() -> None:
    older, newer = replace(OLD, transformers="5.20.0"), replace(LOST, transformers="5.26.0.dev0")
    assert told(newer, ACCEPTED, old=older) == (False, [])
    # What was not there before is not missed.
    assert told(newer, replace(ACCEPTED, names=("other",)), old=replace(older, model_types=(TWO,))) == (
        False,
        [],
    )


def test_an_acceptance_of_what_is_not_lost_is_an_error() -> None:
    red, problems = told(after(ONE, TWO), ACCEPTED)
    assert red
    assert problems == ["accepted.toml: one OneModel: output cache is not lost: it must go"]
    assert told(LOST, replace(ACCEPTED, names=("cache", "logits")))[0]
    # Of other versions than these two nothing is known.
    assert told(after(ONE, TWO), replace(ACCEPTED, transformers=Step(Version("5.20.0"), Version("5.21.0")))) == (
        False,
        [],
    )


def test_what_a_manifest_does_not_say_is_no_error_of_an_acceptance() -> None:
    built = replace(ACCEPTED, kind=Kind.BUILD, names=())
    assert told(after(ONE, TWO), built)[0]
    assert told(with_model(parameters=None), built) == (False, [])  # not tried
    silent = tuple(replace(architecture, outputs=()) for architecture in ONE.architectures)
    assert told(LOST, ACCEPTED, old=replace(OLD, model_types=(replace(ONE, architectures=silent), TWO))) == (False, [])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_types": ("one", "on")}, "there is no model type 'on'. Did you mean one"),
        ({"architectures": (MODEL, "OneModl")}, "there is no class of theirs 'OneModl'. Did you mean OneModel"),
        ({"model_types": ("one", "two")}, "two has none of the classes OneModel"),
        ({"transformers": Step(Version("4.50"), Version("4.51"))}, "no longer supports transformers 4.51: it must go"),
    ],
)
def test_unknown_names_and_versions_that_are_over_are_errors(changes: Mapping[str, Any], said: str) -> None:
    assert [problem for problem in told(LOST, ACCEPTED, replace(ACCEPTED, **changes))[1] if said in problem]


# Reading.


def test_our_own_are_read_whole() -> None:
    content = tomllib.loads(OWN.read_text(encoding="utf-8"))
    assert len(load_acceptances(OWN)) == len(content["loss"])


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("names", "nmaes", "unknown key 'nmaes'. Did you mean names"),
        ('kind = "output"', 'kind = "ouput"', "Did you mean output"),
        ('kind = "output"', 'kind = "build"', "a lost build has no `names`"),
        ('kind = "output"', 'kind = "model type"', "a lost model type has no `architectures`"),
        ('names = ["cache"]\n', "", "a lost output must have `names`"),
        ('architectures = ["OneModel"]\n', "", "a lost output must have `architectures`"),
        ('reason = "of a test, and long enough"', "", "lacks reason"),
        ('reason = "of a test, and long enough"', 'reason = " "', "must be a text"),
        ('["one"]', "[]", "list of names"),
        ('["one"]', '"one"', "list of names"),
        (', to = "5.24.0"', "", "transformers lacks to: a version"),
        ('"5.24.0"', '"new"', "transformers.to must be a version such as 5.24.0, not 'new'"),
        ('"5.24.0"', '"5.22.0"', "from an older version to a newer"),
        ("[[loss]]", "[[losses]]", "Did you mean loss"),
        ("[[loss]]", "[loss]", "loss must be tables, [[loss]]"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, was: str, now: str, said: str) -> None:
    assert was in ROW
    path = tmp_path / "accepted.toml"
    path.write_text("schema = 1\n" + ROW.replace(was, now), encoding="utf-8")
    with pytest.raises(UsageError) as error:
        load_acceptances(path)
    assert said in str(error.value)
    assert "accepted.toml" in str(error.value)
    # What comes of two fields of a version no schema can say.
    with contextlib.nullcontext() if "5.22.0" in now else pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), SCHEMA)


def test_a_repository_adds_its_own(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.hfci]\naccepted = "own.toml"\n', encoding="utf-8")
    with pytest.raises(UsageError, match="cannot read the accepted losses"):
        read_acceptances(tmp_path)
    (tmp_path / "own.toml").write_text("schema = 1\n" + ROW, encoding="utf-8")
    *own, added = read_acceptances(tmp_path)
    assert own == list(load_acceptances(OWN))
    assert (added.model_types, added.transformers) == (("one",), Step(Version("5.23.0"), Version("5.24.0")))


# The command: the installed transformers, whose tests are in generated/, against one that had more.


@pytest.fixture
def against(tmp_path: Path) -> Any:
    """Return the command's exit code against the installed release's own manifest, with a row of it changed."""
    installed = load_manifest(ROOT / "generated" / MANIFEST)

    def compare(*options: str, **changes: Any) -> int:
        rows = [replace(row, **changes) if row.model_type == "bert" else row for row in installed.model_types]
        path = tmp_path / "before.json"
        path.write_text(json.dumps(replace(installed, model_types=tuple(rows)).to_json()), encoding="utf-8")
        return main(["catalog", "--against", str(path), "--generated", str(ROOT / "generated"), *options])

    return compare


def test_the_command_is_red_until_a_loss_is_accepted(
    against: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert against("--json") == 0
    assert json.loads(capsys.readouterr().out)["losses"] == []
    more = (ManifestArchitecture("BertForEverything", "text_encoder"),)
    assert against(architectures=more) == 1
    shown = capsys.readouterr().out
    assert "bert BertForEverything" in shown
    assert "Red: 1 losses, 1 not accepted" in shown
    version = load_manifest(ROOT / "generated" / MANIFEST).transformers
    row = ROW.replace('["one"]', '["bert"]').replace("OneModel", "BertForEverything").replace('names = ["cache"]\n', "")
    row = row.replace('"output"', '"architecture"').replace("5.23.0", version).replace("5.24.0", version)
    (tmp_path / "pyproject.toml").write_text('[tool.hfci]\naccepted = "own.toml"\n', encoding="utf-8")
    (tmp_path / "own.toml").write_text("schema = 1\n" + row, encoding="utf-8")
    assert against("--json", architectures=more) == 0
    (loss,) = json.loads(capsys.readouterr().out)["losses"]
    assert loss == {
        "model_type": "bert",
        "architecture": "BertForEverything",
        "kind": "architecture",
        "name": None,
        "accepted": "of a test, and long enough",
    }


def test_names_in_the_table_are_text(against: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert against(architectures=(ManifestArchitecture("Evil\x1b[31m\nModel", "text_encoder"),)) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_a_manifest_of_no_version_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "before.json"
    path.write_text(json.dumps(replace(OLD, transformers="the newest").to_json()), encoding="utf-8")
    assert main(["catalog", "--against", str(path)]) == 2
    assert "Invalid version: 'the newest'" in capsys.readouterr().err


def test_a_folder_that_was_rendered_in_part_is_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    installed = load_manifest(ROOT / "generated" / MANIFEST)
    rows = tuple(ManifestRow(row.model_type, "catalogued", reason="not asked for yet") for row in installed.model_types)
    path = tmp_path / MANIFEST
    path.write_text(json.dumps(replace(installed, model_types=rows).to_json()), encoding="utf-8")
    assert main(["catalog", "--against", str(path), "--generated", str(tmp_path)]) == 2
    assert "were not asked" in capsys.readouterr().err


def test_brackets_nested_without_end_are_one_error(tmp_path: Path) -> None:
    (tmp_path / "accepted.toml").write_text("schema = " + "[" * 100_000, encoding="utf-8")
    with pytest.raises(UsageError, match="cannot read the accepted losses"):
        load_acceptances(tmp_path / "accepted.toml")


def test_a_revision_means_the_manifest_where_the_checkout_has_left_it(tmp_path: Path) -> None:
    """What the branch gained since is no loss of this one."""
    generated = tmp_path / "generated"
    generated.mkdir()

    def commit(*names: str) -> None:
        rows = tuple(ManifestRow(name, "catalogued", reason="no class") for name in names)
        (generated / MANIFEST).write_text(json.dumps(replace(OLD, model_types=rows).to_json()), encoding="utf-8")
        git("add", "--all")
        git("commit", "--quiet", "--message", "x")

    def git(*words: str) -> None:
        person = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *person, *words], check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch=main")
    commit("one")
    git("switch", "--quiet", "--create", "feature")
    commit("one", "two")
    git("switch", "--quiet", "main")
    commit("one", "three")
    git("switch", "--quiet", "feature")
    found = earlier_manifest("main", generated)
    assert [row.model_type for row in found.model_types] == ["one"]
    with pytest.raises(UsageError, match="neither a manifest nor a revision"):
        earlier_manifest("nowhere", generated)
    git("rm", "--quiet", "-r", "generated")
    git("commit", "--quiet", "--message", "x")
    git("branch", "without")
    generated.mkdir()
    with pytest.raises(UsageError, match="has no"):
        earlier_manifest("without", generated)
