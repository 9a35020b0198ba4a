"""The ledger: reading it, what it makes of a case, what is wrong with an entry, and its reproducers."""

from __future__ import annotations

import contextlib
import json
import time
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from hfci.cases.ledger import OWN, Entry, Ledger, load_ledger, parse_ledger, read_ledger
from hfci.cases.outcome import Outcome
from hfci.checks.table import CHECKS
from hfci.errors import Broken, UsageError
from hfci.testing.ledger_check import Installed, matches_nothing, problems_of
from hfci.testing.reproducer import Ending, Reproducers, faults
from hfci.testing.verdicts import Verdict, against_ledger, judge

ROW: dict[str, Any] = {
    "name": "split-heads",
    "model_types": ["bert"],
    "stage": "build",
    "error": {"type": "ValueError", "message": "heads do not divide"},
    "reason": "its heads do not divide its width",
    "link": "https://github.com/huggingface/transformers/issues/1",
    "transformers": ">=5.17,<5.24",
    "expires": date(2027, 1, 31),
    "reproducer": "import transformers\nraise ValueError('the heads do not divide the width: heads do not divide')\n",
}
SCHEMA = json.loads(OWN.with_name("ledger.schema.json").read_text(encoding="utf-8"))
TODAY, VERSION = date(2026, 11, 22), "5.23.0"
CLASSES = {"bert": ["BertModel"], "gpt2": ["GPT2Model"]}
INSTALLED = Installed(VERSION, ("bert", "gpt2"), ("fill-mask",), CLASSES.__getitem__)
FITTING = Ending(("ValueError", "heads do not divide"))


def entry(**changes: Any) -> Entry:
    row = {name: value for name, value in {**ROW, **changes}.items() if value is not None}
    return next(iter(parse_ledger({"schema": 1, "entry": [row]}, Path("ledger.toml"))))


def failed(stage: str = "build", kind: str = "ValueError", message: str = "so heads do not divide 7") -> Verdict:
    return Verdict.failed(kind, message, stage)


# Reading.


def test_our_own_ledger_is_read_whole() -> None:
    content = tomllib.loads(OWN.read_text(encoding="utf-8"))
    assert len(load_ledger(OWN)) == len(content["entry"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nmae": "x"}, "unknown key 'nmae'. Did you mean name"),
        ({"name": None}, "lacks name"),
        ({"name": " "}, "must be a text"),
        ({"reason": None}, "lacks reason"),
        ({"error": None}, "lacks error"),
        ({"model_types": []}, "list of names"),
        ({"model_types": "bert"}, "list of names"),
        ({"names": "*.bias"}, "list of names"),
        ({"stage": "biuld"}, "Did you mean build"),
        ({"stage": "check"}, "`checks` must name which"),
        ({"model_types": None}, "neither `model_types` nor `checks`"),
        ({"error": {"type": "ValueError"}}, "error lacks message"),
        ({"error": {"type": "a b", "message": "x"}}, "error.type must be the name of an exception's class"),
        ({"error": {"type": "ValueError", "message": ""}}, "error.message must be a text"),
        ({"transformers": "5.23"}, "PEP 440"),
        ({"transformers": ""}, "transformers must be PEP 440"),
        ({"expires": "2027-01-31"}, "must be a date"),
        ({"link": 3}, "must be a text"),
        ({"changes": []}, "changes must be a list of names"),
        ({"changes": ["alibi=true"], "model_types": None, "checks": ["x"]}, "`model_types` must name whose"),
    ],
)
def test_a_bad_entry_is_an_error_that_says_where(changes: Mapping[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        entry(**changes)
    assert said in str(error.value)
    assert "ledger.toml: entry[0]" in str(error.value)
    row = {name: value for name, value in {**ROW, **changes}.items() if value is not None}
    # In JSON a date is a text.
    with contextlib.nullcontext() if "expires" in changes else pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(json.dumps({"schema": 1, "entry": [row]}, default=str)), SCHEMA)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "it lacks schema: 1"),
        ({"schema": 2}, "schema must be 1, not 2"),
        ({"schema": 1, "entries": []}, "Did you mean entry"),
        ({"schema": 1, "entry": {}}, r"entry must be tables, \[\[entry\]\], not"),
        ({"schema": 1, "entry": ["x"]}, r"entry\[0\]: Expected `object`, got `str`"),
        ({"schema": 1, "entry": [ROW, ROW]}, "two entries are named 'split-heads'"),
    ],
)
def test_a_bad_file_is_an_error(content: Mapping[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_ledger(content, Path("ledger.toml"))


@given(st.dictionaries(st.sampled_from(list(ROW)), st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text()))))
def test_any_value_is_taken_or_is_a_usage_error(changes: dict[str, Any]) -> None:
    with contextlib.suppress(UsageError):
        assert len(parse_ledger({"schema": 1, "entry": [{**ROW, **changes}]}, Path("ledger.toml"))) == 1


