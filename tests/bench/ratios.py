"""Ratios that hfci promises, each of two things measured in turn within this one run.

Times on a shared machine drift by half; the ratio of neighbours does not. Each line: what, the median ratio, its range
over the rounds, what is promised. Exits 1 if a median is above its promise. `python tests/bench/ratios.py [NAME…]`
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 5
HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SIZES = ["vocab_size=128", "hidden_size=64", "num_hidden_layers=2", "num_attention_heads=4", "intermediate_size=128"]
BARE = [sys.executable, str(HERE / "bare.py"), "BertConfig", "BertModel", *SIZES]
NOX = [sys.executable, "-m", "nox", "--noxfile", str(ROOT / "noxfile.py")]


def timed(command: list[str], codes: tuple[int, ...] = (0,)) -> float:
    """Run `command` from the project's root and return its wall time in seconds; it must exit with one of `codes`."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        sys.exit(f"{' '.join(command)} exits {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - start


def in_turn(first: list[str], second: list[str]) -> list[float]:
    """Return the ratios first / second of neighbouring runs, after one of each to warm up."""
    timed(first), timed(second)
    return [timed(first) / timed(second) for _ in range(ROUNDS)]


def second_smoke_of_bert() -> list[float]:
    return in_turn([*NOX, "-s", "smoke", "--", "bert"], BARE)


def help_page() -> list[float]:
    return in_turn([sys.executable, "-m", "hfci", "--help"], BARE)


def rendering() -> list[float]:
    """Render every verified model type, against smoking a sample of them, less the start-up, scaled up to all."""
    rows = json.loads((ROOT / "generated" / "manifest.json").read_text(encoding="utf-8"))["model_types"]
    tested = [row["model_type"] for row in rows if row["file"]]
    sample = tested[:: max(1, len(tested) // 60)]

    def smoke(names: list[str]) -> float:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "hfci", "run", *names, "--results", folder]
            return timed(command, codes=(0, 1))  # red or green

    start_up = smoke(["bert"])
    whole = start_up + (smoke(sample) - start_up) * len(tested) / len(sample)
    return [timed([sys.executable, "-m", "hfci", "generate", "--check"]) / whole]


PROMISES: dict[str, tuple[Callable[[], list[float]], float, str]] = {
    "smoke": (second_smoke_of_bert, 2.0, "the second `nox -s smoke -- bert` / a bare script that runs the model once"),
    "help": (help_page, 0.1, "`hfci --help` / that script"),
    "render": (rendering, 0.2, "rendering and validating all model types / smoking them (from a sample)"),
}


def main(names: list[str]) -> int:
    """Measure what is named, or everything; print a line each."""
    missed = 0
    for name in names or PROMISES:
        measure, promise, what = PROMISES[name]
        ratios = measure()
        median = statistics.median(ratios)
        verdict = "kept" if median <= promise else "MISSED"
        missed += median > promise
        print(
            f"{name}: {median:.3f} ({min(ratios):.3f} to {max(ratios):.3f}), promised {promise}: {verdict}. {what}",
            flush=True,
        )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
