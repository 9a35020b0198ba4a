"""Modules of transformers that end the process which imports them, or never come back: errors of their rows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hfci.cases.manifest import load_manifest
from tests.releases import release
from tests.stuck import STUCK
from tests.warm import COLD

BERT, GPT2, CONFIG = (
    "models/bert/modeling_bert.py",
    "models/gpt2/modeling_gpt2.py",
    "models/vit/configuration_vit.py",
)
LIMIT_S = 15
COMMAND = f"""
import sys
from hfci.commands import surviving
surviving.LIMIT_S = {LIMIT_S}
from hfci.cli import main
sys.exit(main())
"""


def hfci(*arguments: str, cwd: Path, **extra: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PYTEST_"))}
    command = [COLD, "-c", COMMAND, *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=cwd, env={**kept, **extra}, **pipes)


@pytest.fixture
def deadly(tmp_path: Path) -> dict[str, str]:
    return release(
        tmp_path / "release",
        {
            BERT: lambda text: f"{text}\n{STUCK}",
            GPT2: lambda text: "import ctypes\nctypes.string_at(0)\n" + text,
            CONFIG: lambda text: text + "\nimport os\nos._exit(0)\n",
        },
    )


def test_each_is_an_error_of_its_row_and_the_others_are_read(tmp_path: Path, deadly: dict[str, str]) -> None:
    process = hfci("catalog", "bert", "albert", "gpt2", "vit", "--json", cwd=tmp_path, **deadly)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err
    rows = {row["model_type"]: row for row in json.loads(out)["model_types"]}
    place = len((tmp_path / "release" / "transformers" / BERT).read_text().splitlines())
    said = f"TimeoutError: its import takes more than {LIMIT_S} s: modeling_bert.py, line {place} in <module>"
    assert said in rows["bert"]["error"]
    assert "RuntimeError: the process that imports it dies of SIGSEGV" in rows["gpt2"]["error"]
    assert rows["vit"]["error"] == "cannot be read: RuntimeError: the process that imports it ends with exit code 0"
    assert rows["albert"]["error"] is None
    assert "Traceback" not in err


def test_all_other_tests_are_rendered(tmp_path: Path, deadly: dict[str, str]) -> None:
    process = hfci("generate", "bert", "albert", "--scratch", cwd=tmp_path, **deadly)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, out + err
    assert f"bert/BertModel: catalog: TimeoutError: its import takes more than {LIMIT_S} s: modeling_bert.py" in err
    manifest = load_manifest(tmp_path / "generated" / "manifest.json")
    assert (manifest["albert"].rung, manifest["bert"].rung) == ("generated", "catalogued")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_command_and_what_it_has_started_end_together(tmp_path: Path, number: int) -> None:
    if number == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("elsewhere nothing tells a process that its parent is gone")
    with hfci("catalog", "albert", cwd=tmp_path) as process:
        time.sleep(1.0)  # while it imports torch
        process.send_signal(number)
        process.communicate(timeout=30)  # of which the end comes when nobody writes any more
        assert process.returncode == (130 if number == signal.SIGTERM else -signal.SIGKILL)
