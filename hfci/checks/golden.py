"""Does an architecture compute what it computed when somebody last looked?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.catalog import transformers_version
from hfci.catalog.kept import UNKEPT, kept_in
from hfci.checks.applicability import NUMERICS_CHANGED, NotApplicable
from hfci.checks.goldens import FOLDER, Golden, read_golden, versions
from hfci.checks.summaries import Summary, distance, summary_of, unlike

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["differences", "golden_output"]


def golden_output(tiny: TinyModel, folder: Path | None = None) -> None:
    """Assert that outputs, losses and gradients are the golden ones in `folder`, up to measured float error.

    They catch what is wrong in every path alike, which no comparison of two paths can see. Whole numbers must be equal.
    A parameter's name and shape decide what it holds, so that a renamed one shows as other numbers.

    Raises `NotApplicable` on another device or from another seed than they were measured on, and on another
    transformers where the numbers are others, or where there are none. On the same one both are failures. So it does of
    what is imported where nobody has named a folder for it.
    """
    if tiny.device.type != "cpu" or tiny.seed:
        raise NotApplicable("golden outputs are measured on the CPU, from seed 0")
    folder = folder or kept_in("golden", tiny.model_type, FOLDER)
    if folder is None:
        raise NotApplicable(UNKEPT.format(kind="golden"))
    accept = f"`hfci golden accept {tiny.model_type}` takes a deliberate change over"
    file, version = read_golden(tiny.model_type, folder), transformers_version()
    golden = file.architectures.get(tiny.architecture) if file is not None else None
    if golden is None and version not in (versions(folder) if file is None else {file.transformers}):
        raise NotApplicable(f"no golden output of it was measured, nor any on transformers {version}")
    measured = summary_of(tiny)  # of whom nothing could be measured, the forward says why
    if file is None or golden is None:
        raise AssertionError(f"there is no golden output of {tiny.architecture}; {accept}")
    changes = "; ".join(f"{field} {difference}" for field, difference in differences(golden, measured).items())
    if changes and version != file.transformers:
        raise NotApplicable(f"{NUMERICS_CHANGED} since transformers {file.transformers}: {changes}")
    if changes:
        raise AssertionError(
            f"other than on {file.transformers} when its golden output was measured: {changes}. {accept}"
        )


def differences(golden: Mapping[str, Golden], found: Mapping[str, Summary]) -> dict[str, str]:
    """Say of each field that is other than its golden output by more than it may be in what."""
    changes = {name: "is new" for name in found if name not in golden}
    for name, old in golden.items():
        if name not in found:
            changes[name] = "is gone"
        elif difference := _difference(old, found[name]):
            changes[name] = difference
    return changes


def _difference(old: Golden, new: Summary) -> str | None:
    if old.unsteady is not None:
        new = Summary(dtype=new.dtype, shape=new.shape)
    if (mismatch := unlike(old, new)) is not None:
        return f"has {mismatch}"
    if old.tolerance is None or (moved := distance(old, new)) <= old.tolerance:
        return None
    return f"moved by {moved:.1e} of its size ({old.tolerance:.1e} is float error)"
