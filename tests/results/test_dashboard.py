from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfci.cases.outcome import Outcome
from hfci.cases.records import Error
from hfci.errors import UsageError
from hfci.results import dashboard_data as model
from hfci.results.dashboard import write_dashboard
from hfci.results.dashboard_data import SEVERITY, dashboard_data, embedded
from hfci.results.reading import Results, read_results
from hfci.results.summary import summarize
from tests.assets import FILES, VENDOR
from tests.results.dashboards import changes_of, comparison_of, made_results, trends_of
from tests.results.support import record, save
from tests.warm import COLD

TEXTS = st.text(st.characters(), max_size=40)  # surrogates too
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
AWKWARD = st.sampled_from(
    ["</script>", "<!--", "<script>", "]]>", "&lt;", "\u2028", "\u2029", "\ud800", "\0", "\\u003c"]
)


class Parsed(HTMLParser):
    """What a page's scripts contain, what it links to, and its policy."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside: list[str] | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._inside = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._inside is not None:
            attributes = next(found for name, found in reversed(self.tags) if name == "script")
            self.scripts.append((attributes, "".join(self._inside)))
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is None:
            self.text += data
        else:
            self._inside.append(data)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return made_results(tmp_path_factory.mktemp("run"), 12, 10)


def written(folder: Path, results: Results, *more: Any) -> str:
    write_dashboard(folder / "index.html", results, summarize(results), *more)
    return (folder / "index.html").read_text(encoding="utf-8")


def restored(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Read the columns back into what the records said."""
    data = json.loads(json.dumps(data))
    found = []
    for place in range(len(data["columns"]["outcome"])):
        numbers = {name: column[place] for name, column in data["columns"].items()}
        said = {name: table[numbers[name]] if numbers[name] >= 0 else None for name, table in data["tables"].items()}
        for name in ("case", "reproduce"):
            if said[name] is not None:
                said[name] = "".join(
                    said[data["within"][part]] if isinstance(part, int) else part for part in said[name]
                )
        said |= {"outcome": data["outcomes"][numbers["outcome"]], "duration_ms": numbers["duration_ms"]}
        found.append(said)
    return found


@given(JSON | st.lists(AWKWARD | TEXTS))
def test_embedded_data_ends_no_script_and_comes_back_as_it_was(data: Any) -> None:
    text = embedded(data)
    assert text.isascii()
    assert not set("<>&") & set(text)
    [(_, inside)] = Parsed(f'<!DOCTYPE html><p>before<script type="application/json">{text}</script><p>after').scripts
    assert json.loads(inside) == data


def test_numbers_that_json_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        embedded([math.nan])


def test_the_columns_say_what_the_records_said(results: Results) -> None:
    found = restored(dashboard_data(results, None, None))
    fields = ("case", "reproduce", "reason", "stage", *model.SHARED)
    assert [{name: said[name] for name in fields} for said in found] == [
        {name: getattr(one, name) for name in fields} for one in results
    ]
    for said, one in zip(found, results, strict=True):
        assert said["outcome"] == one.outcome
        assert said["duration_ms"] == round(1000 * one.duration_s)
        error = one.error and [one.error.type, one.error.message, one.error.traceback]
        assert said["error"] == (None if one.outcome == Outcome.PASSED else error)


NAMES = st.text(st.sampled_from([*sorted(model.MARKS)[:3], "a", "b", "/", " ", "<"]), min_size=1, max_size=6)


@given(st.lists(st.tuples(NAMES, NAMES, NAMES, st.none() | NAMES), min_size=1, max_size=5))
def test_ids_and_commands_come_back_whatever_is_in_them(said: list[tuple[str, str, str, str | None]]) -> None:
    cases = model.Cases({})
    for name, check, case, command in said:
        cases.add(msgspec.structs.replace(record(name, check, "passed"), case=case, reproduce=command), None)
    data = {
        "outcomes": SEVERITY,
        "within": model.WITHIN,
        "tables": {name: table.entries for name, table in cases.tables.items()},
        "columns": cases.columns,
    }
    assert [(one["case"], one["reproduce"]) for one in restored(data)] == [
        (case, command) for _, _, case, command in said
    ]


def test_each_text_is_kept_once(results: Results) -> None:
    tables = dashboard_data(results, None, None)["tables"]
    assert len(tables["model_type"]) == len({one.model_type for one in results})
    assert len(tables["case"]) == 2  # with a task and without
    assert len(tables["reproduce"]) == 1


def test_a_run_in_which_everything_fails_keeps_the_beginning_of_each_message(tmp_path: Path) -> None:
    long = "x" * 4000
    failed = [
        msgspec.structs.replace(
            record(f"m{index}", "c", "failed"), error=Error("E", f"{index:04} {long}", f"{index}{long}")
        )
        for index in range(1100)
    ]
    save(tmp_path, "r", *failed)
    errors = dashboard_data(read_results([tmp_path]), None, None)["tables"]["error"]
    assert [message[:4] for _, message, _ in errors] == [f"{index:04}" for index in range(1100)]
    kept = [trace for _, _, trace in errors if trace is not None]
    assert 0 < len(kept) < 1000
    text = sum(len(message) + len(trace or "") for _, message, trace in errors)
    assert text <= model.ERRORS + 1100 * model.BEGINNING


