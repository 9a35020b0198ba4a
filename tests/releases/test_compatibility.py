"""The compatibility map, of records written here, counted anew from the same."""

from __future__ import annotations

import json
import re
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import msgspec
import pytest

from hfci.cases.case import Case
from hfci.cases.records import Error, Header, Record
from hfci.errors import UsageError
from hfci.releases.compatibility import State, compatibility_of, read_expected
from hfci.releases.compatibility_page import write_page
from hfci.releases.first_releases import first_release
from hfci.releases.matrix import combinations
from hfci.results import read_results

SCHEMA = Path(__file__).parents[2] / "hfci" / "releases" / "data" / "compatibility.schema.json"
HOSTILE = "<script>alert(1)</script>\x1b[31m"


def write(folder: Path, transformers: str, outcomes: dict[str, tuple[str, ...]], **versions: str) -> None:
    """Write the records of a run: a case for each outcome of each model type."""
    records = [
        Record.of(
            Case(name, "Model", "text_encoder", f"check_{number}", "smoke", "cpu"),
            outcome,
            stage="check" if outcome in ("failed", "known-failure") else None,
            reason="why" if outcome not in ("passed", "failed") else None,
            error=Error("ValueError", HOSTILE, "") if outcome in ("failed", "known-failure") else None,
        )
        for name, each in outcomes.items()
        for number, outcome in enumerate(each)
    ]
    found = {"transformers": transformers, "torch": "2.13.0+cpu", "python": "3.11.7", **versions}
    run = "-".join(re.findall(r"\w+", " ".join((transformers, *versions.values()))))
    head = Header(
        run=run, started="2026-11-01T00:00:00", versions=found, device="cpu", tier="smoke", planned=len(records)
    )
    lines = [msgspec.json.encode(head), *map(msgspec.json.encode, records)]
    folder.mkdir(exist_ok=True)
    (folder / f"records-{run}.jsonl").write_bytes(b"\n".join(lines) + b"\n")


@pytest.fixture
def records(tmp_path: Path) -> Path:
    folder = tmp_path / "records"
    write(folder, "5.24.0", {"bert": ("passed", "failed"), "dory": ("passed",), "vit": ("known-failure",)})
    write(folder, "5.17.0", {"bert": ("passed", "passed"), "vit": ("unavailable",)})
    write(folder, "5.20.0", {"bert": ("passed",), "vit": ("passed", "not-applicable")})
    write(folder, "5.20.0", {"bert": ("failed",)}, torch="2.12.1")
    return folder


def rows(found: Any) -> dict[str, Any]:
    return {row.model_type: row for row in found.model_types}


def test_each_model_type_is_told_on_each_combination(records: Path) -> None:
    found = compatibility_of(read_results([records]))
    assert [one.versions[:2] for one in found.combinations] == [
        ("5.17.0", "2.13.0"), ("5.20.0", "2.12.1"), ("5.20.0", "2.13.0"), ("5.24.0", "2.13.0"),
    ]  # fmt: skip
    bert, vit, dory = (rows(found)[name] for name in ("bert", "vit", "dory"))
    assert bert.states == (State.WORKS, State.FAILS, State.WORKS, State.PARTLY)
    assert (bert.since, bert.works_from, bert.works_until) == (None, "5.17.0", "5.17.0")
    assert (bert.first_bad.combination, bert.first_bad.case) == (1, "bert/Model/check_0[device=cpu]")
    assert vit.states == (State.UNAVAILABLE, State.NOT_RUN, State.WORKS, State.FAILS)
    assert (vit.works_from, vit.works_until, vit.first_bad.combination) == ("5.20.0", "5.20.0", 3)
    assert dory.states == (State.ABSENT, State.ABSENT, State.ABSENT, State.WORKS)
    assert dory.since == first_release("dory") == "5.24.0"
    for place in range(4):
        assert sum(found.counts(place).values()) == len(found.model_types)


