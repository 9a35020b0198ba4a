"""Mutants are tried in forks: what is red, what dies, what does not end; and what was tried is not tried again."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.warm import COLD

from .results import Results
from .test_page import result
from .trials import ROOT

# Forks are of a process of its own: in this one other tests import models.
PROGRAM = """
import json, sys
from pathlib import Path
from hfci.testing.process_setup import prepare
prepare("cpu")
from tests.mutants.faults import PACKAGE
from tests.mutants.trials import ROOT, Changed, Trial, in_forks
source = (PACKAGE / "models" / "vit" / "modeling_vit.py").read_text()
files = [ROOT / "generated" / "vision" / name for name in ("test_vit.py", "test_vit_functional.py")]
module = "transformers.models.vit.modeling_vit"
scaled = source.replace("key.transpose(2, 3)) * scaling", "key.transpose(2, 3))")
assert scaled != source
sources = {
    "whole": source,
    "not scaled": scaled,
    "no python": source + "\\n1 = 2",
    "dies": source + "\\nimport os; os._exit(3)",
    "never ends": source + "\\nwhile True: pass",
}
trials = (
    Trial(what, files, Changed(module, text), limit_s=5 if what == "never ends" else 120)
    for what, text in sources.items()
)
endings = {trial.about: [sorted(ended.red), ended.broken] for trial, ended in in_forks(trials, 2)}
print(json.dumps(endings))
"""


def test_each_way_to_end_is_told() -> None:
    done = subprocess.run([COLD, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    endings = json.loads(done.stdout.splitlines()[-1])
    assert endings.pop("whole") == [[], ""]
    assert "eager_equals_sdpa" in endings.pop("not scaled")[0]
    assert "builds_tiny" in endings.pop("no python")[0]
    assert endings.pop("dies") == [[], "its process died (3)"]
    assert endings.pop("never ends") == [[], "it took more than 5 s"]
    assert endings == {}


# Who sees the faults that are tried here: what a model type's other checks say takes minutes.
CHECKS = [
    part
    for check in ("forward_is_finite", "reset_cache_is_new", "generation_options_keep_their_contract")
    for part in ("--check", check)
]


def test_what_was_tried_is_not_tried_again(tmp_path: Path) -> None:
    results = tmp_path / "tried.jsonl"
    command = [COLD, "-m", "tests.mutants", *CHECKS, "vit", "--each", "3", "--results", str(results)]
    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    kept = results.read_bytes()
    assert len(kept.splitlines()) == 3
    results.write_bytes(kept[:-20])  # as the death of who wrote it leaves it
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "which is no result" in again.stdout
    *tried, cut, once_more = results.read_bytes().splitlines()
    assert tried == kept.splitlines()[:2]
    assert kept.splitlines()[2].startswith(cut)
    assert json.loads(once_more)["place"] == json.loads(kept.splitlines()[2])["place"]
    assert first.stdout.count("vit: ") == 3
    assert again.stdout.count("vit: ") == 1


def test_an_unknown_name_is_wrong_use() -> None:
    command = [COLD, "-m", "tests.mutants", "no_such"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no_such" in done.stderr


def test_a_fix_that_all_share_is_undone_in_what_is_imported_first(tmp_path: Path) -> None:
    results = tmp_path / "fixes.jsonl"
    command = [COLD, "-m", "tests.mutants", *CHECKS, "--fixes", "gpt2", "--results", str(results)]
    subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    seen = {result.file: result.red for result in Results(results).every}
    assert "reset_cache_is_new" in seen["cache_utils.py"]
    assert "generation_options_keep_their_contract" in seen["generation/utils.py"]


@pytest.mark.parametrize("line", [b"", b"{", b'{"model_type": 1}', b"\xff"])
def test_a_line_that_is_no_result_is_left_out(line: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tried.jsonl"
    path.write_bytes(msgspec.json.encode(result("bert")) + b"\n" + line + b"\n")
    assert len(Results(path).every) == 1
    assert "which is no result" in capsys.readouterr().out
