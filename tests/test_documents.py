"""The documents say what is: their commands exist, and what is tested is what a newcomer types."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from hfci.cli import COMMANDS, make_parser

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
DOCUMENTS = ("README.md", "CONTRIBUTING.md")


def test_the_second_command_is_what_ci_runs_word_for_word() -> None:
    assert BLOCKS[1].strip() in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_both_first_commands_are_one_self_contained_line() -> None:
    for block in BLOCKS[:2]:
        assert len(block.strip().splitlines()) == 1
        assert block.startswith("python3 -m venv .venv && .venv/bin/pip install -q nox && .venv/bin/nox -s ")


@pytest.mark.parametrize("line", BLOCKS[2].strip().splitlines())
def test_every_hfci_command_in_the_readme_is_understood(line: str) -> None:
    program, *arguments = shlex.split(line, comments=True)
    assert program == "hfci"
    assert make_parser().parse_args(arguments).run


def test_every_command_is_in_the_readme() -> None:
    assert {shlex.split(line)[1] for line in BLOCKS[2].strip().splitlines()} == set(COMMANDS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/.])((?:hfci|templates|tests|generated)/[\w./-]*\w/?)", text)
    assert len(named) > 3
    assert [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []


def test_the_readme_counts_what_the_manifest_holds() -> None:
    manifest = json.loads((ROOT / "generated" / "manifest.json").read_text(encoding="utf-8"))
    rows = manifest["model_types"]
    parts = [row for row in rows if any("parent" in case for case in row["cases"])]
    own = [architecture for row in rows if row not in parts for architecture in row["architectures"]]
    verified = sum("parameters" in architecture for architecture in own)
    unavailable = sum("requires" in architecture for architecture in own)
    without = sum("reason" in row for row in rows)
    # Of a base the functional tier asks what the smoke tier does not: how it is built is not among that.
    asked = [case["checks"] for row in rows for case in row["cases"] if case["tier"] == "functional"]
    heads = sum("builds_tiny" in checks for checks in asked)
    text = " ".join(README.split())
    for said in (
        f"transformers {manifest['transformers']} has {len(rows)} model types",
        f"listed for them, {len(own)} architectures",
        f"{verified} of these have a verified tiny model",
        f"{unavailable} want a package",
        f"{len(own) - verified - unavailable} stop at a defect",
        f"{without} model types have no class of their own",
        f"{len(parts)} are tried as parts of others, {without - len(parts)} are a reason only",
        f"each of the other {heads} architectures",
    ):
        assert said in text


def test_every_session_that_a_document_names_exists() -> None:
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    sessions = set(re.findall(r"^@nox\.session.*\n(?:@.*\n)?def (\w+)", noxfile, re.MULTILINE))
    assert {"smoke", "tests", "lint"} <= sessions
    for document in (*DOCUMENTS, ".github/workflows/ci.yml", ".ci/run"):
        text = (ROOT / document).read_text(encoding="utf-8")
        assert set(re.findall(r"nox -s (\w+)", text)) <= sessions
