"""The page of backends: what passed of what ran, at which stage the rest stopped, and against which baseline."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from hfci.cases.case import Case
from hfci.cases.records import Error, Record, Worst
from hfci.results import read_results
from hfci.results.comparison import baseline_of
from hfci.results.conformance import conformance, write_conformance

from .support import record, save

HOSTILE = "<script>alert('1')</script>"


def asked(model_type: str, backend: str, outcome: str, stage: str | None = None, **error: Any) -> Record:
    case = Case(
        model_type, f"{model_type}Model", "text", "exported_equals_eager", "deep", "cpu", backend=backend, file="x.py"
    )
    fields: dict[str, Any] = {"stage": stage} if stage else {}
    if outcome == "failed":
        fields["error"] = Error("RuntimeError", error.pop("message", "no"), "", **error)
    elif outcome != "passed":
        fields["reason"] = "for the test"
    return Record.of(case, outcome, **fields)


RECORDS = (
    asked("a", "acme", "passed"),
    asked("b", "acme", "failed", "compile", operator="aten.conv2d.default"),
    asked("c", "acme", "failed", "compare", worst=Worst("logits", 0.25, 1e-5, (0, 3))),
    asked("d", "acme", "unavailable"),
    asked("a", "dynamo", "passed"),
    asked("b", "dynamo", "passed"),
    record("a", "forward_is_finite", "failed"),
)


def test_shares_stages_and_operators_are_those_of_the_records(tmp_path: Path) -> None:
    save(tmp_path / "old", "r0", asked("a", "acme", "failed", "run"), asked("b", "acme", "failed", "compile"))
    save(tmp_path / "new", "r1", *RECORDS)
    found = conformance(read_results([tmp_path / "new"]), baseline_of(read_results([tmp_path / "old"])))
    acme, dynamo = found.columns
    assert (acme.backend, acme.outcomes["passed"], acme.outcomes["failed"], acme.share) == ("acme", 1, 2, 1 / 3)
    assert (dict(acme.stages), dict(acme.operators)) == ({"compile": 1, "compare": 1}, {"aten.conv2d.default": 1})
    assert (acme.earlier_share, dynamo.earlier_share, dynamo.share) == (0.0, None, 1.0)
    assert {name: sorted(row) for name, row in found.rows.items()} == {
        "a/aModel": [0, 1],
        "b/bModel": [0, 1],
        "c/cModel": [0],
        "d/dModel": [0],
    }
    assert [found.rows[name][0].changed for name in ("a/aModel", "b/bModel", "c/cModel")] == [True, False, False]
    assert (found.baseline, found.rows["c/cModel"][0].worst) == ("r0", "logits by 2.5e-01 at [0, 3]")


def test_the_page_says_so_and_escapes_what_models_and_backends_say(tmp_path: Path) -> None:
    hostile = asked("e", "acme", "failed", "run", message=HOSTILE, operator=HOSTILE, worst=Worst(HOSTILE))
    save(tmp_path / "new", "r1", *RECORDS, hostile)
    write_conformance(tmp_path / "page.html", read_results([tmp_path / "new"]))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert html.escape(HOSTILE, quote=False)[:12] in page
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "Held against no baseline" in text
    assert "1 of 4 25.0%" in text
    assert "failed at compile" in text


def test_without_a_backend_the_page_says_how_to_ask(tmp_path: Path) -> None:
    save(tmp_path / "new", "r1", record("a", "forward_is_finite", "passed"))
    write_conformance(tmp_path / "page.html", read_results([tmp_path / "new"]))
    assert "hfci run --backend NAME" in (tmp_path / "page.html").read_text(encoding="utf-8")