def test_an_entry_of_changes_speaks_of_them_and_of_no_case() -> None:
    ledger = Ledger((entry(changes=["alibi=true", "bias=*"], checks=["eager_equals_sdpa"], stage="check"),))
    about = (VERSION, "bert", "BertModel", "eager_equals_sdpa")
    assert ledger.on(*about) == ()
    assert ledger.on(*about[:3]) == ()
    for change, strikes in (("alibi=true", True), ("bias=null", True), ("alibi=null", False), ("alibi=true ", False)):
        assert bool(ledger.of_change(*about, change)) is strikes
    others = (("5.24.0", *about[1:]), (VERSION, "gpt2", *about[2:]), (*about[:3], "save_load_roundtrip"))
    assert not any(ledger.of_change(*other, "alibi=true") for other in others)
    assert not Ledger((entry(),)).of_change(*about[:3], None, "alibi=true")


def test_a_repository_adds_its_own(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.hfci]\nledger = "own.toml"\n', encoding="utf-8")
    with pytest.raises(UsageError, match="cannot read the ledger"):
        read_ledger(tmp_path)
    (tmp_path / "own.toml").write_text("schema = 1\n", encoding="utf-8")
    assert [each.name for each in read_ledger(tmp_path)] == [each.name for each in load_ledger(OWN)]


# Which cases.


@pytest.mark.parametrize(
    ("changes", "asked", "speaks"),
    [
        ({}, (VERSION, "bert", "BertModel", "builds_tiny"), True),
        ({}, (VERSION, "gpt2", "GPT2Model", "builds_tiny"), False),
        ({}, ("5.23.1.dev0", "bert", "BertModel", "builds_tiny"), True),
        ({}, ("5.24.0", "bert", "BertModel", "builds_tiny"), False),
        ({"architectures": ["BertModel"]}, (VERSION, "bert", "BertForMaskedLM", "builds_tiny"), False),
        ({"checks": ["builds_tiny"]}, (VERSION, "bert", "BertModel", "forward_is_finite"), False),
        ({"model_types": None, "checks": ["builds_tiny"]}, (VERSION, "gpt2", "GPT2Model", "builds_tiny"), True),
        ({"stage": "forward"}, (VERSION, "bert", "BertModel", "builds_tiny"), False),
        ({"stage": "forward"}, (VERSION, "bert", "BertModel", "forward_is_finite"), True),
        ({"tasks": ["fill-mask"]}, (VERSION, "bert", "BertModel", "pipeline_runs", "fill-mask"), True),
        ({"tasks": ["fill-mask"]}, (VERSION, "bert", "BertModel", "pipeline_runs", "decision"), False),
        ({"tasks": ["fill-mask"]}, (VERSION, "bert", "BertModel", "forward_is_finite"), False),
    ],
)
def test_which_cases_an_entry_speaks_of(changes: Mapping[str, Any], asked: tuple[str, ...], speaks: bool) -> None:
    forwards = CHECKS[asked[3]].forwards
    assert bool(Ledger((entry(**changes),)).on(*asked, forwards=forwards)) is speaks


# What it makes of a case.


def test_a_failure_that_was_entered_is_known() -> None:
    verdict = against_ledger(failed(), [entry()], TODAY, is_over=False)
    assert verdict["outcome"] == Outcome.KNOWN_FAILURE
    assert verdict["reason"] == "split-heads: its heads do not divide its width"
    assert verdict["error"]["type"] == "ValueError"


@pytest.mark.parametrize(
    ("verdict", "changes", "said"),
    [
        (failed(stage="forward"), {}, "another failure: ValueError at build"),
        (failed(kind="ImportError"), {}, "another failure"),
        (failed(message="something else"), {}, "another failure"),
        (failed(), {"expires": date(2026, 11, 21)}, "until it expired on 2026-11-21"),
    ],
)
def test_any_other_failure_stays_one(verdict: Verdict, changes: Mapping[str, Any], said: str) -> None:
    found = against_ledger(verdict, [entry(**changes)], TODAY, is_over=False)
    assert found["outcome"] == Outcome.FAILED
    assert said in found["reason"]


def failed_of(*names: str) -> Verdict:
    return judge(Broken("2 tensors are not as built: a 1; b 2", names), building=False)


