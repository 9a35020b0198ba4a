"""What `nox -s bench` measures of reports, in small: so that what it calls is there, and counts what it should."""

from __future__ import annotations

import importlib
import json
import sqlite3
import sys
from pathlib import Path

import pytest


def test_the_bench_adds_a_run_and_reports_over_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))  # the bench, a script, puts the project there
    bench = importlib.import_module("tests.bench.history")
    size = bench.Size(model_types=20, architectures=5, checks=10, runs=30)
    records, history = bench.set_up(tmp_path, size)
    assert bench.floor(records, tmp_path / "bare.sqlite")[0] > 0
    with sqlite3.connect(tmp_path / "bare.sqlite") as bare:
        assert bare.execute("SELECT count(*) FROM records").fetchone() == (size.records,)
    spent = bench.report(records, history)
    assert all(part > 0 for part in spent)
    assert len(json.loads((tmp_path / "ctrf").read_text())["results"]["tests"]) == size.records
    with sqlite3.connect(history) as known:
        assert known.execute("SELECT count(*) FROM runs").fetchone() == (size.runs + 1,)
