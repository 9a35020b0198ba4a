"""The public names of hfci.testing stay, and do what they say."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import hfci.testing
from hfci.errors import UsageError
from hfci.testing import API_VERSION, TinyArchitecture, architectures, assert_holds

# Of API_VERSION 1: name → its signature. What is added to a signature has a default, and a name is never taken away;
# else API_VERSION is another.
SIGNATURES = {
    "TinyArchitecture": "(model_type: 'str', name: 'str', family: 'str', requires: 'tuple[str, ...]' = ()) -> None",
    "TinyArchitecture.build": (
        "(self, *, device: 'str' = 'cpu', seed: 'int' = 0, dtype: 'str' = 'float32') -> 'TinyModel'"
    ),
    "architectures": "(*names: 'str') -> 'tuple[TinyArchitecture, ...]'",
    "assert_holds": "(tiny: 'TinyModel', check: 'str') -> 'None'",
    "unavailable": "(reason: 'str') -> 'NoReturn'",
}
NAMES = {"API_VERSION", "TinyArchitecture", "Unavailable", "architectures", "assert_holds", "hfci_tiny", "unavailable"}
ROOT = Path(__file__).parents[2]

DOWNSTREAM = """
import pytest
from hfci.testing import TinyArchitecture, architectures

LACKING = TinyArchitecture("bert", "BertModel", "text_encoder", requires=("no-such-package",))


@pytest.mark.parametrize("hfci_tiny", [*architectures("BertForMaskedLM"), LACKING], indirect=True, ids=str)
def test_it(hfci_tiny):
    assert hfci_tiny.architecture == "BertForMaskedLM"
    hfci_tiny.forward()


@pytest.mark.parametrize("hfci_tiny", ["bert"], indirect=True)
def test_what_is_no_architecture(hfci_tiny):
    pass


def test_without_a_parameter(hfci_tiny):
    pass
"""


def test_the_names_stay() -> None:
    assert API_VERSION == 1
    assert set(hfci.testing.__all__) == NAMES
    for name, signature in SIGNATURES.items():
        owner, _, member = name.partition(".")
        thing = getattr(hfci.testing, owner)
        assert str(inspect.signature(getattr(thing, member) if member else thing)) == signature, name
        assert inspect.getdoc(thing)


def test_the_page_tells_of_each() -> None:
    page = (ROOT / "docs" / "downstream.md").read_text(encoding="utf-8")
    assert [name for name in sorted(NAMES) if f"`{name}" not in page] == []


def test_the_table_is_the_same_of_a_manifest_and_of_the_catalog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("bert", "timesfm*", "GPT2LMHeadModel", "layoutxlm")
    monkeypatch.chdir(ROOT)
    of_manifest = architectures(*names)
    monkeypatch.chdir(tmp_path)
    assert architectures(*names) == of_manifest
    assert {"bert/BertModel", "gpt2/GPT2LMHeadModel", "timesfm/TimesFmModel"} <= set(map(str, of_manifest))
    types = [architecture.model_type for architecture in of_manifest]
    assert set(types) == {"bert", "gpt2", "gpt-sw3", "timesfm", "timesfm2_5"}
    assert types.count("gpt2") == 1


def test_it_builds_the_same_twice_and_checks_hold_of_it() -> None:
    gpt2 = TinyArchitecture("gpt2", "GPT2LMHeadModel", "text_decoder")
    first, second = gpt2.build(), gpt2.build()
    assert first.model is not second.model
    pairs = zip(first.model.parameters(), second.model.parameters(), strict=True)
    assert all(bool((one == other).all()) for one, other in pairs)
    assert_holds(first, "batch_is_independent")
    with pytest.raises(UsageError, match=r"no check 'batch_is_indepndent'\. Did you mean batch_is_independent"):
        assert_holds(first, "batch_is_indepndent")


def test_what_names_nothing_is_told_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(UsageError, match="Did you mean bert"):
        architectures("brt")
    with pytest.raises(UsageError, match="Did you mean vision"):
        architectures("family:visoin")


def test_the_fixture_in_somebody_elses_tests(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(DOWNSTREAM)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA", "test_mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert "1 passed, 1 skipped, 2 errors" in done.stdout, done.stdout
    assert "needs no-such-package: pip install no-such-package" in done.stdout
    assert "hfci_tiny wants architectures(…) as its parameters, with indirect=True, not 'bert'" in done.stdout
    assert "not None" in done.stdout