@pytest.mark.parametrize(
    ("patterns", "outcome"),
    [
        ([["*.bias"]], Outcome.FAILED),
        ([["*.bias", "encoder.weight_?"]], Outcome.KNOWN_FAILURE),
        ([["*.bias"], ["encoder.*"]], Outcome.KNOWN_FAILURE),
        ([["*.bias"], None], Outcome.KNOWN_FAILURE),
    ],
)
def test_what_else_fails_beside_known_names_is_no_known_failure(patterns: list[Any], outcome: Outcome) -> None:
    about = {"stage": "check", "checks": ["missing_key_is_initialised"]}
    about["error"] = {"type": "AssertionError", "message": "not as built"}
    entries = [entry(**about, names=some) for some in patterns]
    verdict = against_ledger(failed_of("a.bias", "encoder.weight_g"), entries, TODAY, is_over=True)
    assert verdict["outcome"] == outcome
    if outcome == Outcome.FAILED:
        assert verdict["reason"] == "the ledger's entry split-heads (ledger.toml) does not speak of encoder.weight_g"


def test_an_expired_entry_covers_no_name() -> None:
    about = {"stage": "check", "checks": ["x"], "error": {"type": "AssertionError", "message": "not as built"}}
    entries = [entry(**about, names=["a"]), entry(**about, names=["b"], expires=date(2026, 1, 1))]
    assert against_ledger(failed_of("a"), entries, TODAY, is_over=True)["outcome"] == Outcome.KNOWN_FAILURE
    assert against_ledger(failed_of("a", "b"), entries, TODAY, is_over=True)["outcome"] == Outcome.FAILED


def test_an_entry_holds_until_the_end_of_its_last_day() -> None:
    verdict = against_ledger(failed(), [entry(expires=TODAY)], TODAY, is_over=False)
    assert verdict["outcome"] == Outcome.KNOWN_FAILURE


def test_a_pass_is_an_error() -> None:
    passed = Verdict(outcome=Outcome.PASSED.value)
    verdict = against_ledger(passed, [entry()], TODAY, is_over=True)
    assert verdict["outcome"] == Outcome.FAILED
    assert "the entry must go" in verdict["error"]["message"]
    assert against_ledger(passed, [entry()], TODAY, is_over=False) == passed
    assert against_ledger(passed, [], TODAY, is_over=True) == passed


def test_a_pass_is_none_where_the_entry_names_no_model_type() -> None:
    general = entry(model_types=None, checks=["builds_tiny"])
    passed = Verdict(outcome=Outcome.PASSED.value)
    assert against_ledger(passed, [general], TODAY, is_over=True) == passed
    assert against_ledger(failed(), [general], TODAY, is_over=True)["outcome"] == Outcome.KNOWN_FAILURE
    named = against_ledger(passed, [general, entry()], TODAY, is_over=True)
    assert named["outcome"] == Outcome.FAILED


def test_what_could_not_run_stays_so() -> None:
    missing = Verdict(outcome=Outcome.UNAVAILABLE.value, reason="needs a rocket")
    assert against_ledger(missing, [entry()], TODAY, is_over=True) == missing


def test_words_of_a_checks_own_assertion_may_change() -> None:
    listed = entry(
        stage="check", checks=["batch_is_independent"], error={"type": "AssertionError", "message": "row 1 of"}
    )
    verdict = failed("check", "AssertionError", "row 0 differs by 0.3")
    assert against_ledger(verdict, [listed], TODAY, is_over=True)["outcome"] == Outcome.KNOWN_FAILURE
    other = failed("check", "NetworkRefused", "attempted: example.com")
    assert against_ledger(other, [listed], TODAY, is_over=True)["outcome"] == Outcome.FAILED


# What is wrong with an entry.


def test_a_good_entry_has_no_problem() -> None:
    assert list(problems_of(entry(), INSTALLED, TODAY, lambda _: FITTING)) == []


@pytest.mark.parametrize(
    ("changes", "ending", "said"),
    [
        ({}, Ending(), "its reproducer passes on transformers 5.23.0: the entry must go"),
        ({}, Ending(("ImportError", "no such name")), "ends otherwise than with ValueError"),
        ({}, Ending(("ValueError", "another")), "ends otherwise than with ValueError"),
        ({"expires": date(2026, 11, 21)}, FITTING, "it expired on 2026-11-21"),
        ({"model_types": ["brt"]}, FITTING, "there is no model type 'brt'. Did you mean bert?"),
        ({"architectures": ["BertModl"]}, FITTING, "there is no class of theirs 'BertModl'. Did you mean BertModel?"),
        ({"architectures": ["GPT2Model"]}, FITTING, "there is no class of theirs 'GPT2Model'."),
        ({"tasks": ["fill-msk"]}, FITTING, "there is no task 'fill-msk'. Did you mean fill-mask?"),
        ({"checks": ["builds_tny"]}, FITTING, "there is no check 'builds_tny'. Did you mean builds_tiny?"),
        ({"transformers": ">=6,<5"}, FITTING, "match no transformers that hfci supports"),
        ({"reproducer": None}, FITTING, "it lacks its reproducer"),
        ({"reproducer": "import transformers\n" * 13}, FITTING, "has 13 lines, 12 are allowed"),
        ({"reproducer": "import transformers\nx = '" + "x" * 120 + "'"}, FITTING, "has a line of 126 characters"),
        ({"reproducer": "import transformers, numpy"}, FITTING, "imports numpy"),
        ({"reproducer": "import transformers\nfrom hfci import checks"}, FITTING, "imports hfci"),
        ({"reproducer": "import transformers\nfrom . import x"}, FITTING, "imports ."),
        ({"reproducer": "import torch"}, FITTING, "does not import transformers"),
        ({"reproducer": "import transformers\n)"}, FITTING, "is no Python"),
    ],
)
def test_what_is_wrong_with_an_entry(changes: Mapping[str, Any], ending: Ending, said: str) -> None:
    (problem, *others) = problems_of(entry(**changes), INSTALLED, TODAY, lambda _: ending)
    assert said in problem
    assert others == []


