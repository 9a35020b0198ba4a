import os
import re
import tomllib
from pathlib import Path

import pytest

from hfci.cases.manifest import FAULTS
from hfci.generation import DESCRIPTIONS, generate, validate

BERT = "text_encoder/test_bert.py"
BASE = "_smoke.py.jinja"
FINITE = "    checks.forward_is_finite(tiny)\n"

# Rule → what in the base template is replaced by what, so that this rule alone is broken.
BROKEN = {
    "parses": ("import pytest\n", "import pytest (\n"),
    "header": ("{{ header }}\n", "# Written by hand.\n"),
    "asked": ("invariant_test(invariants,", "invariant_test(invariants[1:],"),
    "asserts": (
        'invariant_test(invariants, "")',
        'invariant_test(invariants, "").replace("checks.assert_holds(tiny, check)", "tiny.forward(given=check)")',
    ),
    "registries": ('tier="smoke"', 'tier="smoke",\n    task="image-classification"'),
    "mocks": (FINITE, f"{FINITE}    from unittest import mock\n\n    assert mock\n"),
    "skips": (FINITE, f"{FINITE}    pytest.skip()\n"),
    "remote-code": (FINITE, f"{FINITE}    tiny.forward(trust_remote_code=True)\n"),
    "ruff": (FINITE, f"{FINITE}    unused = 1\n"),
    "format": (FINITE, FINITE.replace("(tiny)", "( tiny )")),
    "collects": ("pytestmark", 'RATIO = 1 / len("")\npytestmark'),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_what_breaks_a_rule_is_told_of_that_rule_and_never_written(templates, tmp_path, rule):
    source = templates / BASE
    text = source.read_text()
    before, after = BROKEN[rule]
    assert before in text
    source.write_text(text.replace(before, after, 1))
    outcome = generate(["bert"], tmp_path / "out", scratch=True, progress=False, templates=templates)
    told = [arch.error for arch in outcome.manifest["bert"].architectures if arch.stage == "validate"]
    assert "BertModel" in {arch.name for arch in outcome.manifest["bert"].architectures if arch.stage == "validate"}
    for error in told:
        assert {found["rule"] for found in re.finditer(r"\w+\.py:\d+: (?P<rule>[\w-]+): ", error)} == {rule}
    assert not (tmp_path / "out" / BERT).exists()


def test_every_rule_is_described_and_broken_by_some_test():
    assert set(DESCRIPTIONS) == {*BROKEN, "same-test", "file", *FAULTS}


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ("", "batch_is_independent is not asked of BertModel, to which it applies"),
        ('"batch_is_independent",\n' * 2, "batch_is_independent is asked 2 times of BertModel"),
        ('"component_is_exercised",\n', "component_is_exercised is not what applies to BertModel"),
    ],
)
def test_the_checks_of_a_file_are_those_that_apply(out, listed, said):
    text = (out / BERT).read_text()
    (out / BERT).write_text(text.replace('"batch_is_independent",\n', listed))
    assert said in [problem.message for problem in validate([], out, progress=False) if problem.rule == "asked"]


def test_two_tests_that_do_the_same_are_told(out):
    text = (out / BERT).read_text()
    bodies = re.compile(r"(def test_(?:builds_tiny|forward_is_finite)\(.*?\) -> None:\n).*?\n(?=\n\n)", re.DOTALL)
    (out / BERT).write_text(bodies.sub(r"\1    checks.builds_tiny(tiny)\n", text))
    assert "same-test" in {rule for rule, _, _ in rules_and_files(out)}


def test_what_was_generated_is_valid(rendered):
    assert validate([], rendered, progress=False) == []


def rules_and_files(out):
    return [(problem.rule, problem.file, problem.line) for problem in validate([], out, progress=False)]


@pytest.mark.parametrize(
    ("data", "line"),
    [(b"", 1), (b"  \n\n", 1), (b"x = 1\ny = '\xff'\n", 2), (b"x = 1\ndef f(:\n", 2), (b"x = 1\0\n", 1)],
    ids=["empty", "blank", "not utf-8", "unparsable", "NUL"],
)
def test_a_file_that_cannot_be_read_is_one_problem(out, data, line):
    (out / BERT).write_bytes(data)
    assert rules_and_files(out) == [("parses", BERT, line)]


def test_a_symbolic_link_is_no_file(out, rendered):
    (out / BERT).unlink()
    (out / BERT).symlink_to(rendered / BERT)
    assert rules_and_files(out) == [("file", BERT, 1)]


def test_a_folder_is_no_file(out):
    (out / BERT).unlink()
    (out / BERT).mkdir()
    assert rules_and_files(out) == [("file", BERT, 1)]


def test_a_recorded_file_that_is_gone_is_told(out):
    (out / BERT).unlink()
    assert rules_and_files(out) == [("file", BERT, 1)]


def test_a_file_that_is_not_recorded_is_told(out):
    (out / "vision").mkdir()
    (out / "vision" / "test_vit.py").write_text("def test_vit() -> None:\n    assert 1 + 1 == 2\n")
    assert rules_and_files(out) == [("file", "vision/test_vit.py", 1)]


def test_what_pytest_and_python_leave_behind_is_no_stray(out):
    for folder in ("__pycache__", "text_encoder/__pycache__", ".pytest_cache"):
        (out / folder).mkdir()
        (out / folder / "left.pyc").write_bytes(os.urandom(8))
    assert rules_and_files(out) == []


def test_a_file_that_tests_another_model_type_is_told_twice(out):
    gpt2 = "text_decoder/test_gpt2.py"
    (out / BERT).write_bytes((out / gpt2).read_bytes())
    assert {"registries", "same-test"} <= {rule for rule, _, _ in rules_and_files(out)}


def test_an_auto_class_of_another_architecture_is_told(out):
    text = (out / BERT).read_text()
    (out / BERT).write_text(text.replace("import BertModel", "import AutoModelForImageSegmentation, BertModel"))
    problems = validate([], out, progress=False)
    assert any("AutoModelForImageSegmentation" in problem.message for problem in problems)


def test_generated_files_are_held_to_the_rules_of_the_checkout():
    root = Path(__file__).parents[2]
    ours = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["ruff"]
    theirs = tomllib.loads((root / "hfci/generation/data/ruff.toml").read_text())
    assert theirs["line-length"] == ours["line-length"]
    # Docstrings, and the one way to read a data file, are for the package: `generated/**` reads none.
    assert set(theirs["lint"]["select"]) == {*ours["lint"]["select"]} - {"D1", "TID251"}
