"""What a comparison costs, beside the builds, loads and forwards that it cannot be without."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tiers import processor_seconds

from hfci.tiny.model import folder_in_memory

__all__ = ["measure"]

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
# So many model types are a sample of all.
SAMPLE = 40
# And so many of it are a smaller one.
PART = 4


def measure(names: tuple[str, ...]) -> float:
    """Return the processor-seconds of a comparison of `installed` with itself over those of two bare programs.

    Both are of what a sample takes beyond a part of it: what is begun once is in neither. The first bare program
    builds, runs and saves, the second loads and runs, every architecture that the comparison has.
    """
    rows = json.loads((ROOT / "generated" / "manifest.json").read_text(encoding="utf-8"))["model_types"]
    built = {row["model_type"]: [one["name"] for one in row["architectures"] if not one.get("error")] for row in rows}
    tested = [name for name, architectures in built.items() if architectures and (not names or name in names)]
    sample = tested if names else tested[:: max(1, len(tested) // SAMPLE)]
    few = sample[::PART]
    more = _compared(sample) - _compared(few)
    return more / (_bare({name: built[name] for name in sample}) - _bare({name: built[name] for name in few}))


def _compared(names: list[str]) -> float:
    before = processor_seconds()
    command = [sys.executable, "-m", "hfci", "compare", "installed", "installed", *names, "--pairs", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} exits {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return processor_seconds() - before


def _bare(architectures: dict[str, list[str]]) -> float:
    spent = 0.0
    with tempfile.TemporaryDirectory(dir=folder_in_memory()) as folder:
        for side in ("first", "second"):
            command = [sys.executable, str(HERE / "bare_side.py"), side, folder]
            done = subprocess.run(
                command, cwd=ROOT, input=json.dumps(architectures), capture_output=True, text=True, check=True
            )
            spent += float(done.stdout.splitlines()[-1])
    return spent
