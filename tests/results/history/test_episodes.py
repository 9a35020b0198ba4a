"""Since when a cause is there, and whether it was mended before; by hand, and for a history that is too old to know."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from hfci.cases.records import Record
from hfci.results import read_results, summarize
from hfci.results.history import History
from hfci.results.history.episodes import Episode
from hfci.results.sections import sections

from ..faults import LOADING, MASKING, failed
from ..support import record, save

CASES = [f"model{n}" for n in range(4)]


def night(*bad: str, frame: object = MASKING, of: Sequence[str] = CASES) -> list[Record]:
    """Return the records of a night in which some cases fail of one fault, and the rest passes."""
    good = [record(name, "forward_is_finite", "passed") for name in of if name not in bad]
    return [*good, *(failed(name, f"size {n}", frame, architecture=f"{name}Model") for n, name in enumerate(bad, 3))]  # type: ignore[arg-type]


def episodes(folder: Path, nights: Sequence[Sequence[Record]], *, held_back: bool = False) -> list[Episode]:
    """Return the open causes after so many nights; with `held_back` the history does not have the last one."""
    for number, records in enumerate(nights):
        fields = {"started": f"2026-01-{number + 1:02}", "branch": "main", "commit": f"{number:040x}"}
        save(folder / "records", f"night-{number}", *records, **fields)
    results = read_results([folder / "records"])
    with History.open(folder / "history", create=True) as history:
        for run in results.runs[: len(nights) - held_back]:
            history.add(results.of_run(run))
        newest = results.of_run(results.runs[-1]) if held_back else None
        return list(history.trends("main", newest=newest).causes.values())


def test_a_cause_is_new_and_then_since(tmp_path: Path) -> None:
    for held_back in (False, True):
        (new,) = episodes(tmp_path / f"new{held_back}", [night(), night("model1", "model2")], held_back=held_back)
        assert (str(new), new.cases, new.example) == ("new", 2, "model1/model1Model/forward_is_finite[device=cpu]")
        nights = [night(), night("model1"), night("model1", "model3"), night("model2")]
        (old,) = episodes(tmp_path / f"old{held_back}", nights, held_back=held_back)
        assert str(old) == "since run night-1 (commit 000000000000), 3 runs"
        assert (old.cases, old.last) == (1, "night-3")


def test_what_comes_back_was_seen_before_and_mended(tmp_path: Path) -> None:
    (again,) = episodes(tmp_path / "a", [night(), night("model1"), night(), night("model2")])
    assert (str(again), again.is_new) == ("seen before, mended in run night-2", True)
    (stays,) = episodes(tmp_path / "b", [night("model1"), night(), night("model1"), night("model1")])
    assert str(stays) == "since run night-2 (commit 000000000000), 2 runs; seen before, mended in run night-1"


def test_what_is_mended_is_no_longer_open(tmp_path: Path) -> None:
    assert episodes(tmp_path, [night("model1", "model2"), night()]) == []


def test_two_causes_at_two_places_are_told_apart(tmp_path: Path) -> None:
    old, new = episodes(
        tmp_path, [night(), night("model1"), [*night("model1", of=CASES[:3]), *night("model3", of=[], frame=LOADING)]]
    )
    assert (old.identity.place.split()[0], str(old)) == (
        "transformers/masking_utils.py",
        "since run night-1 (commit 000000000000), 2 runs",
    )
    assert (new.identity.place.split()[0], str(new)) == ("transformers/modeling_utils.py", "new")


def test_a_run_of_a_few_cases_mends_nothing(tmp_path: Path) -> None:
    (open_one,) = episodes(tmp_path / "few", [night(), night(*CASES), night(of=CASES[:1])])
    assert (open_one.cases, open_one.last) == (3, "night-1")
    assert episodes(tmp_path / "half", [night(), night(*CASES), night(of=CASES[:2])]) == []


def test_runs_that_an_older_hfci_added_do_not_make_a_cause_new(tmp_path: Path) -> None:
    nights = [night(), night("model1"), night("model1")]
    (known,) = episodes(tmp_path, nights)
    assert known.is_whole
    connection = sqlite3.connect(tmp_path / "history")
    with connection:
        connection.execute("DELETE FROM columns WHERE name = 'cause' AND run < 3")
    connection.close()
    with History.open(tmp_path / "history") as history:
        (after,) = history.trends("main").causes.values()
        trends = history.trends("main")
    assert not after.is_new
    assert not after.is_whole
    (failure,) = summarize(read_results([tmp_path / "records" / "records-night-2.jsonl"]), None, trends).failures
    assert failure.episode == ""
    assert (failure.since, failure.runs) == ("night-1", 2)


def test_the_report_says_it_by_cause(tmp_path: Path) -> None:
    nights = [night(), night("model1"), night(), night("model2", "model3")]
    episodes(tmp_path, nights)
    with History.open(tmp_path / "history") as history:
        newest = read_results([tmp_path / "records" / "records-night-3.jsonl"])
        trends = history.trends("main", newest=newest)
        baseline = history.baseline("night-2")
        before = history.baseline("night-1").observations
    from hfci.results.comparison import compare_results

    first = sections(summarize(newest, compare_results(newest, baseline), trends))[0]
    cells = dict(zip([column.name for column in first.columns], first.rows[0], strict=True))
    assert first.title == "Regressions"
    assert (cells["cases"], cells["since"]) == ("2", "seen before, mended in run night-2")
    failed_then = [one for one in before.values() if one.cause is not None]
    assert [str(one.cause) for one in failed_then] == [
        "RuntimeError at forward: size #, transformers/masking_utils.py create_causal_mask mask = mask.expand(size)"
    ]