def test_what_was_not_run_is_shown_as_not_run(records: Path, tmp_path: Path) -> None:
    expected = tmp_path / "expected.json"
    planned = [
        {"transformers": "5.22.2", "torch": "2.13.0", "python": "3.11", "reason": "it wants another Python"},
        {"transformers": "5.17.0", "torch": "2.13.0", "python": "3.11"},
    ]
    expected.write_text(json.dumps(planned))
    found = compatibility_of(read_results([records]), read_expected(expected))
    assert len(found.combinations) == 5
    known = compatibility_of(read_results([records]), model_types=["llama", "bert"])
    assert set(rows(known)["llama"].states) == {State.NOT_RUN}
    assert rows(known).keys() - rows(found).keys() == {"llama"}
    (place,) = (place for place, one in enumerate(found.combinations) if one.transformers == "5.22.2")
    assert found.combinations[place].reason == "it wants another Python"
    assert set(found.counts(place)) == {State.NOT_RUN, State.ABSENT}
    assert list(found.not_run) == ["it wants another Python"]
    assert len(found.ran) == 4
    write_page(tmp_path / "map.html", found)
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert "1 combination not run: it wants another Python" in page
    assert "transformers 5.22.2, torch 2.13.0, Python 3.11" in page
    assert page.count('class="versions"') == 2 * 4  # of two tables, what ran


def test_two_runs_of_one_combination_are_one(records: Path) -> None:
    write(records, "5.24.0", {"bert": ("passed", "passed")}, hfci="2")
    found = compatibility_of(read_results([records]))
    assert len(found.combinations) == 4
    assert rows(found)["bert"].states[-1] == State.WORKS


def test_the_document_is_what_its_schema_says(records: Path) -> None:
    found = compatibility_of(read_results([records]))
    jsonschema.validate(json.loads(msgspec.json.encode(found)), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_hostile_text_is_inert(records: Path, tmp_path: Path) -> None:
    write(records, HOSTILE, {"<b>x</b>": ("failed",)})
    write_page(tmp_path / "map.html", compatibility_of(read_results([records])))
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<b>x" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize("content", ["", "{}", "[{}]", '[{"transformers": "", "torch": "2", "python": "3"}]', "[1]"])
def test_a_list_of_combinations_that_is_none_is_wrong_use(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(UsageError, match=r"x\.json is no list of combinations"):
        read_expected(tmp_path / "x.json")
    with pytest.raises(UsageError):
        read_expected(tmp_path / "absent.json")


class Index(SimpleHTTPRequestHandler):
    """A package index, of what it was given: package → the names of its files."""

    files: ClassVar[dict[str, list[str]]] = {}

    def do_GET(self) -> None:
        names = self.files[self.path.strip("/")]
        listed = [{"filename": name, "yanked": "yanked" in name} for name in names]
        listed.append({"filename": "transformers-5.99.0-py3-none-any.whl", "requires-python": ">=99"})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"files": listed}).encode())

    def log_message(self, *_: object) -> None:
        pass


def test_the_matrix_is_what_the_index_has(monkeypatch: pytest.MonkeyPatch) -> None:
    releases = ("5.16.1", "5.17.0", "5.23.0", "5.23.1", "5.24.0", "5.24.0rc1", "yanked")
    torches = ("2.11.0", "2.12.0", "2.13.0", "2.13.1")
    Index.files = {
        "transformers": [f"transformers-{version}-py3-none-any.whl" for version in releases] + ["x; rm -rf"],
        "torch": [
            f"torch-{version}-cp{python}-cp{python}-manylinux_2_28_x86_64.whl"
            for version in (*torches, "2.10.0")
            for python in ("310", "311", "312")
        ],
    }
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_address[1]}")
        found = combinations()
        server.shutdown()
    assert {one.transformers for one in found} == {"5.17.0", "5.23.1", "5.24.0"}
    assert {one.torch for one in found} == {"2.11.0", "2.12.0", "2.13.1"}
    assert len(found) == 3 * 3 + 1
    assert [one.versions for one in found if one.python != "3.11"] == [("5.24.0", "2.13.1", "3.12")]
