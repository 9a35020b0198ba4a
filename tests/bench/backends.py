"""Processor-seconds that an architecture takes to be compiled by aot_eager and exported by dynamo.

`python tests/bench/backends.py [PART]`: one of so many architectures of the manifest (default: 64), drawn by their
names, in one process, red or green, each with its tiny model built and its own forward run; and how each ended. Exits 1
where the mean is over what is promised.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from hfci.testing.process_setup import prepare

prepare("cpu")

from hfci.cases.ledger import Ledger, read_ledger  # noqa: E402
from hfci.cases.manifest import MANIFEST, load_manifest  # noqa: E402
from hfci.cases.outcome import Outcome  # noqa: E402
from hfci.cases.variant import Variant  # noqa: E402
from hfci.catalog import transformers_version  # noqa: E402
from hfci.checks import assert_holds  # noqa: E402
from hfci.checks.running import reference  # noqa: E402
from hfci.testing.verdicts import Verdict, against_ledger, judge  # noqa: E402
from hfci.tiny import TinyModel, build_tiny  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
PART = 64
PROMISED_SECONDS = 12.0
ASKED = ("compiled_equals_eager[backend=aot_eager]", "exported_equals_eager[backend=dynamo]")


def architectures() -> list[tuple[str, str]]:
    """Return model type and architecture of everything that the deep tier exports: the first of them are a sample."""
    rows = load_manifest(ROOT / "generated" / MANIFEST).model_types
    cases = (case for row in rows for case in row.cases_in("deep", "cpu") if str(case.variant) in ASKED)
    known = {(case.parent or case.model_type, case.architecture or "") for case in cases}
    return sorted(known, key=lambda names: hashlib.sha256("/".join(names).encode()).digest())


def ask(model_type: str, architecture: str, checks: Sequence[str], ledger: Ledger) -> tuple[float, dict[str, Verdict]]:
    """Return the processor-seconds that these checks take together with the tiny model, and how each ended."""
    start = time.process_time()
    ended: dict[str, Verdict] = {}
    tiny: TinyModel | None = None
    for check in checks:
        error: Exception | None = None
        try:
            if tiny is None:
                tiny = build_tiny(model_type, architecture)
                reference(tiny)
            assert_holds(tiny, check)
        except Exception as caught:  # whatever it is: that is how it ended
            error = caught
        entries = ledger.on(transformers_version(), model_type, architecture, Variant.parse(check).check)
        ended[check] = against_ledger(judge(error, tiny is None), entries, date.today(), is_over=True)
    return time.process_time() - start, ended


def main() -> int:
    """Print what was measured."""
    known, ledger = architectures(), read_ledger()
    spent: list[tuple[float, str]] = []
    outcomes: dict[str, Counter[str]] = {check: Counter() for check in ASKED}
    for model_type, architecture in known[: len(known) // (int(sys.argv[1]) if sys.argv[1:] else PART)]:
        seconds, ended = ask(model_type, architecture, ASKED, ledger)
        spent.append((seconds, f"{model_type}/{architecture}"))
        for check, verdict in ended.items():
            outcomes[check][verdict["outcome"]] += 1
            if verdict["outcome"] == Outcome.FAILED:
                said = verdict["error"]["message"].splitlines()[0]
                sys.stdout.write(f"{model_type}/{architecture}/{check} at {verdict['stage']}: {said}\n")
    mean = sum(seconds for seconds, _ in spent) / len(spent)
    most, name = max(spent)
    for check, counts in outcomes.items():
        sys.stdout.write(f"{check}: {', '.join(f'{count} {outcome}' for outcome, count in counts.most_common())}\n")
    sys.stdout.write(
        f"{len(spent)} architectures compiled and exported: {mean:.1f} processor-seconds each, promised are at most "
        f"{PROMISED_SECONDS:.0f}; the most {most:.1f}, {name}\n"
    )
    return int(mean > PROMISED_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
