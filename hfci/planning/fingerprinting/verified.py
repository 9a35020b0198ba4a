"""What is still known of tiny models that were built before: of those that nothing they depend on has changed for.

Beside a manifest lie the fingerprints of what its models were built from. What has the same fingerprints now would be
built by the same code, of the same parts: it need not be built again to know them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import msgspec
from msgspec.structs import replace

import hfci
from hfci.cases.manifest import FAULTS, MANIFEST, ManifestArchitecture, load_manifest
from hfci.errors import UsageError
from hfci.origin import Origin
from hfci.parsing import UNREADABLE
from hfci.planning.fingerprinting.fingerprints import Fingerprints
from hfci.writing import replacing

__all__ = ["forget_changed", "remember_verified"]

# Hidden, so that it is no stray file among the tests.
FILE = ".verified.json"


class _Verified(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fingerprints, and the digest of the hfci that found out what the models are made of."""

    hfci: str
    fingerprints: frozenset[str]


def remember_verified(folder: Path) -> None:
    """Keep the fingerprints of the manifest in `folder`, all models of which were built from what is here now."""
    fingerprints = (own for own in _fingerprints(folder).values() if own is not None)
    with replacing(folder / FILE) as file:
        file.write(msgspec.json.encode(_Verified(_hfci(), frozenset[str]().union(*fingerprints))))


def forget_changed(folder: Path) -> None:
    """Take out of the manifest in `folder` what it knows of models that may be made of something else now.

    What is not known to be the same is forgotten. Where there is no manifest, or another hfci's, nothing is done.
    """
    try:
        manifest = load_manifest(folder / MANIFEST)
    except UsageError:
        return
    kept = _read(folder / FILE)
    now = _fingerprints(folder) if kept else {}
    same = {about for about, own in now.items() if own is not None and own <= kept}
    rows = tuple(
        replace(
            row,
            architectures=tuple(
                arch
                if arch.stage in FAULTS or (row.model_type, arch.name) in same
                else ManifestArchitecture(arch.name, arch.family)
                for arch in row.architectures
            ),
        )
        for row in manifest.model_types
    )
    with replacing(folder / MANIFEST) as file:
        file.write(json.dumps(replace(manifest, model_types=rows).to_json()).encode())


def _fingerprints(folder: Path) -> dict[tuple[str, str], frozenset[str] | None]:
    """Return model type and architecture → the fingerprints of its cases; None where one of them has none."""
    known = Fingerprints.now(load_manifest(folder / MANIFEST), generated=folder)
    by_architecture: dict[tuple[str, str], list[str | None]] = defaultdict(list)
    for subject in known.cases:
        by_architecture[subject.model_type, subject.architecture].append(known.of(subject))
    known.remembered.save()
    return {about: frozenset(filter(None, own)) if all(own) else None for about, own in by_architecture.items()}


def _read(file: Path) -> frozenset[str]:
    try:
        verified = msgspec.json.decode(file.read_bytes(), type=_Verified)
    except (OSError, *UNREADABLE):
        return frozenset()
    return verified.fingerprints if verified.hfci == _hfci() else frozenset()


def _hfci() -> str:
    return Origin.at(Path(hfci.__file__).parent).digest
