"""Which folder of generated tests a run takes: that of the checkout, or one rendered now for what is installed."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hfci.errors import UsageError
from hfci.testing.manifest import MANIFEST, Manifest, load_manifest

__all__ = ["GENERATED", "SCRATCH", "find_tests"]

GENERATED = Path("generated")
SCRATCH = Path(".hfci")


def find_tests(names: Sequence[str] = (), folder: Path | None = None) -> tuple[Path, Manifest]:
    """Return a folder of generated tests for the installed transformers, and its manifest.

    It is `folder`, if that is given; the usual one, if it is for what is installed; or else one below SCRATCH, where
    the tests of `names` are rendered now. Raises UsageError where `folder` is for another transformers.
    """
    installed = importlib.metadata.version("transformers")
    if folder is not None:
        manifest = load_manifest(folder / MANIFEST)
        if manifest.transformers != installed:
            raise UsageError(
                f"{folder} is for transformers {manifest.transformers}, not {installed}; "
                "without --generated, the tests are rendered anew for what is installed"
            )
        return folder, manifest
    if (GENERATED / MANIFEST).is_file():
        manifest = load_manifest(GENERATED / MANIFEST)
        if manifest.transformers == installed:
            return GENERATED, manifest
    folder = SCRATCH / f"generated-{installed}"
    _render(names, folder)
    return folder, load_manifest(folder / MANIFEST)


def _render(names: Sequence[str], folder: Path) -> None:
    """Render into `folder`, in a process of its own: this one must not import torch."""
    if (folder / MANIFEST).exists():
        try:
            load_manifest(folder / MANIFEST)
        except UsageError:  # left over from another hfci; nobody keeps anything here
            shutil.rmtree(folder)
    command = [sys.executable, "-m", "hfci", "generate", "--scratch", "--out", str(folder), "--", *names]
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603 -- hfci itself
    if done.returncode:
        raise SystemExit(done.returncode)  # it has said why
