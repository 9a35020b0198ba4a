"""`hfci ledger` as a user meets it."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfci.cases import ledger as ledger_module
from hfci.cases.ledger import OWN, load_ledger
from hfci.cli import main

ENTRY = """
[[entry]]
name = "{name}"
model_types = {model_types}
stage = "config"
error = {{ type = "ValueError", message = "{message}" }}
reason = {reason}
link = "https://github.com/huggingface/transformers/issues/1"
transformers = ">=5.17"
expires = {expires}
reproducer = '''
{reproducer}
'''
"""
NEXT_WEEK = date.today() + timedelta(days=7)


def write(folder: Path, **changes: str) -> None:
    row = {
        "name": "own",
        "model_types": '["bert"]',
        "message": "not so",
        "reason": '"it is not so, for some reason"',
        "expires": str(NEXT_WEEK),
        "reproducer": "from transformers import BertConfig\nraise ValueError('not so')",
        **changes,
    }
    (folder / "pyproject.toml").write_text('[tool.hfci]\nledger = "own.toml"\n', encoding="utf-8")
    (folder / "own.toml").write_text("schema = 1\n" + ENTRY.format(**row), encoding="utf-8")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def only_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave hfci's own entries out: their reproducers have a test of their own and take their time."""
    empty = tmp_path / "empty.toml"
    empty.write_text("schema = 1\n", encoding="utf-8")
    monkeypatch.setattr(ledger_module, "OWN", empty)


def test_the_list_is_a_table_of_all_entries(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here)
    assert main(["ledger"]) == 0
    shown = capsys.readouterr().out
    assert all(entry.name in shown for entry in load_ledger(OWN))
    said = ["own", "bert", "all", "config", ">=5.17", str(NEXT_WEEK), "7"]
    assert said in [line.split()[: len(said)] for line in shown.splitlines()]


def test_the_list_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here)
    assert main(["ledger", "--json"]) == 0
    *_, last = json.loads(capsys.readouterr().out)["entries"]
    assert (last["name"], last["days_left"], last["transformers"]) == ("own", 7, ">=5.17")


@pytest.mark.usefixtures("only_own")
def test_check_of_what_still_fails(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here)
    assert main(["ledger", "check"]) == 0
    shown = capsys.readouterr()
    assert "1 known failure(s)" in shown.out
    assert "0 problem(s)" in shown.out
    assert "checking the ledger: 1/1" in shown.err


# What is wrong with an entry, and what is said of it.
WRONG: dict[str, tuple[dict[str, str], str]] = {
    "passes": ({"reproducer": "import transformers"}, "own.toml: passes: its reproducer passes"),
    "imports": ({"reproducer": "import transformer"}, "imports transformer;"),
    "misspells": ({"reproducer": "from transformers import BrtConfig"}, "it ended with ImportError: cannot import"),
    "nobody": ({"model_types": '["brt"]'}, "there is no model type 'brt'. Did you mean"),
    "expired": ({"expires": "2020-01-01"}, "it expired on 2020-01-01"),
}


