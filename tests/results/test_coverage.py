"""The ladder's counts, against counts made by hand and another way."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from hfci.cases.manifest import Manifest, ManifestArchitecture, ManifestCase, ManifestRow
from hfci.cases.outcome import Outcome
from hfci.cases.records import Record
from hfci.results.coverage import coverage
from tests.warm import COLD

ROWS = (
    ManifestRow("empty", "catalogued", reason="no model class of its own"),
    ManifestRow(
        "ant",
        "generated",
        base="AntModel",
        architectures=(
            ManifestArchitecture("AntModel", "text", parameters=10),
            ManifestArchitecture("AntHead", "text", stage="forward", error="ValueError"),
        ),
        cases=(
            ManifestCase("AntModel", "smoke", "text/test_ant.py", ("builds_tiny", "forward_is_finite")),
            ManifestCase("AntHead", "functional", "text/test_ant_heads.py", ("builds_tiny",)),
        ),
    ),
    ManifestRow(
        "bee",
        "generated",
        base="AntModel",  # a class that two model types list
        architectures=(ManifestArchitecture("AntModel", "text", parameters=10),),
        cases=(ManifestCase("AntModel", "smoke", "text/test_bee.py", ("builds_tiny",)),),
    ),
    ManifestRow("cow", "catalogued", architectures=(ManifestArchitecture("CowModel", "text", stage="build"),)),
)


def record(model_type: str, architecture: str, check: str, outcome: str = "passed", **fields: str | None) -> Record:
    given = {"family": "text", "task": None, "tier": "smoke", "device": "cpu", **fields}
    case = f"{model_type}/{architecture}/{check}[{given}]"
    known = {"model_type": model_type, "architecture": architecture, "check": check}
    return Record(case=case, outcome=Outcome(outcome), **known, **given)  # type: ignore[arg-type]


def results(*records: Record) -> tuple[Record, ...]:
    return records


def counts(found: tuple[Record, ...] | None = None) -> dict[str, tuple[int | None, int | None]]:
    return {step.rung: (step.model_types, step.architectures) for step in coverage(ROWS, found)}


def test_without_records_the_manifest_says_what_it_can() -> None:
    assert counts() == {
        "catalogued": (4, 3),
        "generated": (2, 2),
        "collected": (None, None),
        "built": (2, 2),  # AntHead was built: it stopped at forward
        "forwarded": (2, 1),
        "checked": (None, None),
        "run in a pipeline": (None, None),
        "run on a GPU": (None, None),
    }


def test_with_records_only_what_ran_counts() -> None:
    found = results(
        record("ant", "AntModel", "builds_tiny"),
        record("ant", "AntModel", "forward_is_finite"),
        record("ant", "AntHead", "builds_tiny", "failed", stage="check"),
        record("bee", "AntModel", "builds_tiny", "not-run"),
        record("ant", "AntModel", "runs_in_pipeline", task="fill-mask"),
        record("ant", "AntModel", "forward_is_finite", device="cuda:0"),
        record("strange", "StrangeModel", "builds_tiny"),  # of another transformers
    )
    assert counts(found) == {
        "catalogued": (4, 3),
        "generated": (2, 2),
        "collected": (1, 2),
        "built": (1, 1),
        "forwarded": (1, 1),
        "checked": (0, 1),  # a head of ant failed: the model type is not checked, its base is
        "run in a pipeline": (1, 1),
        "run on a GPU": (1, 1),
    }


def test_no_rung_is_filled_by_an_empty_run() -> None:
    assert set(list(counts(results()).values())[2:]) == {(0, 0)}


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    manifest = Manifest("5.23.0", ROWS)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest.to_json()))
    return tmp_path


def test_the_command_prints_it_without_torch(generated: Path) -> None:
    code = (
        "import sys; from hfci.cli import main; code = main(sys.argv[1:]); "
        "assert not {'torch', 'transformers'} & sys.modules.keys(); sys.exit(code)"
    )
    command = [COLD, "-c", code, "catalog", "--coverage", "--generated", str(generated)]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert next(line.split()[:3] for line in table.splitlines() if "manifest" in line) == ["catalogued", "4", "3"]
    data = json.loads(subprocess.run([*command, "--json", "bee"], capture_output=True, text=True, check=True).stdout)
    assert data["transformers"] == "5.23.0"
    assert {rung["rung"]: rung["model_types"] for rung in data["rungs"]}["generated"] == 1


def test_a_folder_without_a_manifest_is_wrong_use(tmp_path: Path) -> None:
    command = [COLD, "-m", "hfci", "catalog", "--coverage", "--generated", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot read the manifest" in done.stderr
