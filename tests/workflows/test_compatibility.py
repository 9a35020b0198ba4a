"""compatibility.yml from end to end: the matrix of an index, a combination that ran and one that did not, the map."""

from __future__ import annotations

import json
import platform
import threading
from http.server import ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.releases.test_compatibility import Index

from .projects import ASSERT, INSTALLED, SMOKE, by_hand, project
from .support import Told

TORCH = version("torch").partition("+")[0]
PYTHON = ".".join(platform.python_version_tuple()[:2])
OLDER = "5.17.0"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    wheel = f"torch-{TORCH}-cp{PYTHON.replace('.', '')}-cp{PYTHON.replace('.', '')}-manylinux_2_28_x86_64.whl"
    Index.files = {
        "transformers": [f"transformers-{release}-py3-none-any.whl" for release in (OLDER, INSTALLED)],
        "torch": [wheel],
    }
    emulator = project(tmp_path_factory.mktemp("compatibility"), {"one": ASSERT}, runners=SMOKE)
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        index = f"http://127.0.0.1:{server.server_address[1]}"
        # Its environment cannot be made.
        lost = [{"job": f"{OLDER}, torch {TORCH}, Python {PYTHON} / render", "before": ""}]
        asked = by_hand(models="bert")
        found = emulator.run("compatibility.yml", **asked, cancel=lost, environment={"UV_DEFAULT_INDEX": index})
        server.shutdown()
    return found


def test_each_combination_of_the_index_is_a_call(told: Told) -> None:
    first, second = (f"{release}, torch {TORCH}, Python {PYTHON}" for release in (OLDER, INSTALLED))
    assert told[f"{first} / render"].result == "cancelled"
    assert told[f"{second} / smoke on small 1/1"].result == "success", told.log
    assert told["map"].result == "success", told["map"].log
    assert {tuple(call.files["asked.txt"]) for call in told.resolved} >= {
        (f"transformers=={INSTALLED}", f"torch=={TORCH}"),
    }


def test_what_ran_is_in_the_map_and_what_did_not_is_shown_as_not_run(told: Told) -> None:
    found = json.loads((told.artifact("compatibility-map") / "compatibility.json").read_text())
    assert [one["transformers"] for one in found["combinations"]] == [OLDER, INSTALLED]
    assert [one["run"] is None for one in found["combinations"]] == [True, False]
    (bert,) = (row for row in found["model_types"] if row["model_type"] == "bert")
    assert bert["states"] == ["not run", "works"]
    assert (Path(told.artifact("compatibility-map")) / "compatibility.html").stat().st_size > 10_000
