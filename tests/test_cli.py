"""The command line as a user meets it: real processes, small hand-written generated tests."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hfci.cases.manifest import Manifest, ManifestArchitecture, ManifestCase, ManifestRow
from hfci.cases.records import SCHEMA_FILE
from hfci.cli import COMMANDS, main
from tests.warm import COLD

TEST = """
import os, signal
import pytest
from hfci import checks
from hfci.tiny import build_tiny
pytestmark = pytest.mark.hfci(model_type="{name}", architecture="{name}Model", family="text", tier="smoke")
@pytest.fixture(scope="module")
def tiny():
    return build_tiny("bert")
def test_builds_tiny(tiny):
    checks.builds_tiny(tiny)
def test_forward_is_finite(tiny):
    {second}
    checks.forward_is_finite(tiny)
def test_save_load_roundtrip(tiny):
    checks.save_load_roundtrip(tiny)
"""
CHECKS = ("builds_tiny", "forward_is_finite", "save_load_roundtrip")
HEAVY = {"torch", "transformers", "pytest", "rich", "jinja2", "huggingface_hub"}
INSTALLED = importlib.metadata.version("transformers")


def run(*arguments: str, cwd: Path, is_warm: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command; where workers die or are killed, not by an interpreter that stands in for them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PYTEST_"))}
    python = sys.executable if is_warm else COLD
    return subprocess.run(
        [python, "-m", "hfci", *arguments],
        cwd=cwd,
        env={**kept, **extra},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def generated(folder: Path, transformers: str = INSTALLED, **seconds: str) -> Path:
    """Write a folder of generated tests: one file a model type, with the given second test."""
    (folder / "text").mkdir(parents=True)
    rows = [
        ManifestRow("layoutxlm", "catalogued", reason="no model class of its own"),
        ManifestRow("stuck", "catalogued", error="ValueError: no | way"),
        ManifestRow("never", "catalogued", reason="not asked for yet"),
        ManifestRow(
            "rocket",
            "catalogued",
            base="RocketModel",
            architectures=(ManifestArchitecture("RocketModel", requires=("no-such-package",)),),
            error="ImportError",
        ),
    ]
    for name, second in seconds.items():
        (folder / "text" / f"test_{name}.py").write_text(TEST.format(name=name, second=second))
        base = f"{name}Model"
        cases = (ManifestCase(base, "smoke", f"text/test_{name}.py", CHECKS),)
        rows.append(ManifestRow(name, "generated", base, (ManifestArchitecture(base, "text"),), cases))
    (folder / "manifest.json").write_text(json.dumps(Manifest(transformers, tuple(rows)).to_json()))
    return folder


def records(folder: Path) -> list[dict[str, Any]]:
    (path,) = folder.glob("records-*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, json.loads(SCHEMA_FILE.read_text()))
    assert lines[0]["planned"] == len(lines) - 1
    return lines[1:]


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from hfci.cli import main\n"
        f"try: main({arguments!r})\n"
        f"except SystemExit as end: print('HEAVY', end.code, sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([COLD, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("HEAVY 0 []\n")
    assert arguments == ["--help"] or f"example: hfci {arguments[0]}" in " ".join(done.stdout.split())


@pytest.mark.parametrize("arguments", [[], ["runn"], ["run", "--workers", "0"], ["run", "--tier", "smokey"]])
def test_wrong_use(arguments: list[str], tmp_path: Path) -> None:
    assert run(*arguments, cwd=tmp_path).returncode == 2


def test_errors_become_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 3
    assert main(["report", str(tmp_path / "nowhere")]) == 2
    assert "hfci: no such file or folder" in capsys.readouterr().err


def test_run_with_a_killed_worker(tmp_path: Path) -> None:
    folder = generated(
        tmp_path / "generated",
        good="assert True",
        killed="os.kill(os.getpid(), signal.SIGKILL)",
        hostile="assert 0, '<img src=x> | ' + chr(27) + '[31m'",
    )
    code = (
        "import sys; from hfci.cli import main\n"
        "code = main(['run', '--results', 'out', '--workers', '2'])\n"
        "sys.exit(99 if {'torch', 'transformers'} & set(sys.modules) else code)"
    )
    page = tmp_path / "page.md"
    env = {**os.environ, "GITHUB_STEP_SUMMARY": str(page)}
    done = subprocess.run([COLD, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    lines = records(tmp_path / "out")
    assert Counter(line["outcome"] for line in lines) == {
        "passed": 7,
        "failed": 2,
        "not-run": 2,
        "not-applicable": 1,
        "unavailable": 1,
    }
    cases = {line["case"]: line for line in lines}
    killed = cases["killed/killedModel/forward_is_finite[device=cpu]"]
    assert "SIGKILL" in killed["error"]["message"]
    assert killed["reproduce"] == "hfci run killed --check forward_is_finite --device cpu"
    assert cases["killed/killedModel/save_load_roundtrip[device=cpu]"]["outcome"] == "passed"
    assert cases["layoutxlm/-/-[device=cpu]"]["reason"] == "no model class of its own"
    assert "no test: ValueError: no | way" in cases["stuck/-/-[device=cpu]"]["reason"]
    assert "Red: 2 failed, 2 not-run, 9 of 13 cases executed" in done.stdout
    assert killed["reproduce"] in done.stdout
    assert "<img" not in page.read_text()
    assert page.read_text().startswith("## Red")

    again = run(*killed["reproduce"].split()[1:], "--results", "again", cwd=tmp_path)
    assert again.returncode == 1
    assert [line["check"] for line in records(tmp_path / "again")] == ["forward_is_finite"]
    assert folder.is_dir()

    report = run("report", "out", "--summary", "summary.md", "--json", cwd=tmp_path)
    assert report.returncode == 1
    assert json.loads(report.stdout)["outcomes"]["passed"] == 7
    assert (tmp_path / "summary.md").read_text() == page.read_text()


def test_run_is_green_when_everything_passed(tmp_path: Path) -> None:
    generated(tmp_path / "elsewhere", good="assert True")
    (tmp_path / "temporary").mkdir()
    extra = {"TMPDIR": str(tmp_path / "temporary")}
    done = run("run", "good", "--generated", "elsewhere", "--results", "out", cwd=tmp_path, **extra)
    assert not [path for path in (tmp_path / "temporary").iterdir() if path.name.startswith(("hfci", "pytest"))]
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Green: 3 of 3 cases executed" in done.stdout
    command = "hfci run good --check builds_tiny --device cpu"
    assert records(tmp_path / "out")[0]["reproduce"] == command


def test_an_asked_test_that_is_not_there(tmp_path: Path) -> None:
    folder = generated(tmp_path / "generated", good="assert True", broken="assert True")
    (folder / "text" / "test_broken.py").write_text("import no_such_module\n")
    done = run("run", "good", "broken", "--workers", "1", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    lines = records(tmp_path / "results")
    assert Counter(line["outcome"] for line in lines) == {"passed": 3, "not-run": 3}
    said = [(line["reason"], line["error"]) for line in lines if line["outcome"] == "not-run"]
    for reason, error in said:
        assert (reason, error["type"]) == ("its file was not collected", "NotCollected")
        assert error["message"] == "ModuleNotFoundError: No module named 'no_such_module'"
        assert "test_broken.py:1: in <module>" in error["traceback"]


@pytest.mark.parametrize(
    ("names", "code", "said"),
    [
        (["goood"], 2, "Did you mean good"),
        (["xyz*"], 2, "no model type or architecture matches 'xyz*'"),
        (["good", "--check", "nonsense"], 2, "no check matches 'nonsense'"),
        (["good", "--tier", "deep"], 3, "no case"),
        (["layoutxlm"], 3, "layoutxlm: no model class of its own"),
        (["stuck"], 1, "no test: ValueError: no"),
        (["never"], 1, "not rendered yet"),
        (["rocket"], 3, "needs no-such-package: pip install no-such-package"),
        (["good", "--device", "cuda:99"], 4, "cuda:99"),
    ],
)
def test_run_of_nothing_that_can_run(tmp_path: Path, names: list[str], code: int, said: str) -> None:
    generated(tmp_path / "generated", good="assert True")
    done = run("run", *names, cwd=tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout + done.stderr


def test_a_test_that_is_a_link_to_elsewhere_is_not_run(tmp_path: Path) -> None:
    folder = generated(tmp_path / "generated", good="assert True")
    (tmp_path / "elsewhere.py").write_text("open('ran', 'w')\n")
    (folder / "text" / "test_good.py").unlink()
    (folder / "text" / "test_good.py").symlink_to(tmp_path / "elsewhere.py")
    done = run("run", "good", cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "test_good.py leads out of generated by a symbolic link" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_generated_for_another_version(tmp_path: Path) -> None:
    generated(tmp_path / "old", transformers="4.0.0", good="assert True")
    done = run("run", "good", "--generated", "old", cwd=tmp_path)
    assert done.returncode == 2
    assert "old is for transformers 4.0.0" in done.stderr


def test_tests_that_another_hfci_left_in_the_scratch_folder_are_rendered_anew(tmp_path: Path) -> None:
    scratch = tmp_path / ".hfci" / f"generated-{INSTALLED}"
    scratch.mkdir(parents=True)
    (scratch / "manifest.json").write_text(json.dumps({"schema": 0, "transformers": INSTALLED, "model_types": []}))
    (scratch / "test_old.py").write_text("assert False\n")
    done = run("run", "bert", "--check", "builds_tiny", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (scratch / "test_old.py").exists()


def test_a_broken_ledger_is_wrong_use_and_told_before_anything_runs(tmp_path: Path) -> None:
    generated(tmp_path / "generated", good="assert True")
    (tmp_path / "pyproject.toml").write_text('[tool.hfci]\nledger = "mine.toml"\n')
    (tmp_path / "mine.toml").write_text("schema = 7\n")
    done = run("run", "good", cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "mine.toml: schema must be 1, not 7" in done.stderr


def test_a_case_takes_no_longer_than_it_may(tmp_path: Path) -> None:
    generated(tmp_path / "generated", slow="import time; time.sleep(60)")
    done = run("run", "slow", "--timeout", "10", "--results", "out", cwd=tmp_path, is_warm=False)
    assert done.returncode == 1, done.stdout + done.stderr
    lines = {line["check"]: line for line in records(tmp_path / "out")}
    assert [line["outcome"] for line in lines.values()] == ["passed", "failed", "passed"]
    error = lines["forward_is_finite"]["error"]
    assert "Timeout (>10.0s)" in error["message"]
    assert "time.sleep(60)" in error["traceback"]
