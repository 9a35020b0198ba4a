"""Ratios that hfci promises, each of two things measured in turn within this one run.

Times on a shared machine drift by half; the ratio of neighbours does not. Each line: what, the median ratio, its range
over the rounds, what is promised. Exits 1 if a median is above its promise.

`python tests/bench/ratios.py [--only PROMISE] [NAME…]`: the names (model types, patterns, families) are a sample for
those of a tier; nothing means the whole catalogue in the smoke tier, and ten model types in the functional one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import comparing as comparison
import history
from tiers import measure, run_tier

ROUNDS = 5
HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SIZES = ["vocab_size=128", "hidden_size=64", "num_hidden_layers=2", "num_attention_heads=4", "intermediate_size=128"]
BARE = [sys.executable, str(HERE / "bare.py"), "BertConfig", "BertModel", *SIZES]
TEN = ("bert", "gpt2", "llama", "t5", "vit", "clip", "wav2vec2", "whisper", "mamba", "llava")
NOX = [sys.executable, "-m", "nox", "--noxfile", str(ROOT / "noxfile.py")]


def timed(command: list[str]) -> float:
    """Run `command` from the project's root and return its wall time in seconds; it must exit with 0."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} exits {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - start


def in_turn(first: list[str], second: list[str]) -> list[float]:
    """Return the ratios first / second of neighbouring runs, after one of each to warm up."""
    timed(first), timed(second)
    return [timed(first) / timed(second) for _ in range(ROUNDS)]


def second_smoke_of_bert(_: tuple[str, ...]) -> list[float]:
    return in_turn([*NOX, "-s", "smoke", "--", "bert"], BARE)


def help_page(_: tuple[str, ...]) -> list[float]:
    return in_turn([sys.executable, "-m", "hfci", "--help"], BARE)


def rendering(_: tuple[str, ...]) -> list[float]:
    """Render every verified model type, against smoking a sample of them, less the start-up, scaled up to all."""
    rows = json.loads((ROOT / "generated" / "manifest.json").read_text(encoding="utf-8"))["model_types"]
    tested = [row["model_type"] for row in rows if row["cases"]]
    sample = tested[:: max(1, len(tested) // 60)]
    start_up = run_tier(("bert",)).wall
    whole = start_up + (run_tier(tuple(sample)).wall - start_up) * len(tested) / len(sample)
    return [timed([sys.executable, "-m", "hfci", "generate", "--check"]) / whole]


def smoking(names: tuple[str, ...]) -> list[float]:
    """Smoke against the bare loop, once: over the whole catalogue it is minutes."""
    print(measure(names), flush=True)
    return [measure(names).ratio]


def working(names: tuple[str, ...]) -> list[float]:
    return [measure(names).processor_ratio]


def asking(names: tuple[str, ...]) -> list[float]:
    """Ask ten model types of as many families all that applies."""
    measured = measure(names or TEN, "functional")
    print(measured, flush=True)
    return [measured.seconds_each]


def asking_barely(names: tuple[str, ...]) -> list[float]:
    return [measure(names or TEN, "functional").processor_ratio]


def memory(names: tuple[str, ...]) -> list[float]:
    return [measure(names).peak / 2**30]


def reporting(_: tuple[str, ...]) -> list[float]:
    return history.measure()


def reporting_memory(_: tuple[str, ...]) -> list[float]:
    return history.peak()


def comparing(names: tuple[str, ...]) -> list[float]:
    return [comparison.measure(names)]


PROMISES: dict[str, tuple[Callable[[tuple[str, ...]], list[float]], float, str]] = {
    "smoke": (second_smoke_of_bert, 2.0, "the second `nox -s smoke -- bert` / a bare script that runs the model once"),
    "help": (help_page, 0.1, "`hfci --help` / that script"),
    "render": (rendering, 0.2, "rendering and validating all model types / smoking them (from a sample)"),
    "catalogue": (
        smoking,
        1.2,
        "smoking with two workers / (two bare loops of the same calls, at the same time, + their start-up)",
    ),
    "processor": (working, 1.15, "processor-seconds of that run beyond its imports / those of the bare loops"),
    "functional": (asking, 3.0, "processor-seconds of a model type in the functional tier beyond the imports, of ten"),
    "functional-processor": (asking_barely, 1.15, "processor-seconds of that run / those of the bare loops"),
    "reporting": (
        reporting,
        10.0,
        "200,000 records to a history of 400 runs, and every report / json.loads, one insert",
    ),
    "reporting-memory": (reporting_memory, 1.0, "GiB that the process which did it grew to"),
    "comparing": (
        comparing,
        1.3,
        "processor-seconds of comparing 40 model types, or those named / of building, saving, loading and running them",
    ),
    "memory": (memory, 3.0, "GiB that the largest worker grew to in that run"),
}


def main() -> int:
    """Measure what is asked for; print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to smoke (default: everything)")
    parser.add_argument("--only", action="append", choices=PROMISES, help="a promise; repeatable (default: all)")
    arguments = parser.parse_args()
    missed = 0
    for name in arguments.only or PROMISES:
        take, promise, what = PROMISES[name]
        ratios = take(tuple(arguments.names))
        median = statistics.median(ratios)
        verdict = "kept" if median <= promise else "MISSED"
        missed += median > promise
        print(
            f"{name}: {median:.3f} ({min(ratios):.3f} to {max(ratios):.3f}), promised {promise}: {verdict}. {what}",
            flush=True,
        )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
