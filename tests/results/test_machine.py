"""Every report says on which machine the cases ran: a verdict that differs on another begins there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfci.results import read_results, summarize
from hfci.results.dashboard import write_dashboard
from hfci.results.formats.cases import facts
from hfci.results.markdown import render_summary
from hfci.results.terminal import print_summary

from .rendered import Rendered
from .support import record, save

MACHINE = {"processor": "AMD EPYC", "capability": "AVX2", "threads": 1, "workers": 2}
SAID = "AMD EPYC, AVX2, 2 workers of 1 thread, ATEN_CPU_CAPABILITY=avx2"


def test_every_report_names_the_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path, "x", record("bert", "builds_tiny", "passed"), **MACHINE, variables={"ATEN_CPU_CAPABILITY": "avx2"})
    results = read_results([tmp_path])
    summary = summarize(results)
    print_summary(summary)
    write_dashboard(tmp_path / "index.html", results, summary)
    assert SAID in capsys.readouterr().out
    assert Rendered(render_summary(summary)).tables["Runs"][0][-1] == SAID
    assert SAID in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert facts(results.headers)["machine"] == SAID
