"""How long the fingerprints of the whole catalogue take: from cold, with nothing remembered, and warm.

`python tests/bench/fingerprints.py` prints both, in seconds, and exits 1 if a promise is missed. Each is taken in a
process of its own, that cannot import torch or transformers. From cold it is all computing, on every core: beside the
wall time stands that of the processors, which tells a machine that has other things to do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tiers import processor_seconds

__all__ = ["PROMISED", "Seconds", "measure"]

ROOT = Path(__file__).parent.parent.parent

CODE = """
import sys, time
start = time.perf_counter()
import importlib.util
spec = importlib.util.find_spec("transformers")
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: spec if name == "transformers" else find(name, *rest)
sys.modules["torch"] = sys.modules["transformers"] = None  # an import of them fails
from pathlib import Path
from hfci.planning.fingerprinting.fingerprints import Fingerprints
from hfci.cases.manifest import load_manifest
made = Fingerprints.now(load_manifest(Path("generated/manifest.json")), cache=Path(sys.argv[1]))
found = [fingerprint for subject in made.cases if (fingerprint := made.of(subject)) is not None]
made.remembered.save()
print(len(found), time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Seconds:
    """How long the fingerprints took, and of how many architectures and tiers they were."""

    subjects: int
    cold: float
    warm: float
    computing: float = 0.0  # of all processors, from cold


PROMISED = Seconds(subjects=1, cold=15.0, warm=1.0)  # at least so many, at most so long


def measure() -> Seconds:
    """Return what the fingerprints of everything in `generated/` take: once from cold, then the best of three warm."""
    with tempfile.TemporaryDirectory() as folder:
        before = processor_seconds()
        subjects, cold = _once(Path(folder, "cache"))
        computing = processor_seconds() - before
        warm = min(_once(Path(folder, "cache"))[1] for _ in range(3))
    return Seconds(subjects, cold, warm, computing)


def _once(cache: Path) -> tuple[int, float]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(cache)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"fingerprints cannot be computed:\n{done.stderr[-2000:]}")
    subjects, seconds = done.stdout.split()
    return int(subjects), float(seconds)


def main() -> int:
    """Measure, and print a line for each promise."""
    found = measure()
    missed = 0
    print(f"from cold, all processors computed for {found.computing:.2f} s; load {os.getloadavg()[0]:.1f}")
    for name in ("cold", "warm"):
        seconds, promised = getattr(found, name), getattr(PROMISED, name)
        missed += seconds > promised
        verdict = "kept" if seconds <= promised else "MISSED"
        print(f"{name}: {seconds:.2f} s for {found.subjects} fingerprints, promised {promised:.0f} s: {verdict}")
    return int(missed > 0 or found.subjects < PROMISED.subjects)


if __name__ == "__main__":
    sys.exit(main())
