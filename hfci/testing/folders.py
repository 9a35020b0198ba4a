"""Which folder of generated tests a run takes: that of the checkout, or one rendered now for what is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hfci.cases.manifest import MANIFEST, ForeignManifest, Manifest, load_manifest
from hfci.catalog.registries import registry_digest, transformers_version
from hfci.errors import UsageError
from hfci.imports import entered
from hfci.scratch import make_scratch

__all__ = ["GENERATED", "find_tests", "folder_of", "render", "render_into", "usual_manifest"]

GENERATED = Path("generated")


def usual_manifest() -> Manifest | None:
    """Return the manifest in the usual folder; None where there is none, or one that is not hfci's."""
    try:
        return load_manifest(GENERATED / MANIFEST) if (GENERATED / MANIFEST).is_file() else None
    except ForeignManifest:
        return None


def find_tests(names: Sequence[str] = (), folder: Path | None = None) -> tuple[Path, Manifest]:
    """Return a folder of generated tests for the installed transformers, and its manifest.

    It is `folder`, if that is given; the usual one, if it is for that; or else one below SCRATCH, where
    the tests of `names` are rendered now. Raises UsageError where `folder` is for another transformers.
    """
    installed, registry = transformers_version(), registry_digest()
    if folder is not None:
        manifest = load_manifest(folder / MANIFEST)
        if manifest.transformers != installed:
            raise UsageError(
                f"{folder} is for transformers {manifest.transformers}, not {installed}; "
                "without --generated, the tests are rendered anew for what is installed"
            )
        if not manifest.is_for(installed, registry):
            raise UsageError(
                f"{folder} is for another state of transformers {installed}, with other model types or classes in its "
                "registries; without --generated, the tests are rendered anew"
            )
        return folder, manifest
    usual = usual_manifest()
    if usual is not None and usual.is_for(installed, registry):
        return GENERATED, usual
    return render(names)


def render(names: Sequence[str], kind: str = GENERATED.name, mode: str = "--scratch") -> tuple[Path, Manifest]:
    """Render into the folder of this `kind`, and return it with its manifest; `mode` is as of `render_into`."""
    with folder_of(kind) as folder:
        return folder, render_into(folder, names, mode)


@contextmanager
def folder_of(kind: str) -> Iterator[Path]:
    """Hold a folder of this `kind` in SCRATCH, there or not: one at a time renders, keeps what is there, adds to it."""
    import filelock

    imports = entered()
    beside = "" if imports is None else f"-with-{registry_digest()[:8]}"  # so that neither removes the other's
    folder = make_scratch() / f"{kind}-{transformers_version()}{beside}"
    with filelock.FileLock(f"{folder}.lock"):  # the system gives it back, however its holder ends
        yield folder


def render_into(folder: Path, names: Sequence[str], mode: str = "") -> Manifest:
    """Render into a folder that is held, and return its manifest; `mode` is an option of `hfci generate`, or empty.

    What is there for other sources, or by another hfci, is removed. That is done in a process of its own: this one must
    not import torch.
    """
    if (folder / MANIFEST).exists():
        try:
            is_old = not load_manifest(folder / MANIFEST).is_for(transformers_version(), registry_digest())
        except UsageError:
            is_old = True
        if is_old:  # left over from another hfci, or from other sources; nobody keeps anything here
            shutil.rmtree(folder)
    options = [*filter(None, [mode]), "--json", "--out", str(folder)]
    command = [sys.executable, "-m", "hfci", "generate", *options, "--", *names]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE)  # noqa: S603 -- hfci itself
    if done.returncode and not done.stdout:  # with rows that have no test it ends with 1 as well: their records say so
        raise SystemExit(done.returncode)  # it has said why
    return load_manifest(folder / MANIFEST)