def test_an_entry_for_another_version_is_not_run() -> None:
    old = entry(transformers="<5.20", model_types=["gone"])
    assert list(problems_of(old, INSTALLED, TODAY, lambda _: pytest.fail("it was run"))) == []


@pytest.mark.parametrize(
    ("specifiers", "nothing"),
    [
        ("<5.17", True),
        ("<=5.17", False),
        ("==5.16.*", True),
        ("==5.20.*", False),
        (">=5.20,<5.20", True),
        (">5.23", False),
        ("!=5.23.0", False),
        ("~=5.20.1", False),
        (">=9999.1", False),
    ],
)
def test_versions_that_match_nothing(specifiers: str, nothing: bool) -> None:
    assert matches_nothing(SpecifierSet(specifiers), VERSION) is nothing


# Reproducers.


@pytest.fixture(scope="module")
def reproducers() -> Iterator[Reproducers]:
    with Reproducers() as running:
        yield running


@pytest.mark.parametrize(
    ("program", "ending"),
    [
        ("x = 1", None),
        ("raise ValueError('no\\nway')", ("ValueError", "no\nway")),
        ("import no_such_module", ("ModuleNotFoundError", "No module named 'no_such_module'")),
        ("raise SystemExit(3)", ("SystemExit", "3")),
        ("import os; os._exit(5)", ("Died", "exit code 5")),
        ("import os; assert os.listdir() == ['reproducer.py'] and os.environ['HF_HUB_OFFLINE'] == '1'", None),
        ("if __name__ == '__main__': raise KeyError('x')", ("KeyError", "'x'")),
        ("while True: pass", ("Timeout", "no end within 3 s")),
    ],
)
def test_how_a_program_ends(reproducers: Reproducers, program: str, ending: tuple[str, str] | None) -> None:
    assert reproducers.run(program, timeout_s=3 if "while" in program else 60).error == ending


def test_a_program_leaves_nothing_to_the_next(reproducers: Reproducers) -> None:
    changed = "import transformers, builtins; builtins.left = transformers.BertConfig.left = 1"
    assert reproducers.run(changed).error is None
    asked = "import transformers, builtins; assert not hasattr(builtins, 'left'); transformers.BertConfig.left"
    assert reproducers.run(asked).error == ("AttributeError", "type object 'BertConfig' has no attribute 'left'")


def test_what_a_program_has_started_ends_with_it(reproducers: Reproducers, tmp_path: Path) -> None:
    wrote = tmp_path / "pid"
    program = f"import os, time\npid = os.fork()\nopen({str(wrote)!r}, 'a').write(f'{{pid}} ')\ntime.sleep(99)"
    assert reproducers.run(program, timeout_s=1).error == ("Timeout", "no end within 1 s")
    child = max(map(int, wrote.read_text().split()))
    status = Path(f"/proc/{child}/status")
    for _ in range(200):  # until the system has taken note
        if not status.exists() or "Z (zombie)" in status.read_text():
            return
        time.sleep(0.05)
    pytest.fail(f"{child} runs on")


def test_where_transformers_cannot_be_imported_each_program_has_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Reproducers() as broken:
        assert [broken.run("x = 1").error for _ in range(2)] == [("Died", "exit code 7")] * 2


@given(st.text())
def test_any_text_can_be_looked_at(program: str) -> None:
    assert all(isinstance(fault, str) for fault in faults(program))


@pytest.mark.parametrize("known", list(load_ledger(OWN)), ids=lambda known: known.name)
def test_our_own_reproducers_fail_as_described(reproducers: Reproducers, known: Entry) -> None:
    import transformers

    assert list(faults(known.reproducer)) == []
    if not known.is_for(transformers.__version__):
        pytest.skip(f"it speaks of transformers {known.transformers}")
    kind, message = known.error.type, known.error.message
    ending = reproducers.run(known.reproducer, timeout_s=600)
    assert ending.error is not None, "it passes: the entry must go"
    assert ending.error[0] == kind
    assert message in ending.error[1]
