"""`python -m tests.checks.tier_page RESULTS…`: what became of the functional tier over everything, as a table.

It is Markdown on standard output, for docs/functional-tier.md: by check how many architectures it is asked of, by
hfci's rules and counted independently; how its cases ended; how many models broken on purpose turn it red; and who is
excluded by which rule. Of a case that was run twice the later record counts. Exits 1 where no record can be read.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hfci.cases.manifest import MANIFEST, Manifest, load_manifest
from hfci.cases.outcome import Outcome
from hfci.cases.reading import read_records
from hfci.cases.records import Record
from hfci.cases.variant import Variant
from hfci.checks.table import CHECKS

from .breakages import BREAKAGES
from .breaking import ROOT
from .counting import COUNTED, asked, is_seen

__all__ = ["ended", "page"]

_SHOWN = (Outcome.PASSED, Outcome.KNOWN_FAILURE, Outcome.FAILED, Outcome.UNAVAILABLE, Outcome.NOT_APPLICABLE)
_EXECUTED = (Outcome.PASSED, Outcome.KNOWN_FAILURE, Outcome.FAILED)
_HEAD = (
    "| check | asked of | counted independently | passed | known failures | failed | unavailable | not applicable "
    "| broken | excluded | by the rule |"
)


def ended(records: Iterable[Record]) -> dict[str, Counter[Outcome]]:
    """Return, by check, how many of its cases ended how; of a case's records the last counts."""
    last = {record.case: record for record in records if record.check}
    counts: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for record in last.values():
        counts[Variant.parse(record.check).check][record.outcome] += 1
    return dict(counts)


def page(counts: Mapping[str, Counter[Outcome]], manifest: Manifest) -> str:
    """Return the table, with the shares that passed in a line before it."""
    together: Counter[Outcome] = Counter()
    for count in counts.values():
        together.update(count)
    passed, ran = together[Outcome.PASSED], sum(together[outcome] for outcome in _EXECUTED)
    applies = ran + together[Outcome.UNAVAILABLE]
    broken = Counter(breakage.check for breakage in BREAKAGES)
    said = (
        f"{together.total():,} cases: {ran:,} ran, of which {passed:,} passed, {passed / ran:.1%}, "
        f"and {passed / applies:.1%} of the {applies:,} that apply."
    )
    rows = [_row(check, counts[check], manifest, broken[check]) for check in sorted(counts)]
    return "\n".join([said, "", _HEAD, "| --- |" + " ---: |" * 9 + " --- |", *rows, ""])


def _row(check: str, count: Counter[Outcome], manifest: Manifest, broken: int) -> str:
    decided = asked(manifest, check)
    seen = sum(is_seen(name, check) for name in decided) if check in COUNTED else ""
    excluded = sum(not is_asked for is_asked in decided.values())
    told = [sum(decided.values()), seen, *(count[outcome] for outcome in _SHOWN), broken, excluded]
    rule = CHECKS[check].excluded if excluded else ""
    return f"| `{check}` | {' | '.join(map(str, told))} | {rule} |"


def main(arguments: Sequence[str]) -> int:
    """Print it."""
    files = sorted(file for name in arguments for file in Path(name).rglob("records-*.jsonl"))
    counts = ended(record for file in files for _, record in read_records(file) if record is not None)
    if not counts:
        sys.stderr.write("no record of a check is there: name folders of `nox -s functional -- --results DIR`\n")
        return 1
    sys.stdout.write(page(counts, load_manifest(ROOT / "generated" / MANIFEST)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