@pytest.mark.usefixtures("only_own")
def test_check_names_every_entry_that_is_wrong(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = []
    for name, (changes, _) in WRONG.items():
        write(here, name=name, **changes)
        entries.append((here / "own.toml").read_text(encoding="utf-8").removeprefix("schema = 1\n"))
    (here / "own.toml").write_text("schema = 1\n" + "".join(entries), encoding="utf-8")
    assert main(["ledger", "check"]) == 1
    shown = capsys.readouterr().out
    assert [name for name, (_, said) in WRONG.items() if said not in shown] == [], shown
    assert f"{len(WRONG) + 1} problem(s)" in shown  # of one that imports what is not there, also how it ended


@pytest.mark.usefixtures("only_own")
def test_check_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, reproducer="import transformers")
    assert main(["ledger", "check", "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["entry"], "the entry must go" in problem["problem"]) == ("own", True)


def test_a_broken_ledger_is_wrong_use(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, expires='"soon"')
    assert main(["ledger"]) == 2
    assert "own.toml: entry[0] (own): expires must be a date" in capsys.readouterr().err


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=30)
@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_hostile_text_is_inert_on_the_terminal(here: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    quoted = json.dumps(f"\x1b[31m[red]{text}\u202e").replace("\\ud8", "\\u00").replace("\\ud", "\\u0")
    write(here, reason=quoted)
    assert main(["ledger"]) == 0
    shown = capsys.readouterr().out
    assert not {"\x1b", "\u202e", "\x07"} & set(shown)
    assert "[red]" in shown


# As an issue.


@pytest.mark.usefixtures("only_own")
def test_an_entry_is_an_issue_for_transformers(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = (
        "from transformers import BertConfig\nfences = '````'\nBertConfig(**{'x': 1}).to_json_file(None, 'not so', 3)"
    )
    write(here, reproducer=program, message="positional arguments")
    text = (here / "own.toml").read_text(encoding="utf-8").replace('type = "ValueError"', 'type = "TypeError"')
    (here / "own.toml").write_text(text, encoding="utf-8")
    assert main(["ledger", "report", "own"]) == 0
    issue = capsys.readouterr().out
    assert issue.startswith("# bert: it is not so, for some reason\n\n### System Info\n\n- `transformers` version: ")
    assert f"\n`````python\n{program}\n`````\n" in issue
    assert '\n  File "reproducer.py", line 3, in <module>\n' in issue
    assert "\nTypeError: " in issue
    assert "It ends at https://github.com/huggingface/transformers/issues/1.\n" in issue
    assert "- Versions of transformers that fail so: `>=5.17`\n- Models: bert\n" in issue
    assert str(Path.home()) not in issue
    assert "fill in" not in issue


@pytest.mark.usefixtures("only_own")
def test_the_line_of_transformers_where_it_ends_is_linked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = (
        "from transformers import BertConfig, BertModel\nBertModel(BertConfig(hidden_size=10, num_attention_heads=3))"
    )
    write(here, reproducer=program, message="is not a multiple of the number of attention heads")
    assert main(["ledger", "report", "own", "--json"]) == 0
    issue = json.loads(capsys.readouterr().out)["issue"]
    found = re.search(r"It ends at (\S+)/blob/v(\S+)/src/transformers/(models/bert/modeling_bert.py)#L(\d+)\.\n", issue)
    assert found
    assert found[2] == transformers.__version__
    source = Path(transformers.__file__).parent / found[3]
    assert "raise ValueError(" in source.read_text(encoding="utf-8").splitlines()[int(found[4]) - 1]


@pytest.mark.usefixtures("only_own")
@pytest.mark.parametrize(
    ("changes", "arguments", "code", "said"),
    [
        ({}, ["report"], 2, "takes the name of one entry"),
        ({}, ["check", "own"], 2, "takes the name of one entry"),
        ({}, ["report", "onw"], 2, "no entry 'onw'. Did you mean own"),
        ({"message": "another"}, ["report", "own"], 1, "ends otherwise than it says: ValueError: not so"),
        ({"reproducer": "import transformers"}, ["report", "own"], 1, "ends otherwise than it says: it ran to its end"),
        ({"reproducer": "import numpy"}, ["report", "own"], 2, "its reproducer imports numpy"),
    ],
)
def test_what_is_no_issue(
    here: Path,
    changes: dict[str, str],
    arguments: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(here, **changes)
    assert main(["ledger", *arguments]) == code
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


@pytest.mark.usefixtures("only_own")
def test_an_entry_of_other_versions_is_no_issue_here(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here)
    text = (here / "own.toml").read_text(encoding="utf-8").replace(">=5.17", ">=99")
    (here / "own.toml").write_text(text, encoding="utf-8")
    assert main(["ledger", "report", "own"]) == 2
    assert f"speaks of transformers >=99, and {transformers.__version__} is installed" in capsys.readouterr().err
