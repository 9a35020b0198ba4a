"""Runs, comparisons and histories of any size for the dashboard's tests, always the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hfci.cases.case import Case
from hfci.cases.outcome import EXECUTED, RED, Outcome
from hfci.cases.records import Error, Record
from hfci.results.comparison import Baseline, Change, Comparison, Observation, Shift
from hfci.results.dashboard import write_dashboard
from hfci.results.history.flakes import Flake
from hfci.results.history.runs import Point
from hfci.results.history.trends import Streak, Trends
from hfci.results.ladder import LADDER
from hfci.results.reading import Results, read_results
from hfci.results.summary import Summary, summarize
from tests.results.support import save

__all__ = ["Made", "changes_of", "comparison_of", "made_page", "made_records", "made_results", "trends_of"]

FAMILIES = ("text_encoder", "text_decoder", "vision", "vision_language", "audio", "time_series")
TASKS = ("fill-mask", "text-generation", "image-classification", None)
VERSIONS = {"hfci": "0.1.0", "python": "3.11.7", "torch": "2.13.0", "transformers": "5.23.0"}
OUTCOMES = {
    Outcome.PASSED: 930,
    Outcome.NOT_APPLICABLE: 30,
    Outcome.UNAVAILABLE: 15,
    Outcome.FAILED: 12,
    Outcome.KNOWN_FAILURE: 8,
    Outcome.REUSED: 4,
    Outcome.NOT_RUN: 1,
    Outcome.ASSUMED: 2,
    Outcome.QUARANTINED: 1,
}
REASONS = {
    Outcome.UNAVAILABLE: "needs timm: pip install timm",
    Outcome.NOT_APPLICABLE: "this architecture takes no batch",
    Outcome.KNOWN_FAILURE: "ledger-17: the gradient of the rotary table is cut off",
    Outcome.NOT_RUN: "its worker was killed",
}


@dataclass(frozen=True)
class Made:
    """A page, and what it was made from."""

    path: Path
    records: list[Record]
    summary: Summary
    comparison: Comparison
    trends: Trends


def made_records(
    models: int, checks: int, *, seed: int = 0, outcomes: Mapping[Outcome, int] = OUTCOMES
) -> Iterator[Record]:
    """Yield a record of each check of each of so many model types; the outcomes are as frequent as said."""
    chance = random.Random(seed)
    kinds, weights = list(outcomes), list(outcomes.values())
    for model in range(models):
        name = f"model_{model:03}"
        for check in range(checks):
            outcome = chance.choices(kinds, weights)[0]
            case = Case(
                name,
                f"Model{model}ForTesting",
                FAMILIES[model % len(FAMILIES)],
                f"invariant_number_{check:02}_holds",
                "smoke" if check < checks / 2 else "functional",
                "cpu",
                task=TASKS[check % len(TASKS)],
                dtype="float32",
            )
            message = f"{chance.random():.6f} is not within 1e-5 of {chance.random():.6f}"
            trace = "".join(f"generated/text/test_{name}.py:{line}: in test\n    assert close\n" for line in range(20))
            failed = outcome in (Outcome.FAILED, Outcome.KNOWN_FAILURE)
            yield Record.of(
                case,
                outcome,
                stage="check" if failed else None,
                error=Error("AssertionError", message, f"{trace}E   {message}") if failed else None,
                reason=REASONS.get(outcome),
                duration_s=round(chance.lognormvariate(-1, 1), 4) if outcome in EXECUTED else 0.0,
                peak_memory_bytes=chance.randrange(1 << 28, 1 << 30) if outcome in EXECUTED else None,
                worker=f"gw{chance.randrange(4)}",
                reproduce=f"hfci run {name} --check {case.check} --device cpu",
            )


def made_results(folder: Path, models: int, checks: int, *, shards: int = 2, seed: int = 0) -> Results:
    """Return so many cases, read from the files of so many shards."""
    records = list(made_records(models, checks, seed=seed))
    for shard in range(shards):
        mine = records[shard::shards]
        save(folder, "20261120T020000Z-aaaaaaaa", *mine, shard=shard, started="2026-11-20T02:00:00+00:00",
             commit="0123456789abcdef0123456789abcdef01234567", branch="main", versions=VERSIONS)  # fmt: skip
    return read_results([folder])


def comparison_of(results: Results, *, every: int = 3) -> Comparison:
    """Return a comparison in which each so-manieth red case is new, and one case is gone."""
    red = [record for record in results if record.outcome in RED][::every]
    passed = [record for record in results if record.outcome == Outcome.PASSED]
    gone = Change("gone/GoneModel/builds_tiny[device=cpu]", Outcome.PASSED, None, None)
    return Comparison(
        baseline=Baseline(
            "20261119T020000Z-bbbbbbbb",
            "2026-11-19T02:00:00+00:00",
            "fedcba9876543210" * 2,
            {gone.case: Observation(Outcome.PASSED, model_type="gone", architecture="GoneModel", check="builds_tiny")},
        ),
        failing=tuple(Change(record.case, Outcome.PASSED, record.outcome, record) for record in red),
        fixed=tuple(Change(record.case, Outcome.FAILED, record.outcome, record) for record in passed[:4]),
        vanished=(gone,),
        slower=tuple(Shift(record.case, "duration_s", 0.5, 1.75) for record in passed[4:6]),
        heavier=tuple(Shift(record.case, "peak_memory_bytes", 2.0**28, 2.0**29) for record in passed[6:7]),
    )


def changes_of(
    results: Results, runs: int, *, seed: int = 0, often: float = 0.1
) -> dict[str, tuple[tuple[int, Outcome | None], ...]]:
    """Return a history of each case that ends as `results` say; so large a part of the cases change to and fro."""
    chance = random.Random(seed)
    changes = {}
    for record in results:
        found: list[tuple[int, Outcome | None]] = [(0, Outcome.PASSED)]
        if chance.random() < often:
            for run in sorted(chance.sample(range(1, runs - 1), min(runs - 2, 2 * chance.randrange(1, 6)))):
                found.append((run, Outcome.PASSED if found[-1][1] == Outcome.FAILED else Outcome.FAILED))
        if found[-1][1] != record.outcome:
            found.append((chance.randrange(found[-1][0] + 1, runs), record.outcome))
        changes[record.case] = tuple(found)
    return changes


def trends_of(
    results: Results, runs: int, *, changes: Mapping[str, tuple[tuple[int, Outcome | None], ...]] | None = None
) -> Trends:
    """Return the trends over so many runs, the last of which is `results`."""
    changes = changes_of(results, runs) if changes is None else changes
    ended = Counter(record.outcome for record in results)
    points = []
    for run in range(runs):
        lost = round(20 * abs((run * 37 % 100) / 100 - 0.5))
        outcomes = {outcome.value: ended[outcome] for outcome in Outcome}
        outcomes["passed"], outcomes["failed"] = ended[Outcome.PASSED] - lost, ended[Outcome.FAILED] + lost
        ladder = {rung.name: max(0, len(results) // 40 - 9 * step - lost) for step, rung in enumerate(LADDER)}
        executed = sum(outcomes[outcome] for outcome in EXECUTED)
        started = f"2026-{1 + run // 28 % 12:02}-{1 + run % 28:02}T02:00:00+00:00"
        points.append(
            Point(
                run=f"run-{run:03}",
                started=started,
                commit=f"{run:02x}" * 20,
                branch="main",
                planned=len(results),
                executed=executed,
                green=lost == 0,
                outcomes=outcomes,
                ladder=ladder,
                duration_s=3000.0 + 4 * run + 10 * lost,
            )
        )
    streaks = {}
    for record in results:
        begun = changes[record.case][-1][0]
        if record.outcome in RED:
            first = points[begun]
            good = points[begun - 1].run if begun else None
            streaks[record.case] = Streak(record.case, first.run, first.started, first.commit, runs - begun, good)
    flaky = [case for case, found in changes.items() if len(found) > 6]
    return Trends(
        points=tuple(points),
        streaks=streaks,
        flaky=tuple(Flake(case, "f" * 64, 3, 2, points[-1].run) for case in flaky[:50]),
        slower=(),
        heavier=(),
        added=(),
        vanished=(),
        changes=changes,
    )


def made_page(folder: Path, results: Results, runs: int) -> Made:
    """Write the page of `results`, with a baseline and a history of so many runs, of which many cases change."""
    comparison = comparison_of(results, every=2)
    trends = trends_of(results, runs, changes=changes_of(results, runs, often=0.4))
    summary = summarize(results, comparison, trends)
    write_dashboard(folder / "index.html", results, summary, comparison, trends)
    return Made(folder / "index.html", list(results), summary, comparison, trends)