def test_notes_are_on_the_cases_that_the_comparison_and_the_history_name(results: Results) -> None:
    comparison, trends = comparison_of(results), trends_of(results, 20)
    data = dashboard_data(results, comparison, trends)
    cases = [one["case"] for one in restored(data)]
    noted = {cases[place]: note for place, note in data["notes"].items()}
    assert {case for case, note in noted.items() if note.get("change", [""])[0] == "failing"} == {
        change.case for change in comparison.failing
    }
    assert {case: note["red"]["runs"] for case, note in noted.items() if "red" in note} == {
        case: streak.runs for case, streak in trends.streaks.items()
    }
    assert {case for case, note in noted.items() if "slower" in note} == {shift.case for shift in comparison.slower}


def test_the_history_is_kept_as_changes(results: Results) -> None:
    changes = changes_of(results, 20, often=0.5)
    data = json.loads(json.dumps(dashboard_data(results, None, trends_of(results, 20, changes=changes))))
    for said, place in zip(restored(data), data["columns"]["history"], strict=True):
        assert [(run, SEVERITY[code]) for run, code in data["tables"]["history"][place]] == list(changes[said["case"]])
    assert len(data["points"]) == 20


def test_what_is_absent_is_in_it(results: Results) -> None:
    lost = record("lost", "builds", "not-run", reason="nobody recorded it")
    found = restored(dashboard_data(results.lacking([lost]), None, None))
    assert found[-1]["case"] == lost.case
    assert found[-1]["outcome"] == "not-run"


def test_only_the_scripts_of_the_policy_can_run_and_nothing_is_loaded(tmp_path: Path, results: Results) -> None:
    page = Parsed(written(tmp_path, results))
    [policy] = [found["content"] for tag, found in page.tags if found.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in (policy or "").split("; "))
    scripts = [text for attributes, text in page.scripts if "type" not in attributes]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert rules.pop("script-src").split() == [f"'sha256-{value}'" for value in hashes]
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "connect-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert [found for _, found in page.tags if "src" in found or any(name.startswith("on") for name in found)] == []
    links = [str(found["href"]) for _, found in page.tags if "href" in found]
    assert links
    assert [link for link in links if not link.startswith(("#", "data:image/svg+xml,"))] == []
    assert "sourceMappingURL" not in "".join(scripts)


def test_hostile_text_is_text(tmp_path: Path) -> None:
    probe = "<img src=x onerror=alert(1)>\"'</script>"
    bad = msgspec.structs.replace(record(probe, probe, "failed", message=probe, reproduce=probe), reason=probe)
    save(tmp_path, "run", bad, commit=probe, branch=probe, versions={"torch": probe}, runner=probe, tier=probe)
    page = Parsed(written(tmp_path, read_results([tmp_path])))
    assert "img" not in {tag for tag, _ in page.tags}
    assert probe in page.text
    assert len(page.scripts) == 8


def test_the_worst_case_is_named_first(tmp_path: Path) -> None:
    save(tmp_path, "r", record("lost", "c", "not-run"), record("bad", "c", "failed"), record("good", "c", "passed"))
    text = Parsed(written(tmp_path, read_results([tmp_path]))).text
    assert "There is no baseline" in text
    assert text.index("bad/badModel/c") < text.index("lost/lostModel/c")
    assert "good/goodModel/c" not in text


def test_a_run_without_failures_says_so(tmp_path: Path) -> None:
    save(tmp_path, "r", record("good", "c", "passed"))
    assert "Nothing failed." in Parsed(written(tmp_path, read_results([tmp_path]))).text


def test_a_page_that_cannot_be_made_leaves_the_earlier_one(tmp_path: Path, results: Results) -> None:
    before = written(tmp_path, results)
    gone = tmp_path / "gone"
    path = save(gone, "r", record("bert", "c", "passed"))
    lost = read_results([gone])
    summary = summarize(lost)
    path.unlink()
    with pytest.raises(Exception, match="records-r"):
        write_dashboard(tmp_path / "index.html", lost, summary)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == before
    assert [found.name for found in tmp_path.iterdir() if found.is_file()] == ["index.html"]


def test_a_folder_is_not_overwritten(tmp_path: Path, results: Results) -> None:
    with pytest.raises(UsageError, match="no regular file"):
        write_dashboard(tmp_path, results, summarize(results))


def test_the_same_run_makes_the_same_page(tmp_path: Path, results: Results) -> None:
    assert written(tmp_path, results) == written(tmp_path, results)


def test_each_library_is_the_pinned_one_with_its_licence() -> None:
    pinned = json.loads((VENDOR / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    packages = {name.removeprefix("node_modules/"): entry for name, entry in pinned.items() if name}
    assert {re.match(r"(@[^/]+/)?[^/]+", name)[0] for name in FILES} == set(packages)  # type: ignore[index]
    for name, entry in packages.items():
        assert entry["license"] == "MIT"
        assert entry["integrity"].startswith("sha512-")
        assert [file for file in FILES if file.startswith(f"{name}/LICENSE")]
    chart = (VENDOR / "chart.js/dist/chart.umd.min.js").read_text(encoding="utf-8")
    assert f"Chart.js v{packages['chart.js']['version']}" in chart
    present = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert present == {*FILES, "package.json", "package-lock.json"}


def test_it_is_made_without_torch() -> None:
    said = "import sys, hfci.results.dashboard; sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([COLD, "-c", said], check=False).returncode == 0
