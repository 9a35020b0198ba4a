"""Fixes that transformers made, to be undone one at a time: faults that somebody really had."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from packaging.version import Version

from hfci.cases.manifest import Manifest
from hfci.confined import RelativePath, inside
from hfci.errors import UsageError, nearest
from hfci.origin import version_of
from hfci.parsing import Filled, Names, Release, Text, read_toml

from .faults import PACKAGE, Fault

__all__ = ["FIXES", "Fix", "read_fixes", "with_tests"]

FIXES = Path(__file__).with_name("fixes.toml")
_VERSION = version_of(PACKAGE) or "0"

Kind = Literal[
    "mask",
    "cache",
    "positions",
    "rope",
    "attention",
    "experts",
    "loss",
    "output",
    "configuration",
    "weights",
    "dtype",
    "generation",
    "media",
    "other",
]


class Fix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fix of a file of transformers; the columns are explained at the top of fixes.toml."""

    fault: Text
    release: Release
    file: RelativePath
    model_types: Names
    kind: Kind
    old: Filled
    new: str

    @property
    def path(self) -> Path:
        """Where its file is in the installed transformers."""
        return inside(PACKAGE, self.file)

    def applied(self) -> str:
        """Return the source of its file with the fix undone; UsageError where its text does not stand there once."""
        try:
            source = self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{self}: {error.strerror}: {self.path}") from error
        if (count := source.count(self.old)) != 1:
            raise UsageError(f"{self}: its text stands {count} times in transformers {_VERSION}")
        return source.replace(self.old, self.new)

    def faults(self) -> Iterator[Fault]:
        """Yield it undone, for each of its model types; UsageError as `applied` does."""
        self.applied()
        data, old = self.path.read_bytes(), self.old.encode()
        start = data.index(old)
        for model_type in self.model_types:
            yield Fault(model_type, self.file, self.kind, str(self), 0, start, start + len(old), self.new)

    def __str__(self) -> str:
        """Return it in a line."""
        return f"{self.file}, mended in {self.release}: {self.fault}"


class _Fixes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fix: tuple[Fix, ...]


def read_fixes(known: Collection[str], path: Path = FIXES) -> tuple[Fix, ...]:
    """Return the fixes of a file, whose model types are to be among the `known`; UsageError names the row at fault."""
    fixes = read_toml(path, _Fixes, "the fixes").fix
    for fix in fixes:
        for name in fix.model_types:
            if name not in known:
                raise UsageError(f"{path}: {fix}: no functional tests of {name!r}.{nearest(name, known)}")
        if fix.release > Version(_VERSION):
            raise UsageError(f"{path}: {fix}: transformers {_VERSION} is older")
        if fix.old == fix.new:
            raise UsageError(f"{path}: {fix}: undone it is the same")
    return fixes


def with_tests(manifest: Manifest) -> set[str]:
    """Return the model types that have functional tests."""
    return {row.model_type for row in manifest.model_types if any(case.file is not None for case in row.cases)}
