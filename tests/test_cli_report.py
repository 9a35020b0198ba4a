"""A report on records that are not one whole run: real processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hfci.cases.manifest import Manifest, ManifestArchitecture, ManifestCase, ManifestRow
from hfci.cases.records import Record
from hfci.origin import Origin
from hfci.results.formats.coverage_summary import SCHEMA_FILE
from tests.results.support import record, save
from tests.test_cli import run

GREEN = record("cat", "forward", "passed")
VERSIONS = {"transformers": "5.23.0"}


def origin(digest: str, version: str = "5.23.0") -> Origin:
    return Origin(path=f"/src/{digest}", version=version, digest=digest)


@pytest.mark.parametrize(
    ("older", "newer", "said"),
    [
        ({"versions": {"transformers": "5.17.0"}}, {"versions": VERSIONS}, "transformers 5.17.0 in run old"),
        (
            {"versions": VERSIONS, "source": origin("aaa")},
            {"versions": VERSIONS, "source": origin("bbb")},
            "(/src/aaa, digest aaa) in run old; transformers 5.23.0 (/src/bbb, digest bbb) in run new",
        ),
    ],
)
def test_runs_of_two_transformers_are_no_report(
    tmp_path: Path, older: dict[str, Any], newer: dict[str, Any], said: str
) -> None:
    """The older is red, and the newer record of the case would hide it."""
    red = record("cat", "forward", "failed")
    save(tmp_path / "both", "old", red, started="2026-01-01T00:00:00+00:00", **older)
    save(tmp_path / "both", "new", GREEN, started="2026-02-01T00:00:00+00:00", **newer)
    done = run("report", "both", cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "name the files or folders of one of them" in done.stderr
    assert run("report", "both/records-new.jsonl", cwd=tmp_path).returncode == 0


def test_half_a_sharded_run_is_red_without_its_plan(tmp_path: Path) -> None:
    save(tmp_path / "out", "x", GREEN, shard=0, shards=2)
    done = run("report", "out", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert "run x left no records of shard 1" in done.stderr
    assert "1 not-run" in done.stdout
    save(tmp_path / "out", "x", record("dog", "forward", "passed"), shard=1, shards=2)
    assert run("report", "out", cwd=tmp_path).returncode == 0


def test_a_package_that_is_gone_since_the_baseline_is_red(tmp_path: Path) -> None:
    gone: Record = record("dog", "forward", "unavailable", reason="needs timm: pip install timm")
    save(tmp_path / "old", "old", GREEN, record("dog", "forward", "passed"), versions=VERSIONS)
    save(tmp_path / "new", "new", GREEN, gone, versions=VERSIONS)
    assert run("report", "new", cwd=tmp_path).returncode == 0
    done = run("report", "new", "--baseline", "old", "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    summary = json.loads(done.stdout)
    assert summary["verdict"].startswith("Red: 1 newly failing; 1 not-run, 1 of 2 cases executed")
    (failure,) = summary["regressions"]
    assert failure["error"] == "needs timm: pip install timm; executed in run old, on the same kind of machine"


# What an architecture has lost since an earlier manifest.


def manifest(path: Path, *checks: str, outputs: tuple[str, ...] = ("logits",), version: str = "5.23.0") -> Path:
    cases = (ManifestCase("catModel", "smoke", "text/test_cat.py", checks),)
    row = ManifestRow(
        "cat", "generated", "catModel", (ManifestArchitecture("catModel", "text", outputs=outputs),), cases
    )
    path.write_text(json.dumps(Manifest(version, (row,)).to_json()))
    return path


def test_what_is_lost_since_an_earlier_manifest_is_red_in_every_format(tmp_path: Path) -> None:
    save(tmp_path / "out", "x", GREEN, versions=VERSIONS)
    new = manifest(tmp_path / "new.json", "forward", outputs=())
    same, more = (
        manifest(tmp_path / "same.json", "forward", outputs=()),
        manifest(tmp_path / "old.json", "forward", "meows"),
    )
    report = ("report", "out", "--manifest", str(new), "--out", "page", "--annotations", "--against")
    assert run(*report, str(same), cwd=tmp_path).returncode == 0
    done = run(*report, str(more), cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert "Red: " in done.stdout
    assert "2 losses not accepted" in done.stdout
    assert "::error title=lost%3A cat catModel%3A check meows" in done.stdout
    told = json.loads((tmp_path / "page" / "coverage-summary.json").read_text())
    jsonschema.validate(told, json.loads(SCHEMA_FILE.read_text()))
    assert (told["green"], told["red"], told["taken"]) == (False, True, 2)
    assert {loss["whose"] for loss in told["lost"]} == {"cat catModel"}
    assert "Lost since the earlier manifest" in (tmp_path / "page" / "summary.md").read_text()
    assert json.loads((tmp_path / "page" / "badge.json").read_text())["color"] == "red"


def test_an_older_transformers_need_not_have_what_is_newer(tmp_path: Path) -> None:
    save(tmp_path / "out", "x", GREEN, versions=VERSIONS)
    new, old = (
        manifest(tmp_path / "new.json", "forward"),
        manifest(tmp_path / "old.json", "forward", "x", version="5.24.0"),
    )
    assert run("report", "out", "--manifest", str(new), "--against", str(old), cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("named", ["nowhere.json", "no-such-branch", "-x", "HEAD~1", "a\nb"])
def test_an_earlier_manifest_that_is_none_is_wrong_use(tmp_path: Path, named: str) -> None:
    save(tmp_path / "out", "x", GREEN, versions=VERSIONS)
    new = manifest(tmp_path / "new.json", "forward")
    done = run("report", "out", "--manifest", str(new), f"--against={named}", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
