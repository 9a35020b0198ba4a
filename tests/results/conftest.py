"""What the tests of the dashboard share: a browser, and a page with something of everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from hfci.cases.outcome import Outcome
from hfci.results.reading import read_results
from tests.results.browser import chromium
from tests.results.dashboards import Made, made_page, made_records
from tests.results.support import record, save

RUNS = 20
OFTEN_RED = {outcome: 8 if outcome == Outcome.PASSED else 1 for outcome in Outcome}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A page on 12 model types with 10 checks and more than one case in many cells, and 20 runs of history."""
    folder = tmp_path_factory.mktemp("made")
    records = list(made_records(12, 10, outcomes=OFTEN_RED))
    for again in made_records(12, 10, seed=1, outcomes=OFTEN_RED):
        if again.outcome != Outcome.PASSED:
            name = f"{again.architecture}Again"
            case = again.case.replace(str(again.architecture), name)
            records.append(msgspec.structs.replace(again, architecture=name, case=case))
    records.append(record("without", None, "not-applicable", reason="no model class has this configuration"))
    save(folder, "run", *records, commit="c0ffee" * 6, branch="main", versions={"transformers": "5.23.0"})
    return made_page(folder, read_results([folder]), RUNS)
