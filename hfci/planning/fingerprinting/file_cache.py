"""What was found out of files, kept between two runs: by path, size and time of change.

Nothing depends on it but time: what cannot be read, or is of something else, is found out anew.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from hfci.errors import HfciError
from hfci.planning.fingerprinting import normalize
from hfci.planning.fingerprinting.definitions import definition_facts, definitions_of
from hfci.planning.fingerprinting.normalize import FORMAT, Facts, digest_of, exports_of, read_facts
from hfci.planning.fingerprinting.sources import File
from hfci.scratch import SCRATCH, make_scratch
from hfci.writing import replacing

__all__ = ["FileCache"]

# Fewer bytes than this are read sooner than a process has started.
WORTH_A_PROCESS = 1_000_000


class _Kept(msgspec.Struct, array_like=True):
    """What is kept of one file: size and time of change, then what was found out as far as it was asked for."""

    stamp: tuple[int, int]
    facts: Facts | None = None
    exports: tuple[str, ...] | None = None
    definitions: tuple[str, ...] | None = None
    parts: dict[str, Facts] = {}


class _Store(msgspec.Struct):
    """The file on disk. Another Python may read another syntax."""

    made_by: tuple[int, int, int]
    files: dict[str, _Kept]


MADE_BY = (FORMAT, *sys.version_info[:2])


class FileCache:
    """The facts and the exports of files; `path` is where they are kept, None keeps nothing."""

    def __init__(self, path: Path | None = None, workers: int | None = None) -> None:
        """Read what is kept, if it can be read."""
        self.path = path
        self.workers = workers or _cores()
        self._kept = _load(path)
        self._is_new = False
        self._unkept: dict[File, Facts] = {}  # of files without a stamp
        self._unkept_parts: dict[File, dict[str, Facts]] = {}

    def facts(self, files: Iterable[File]) -> None:
        """Find out the facts of all of `files`, in processes beside this one where that is worth it."""
        missing = [file for file in files if not self._known(file)]
        here = [file for file in missing if file.content is not None]
        there = [file for file in missing if file.content is None]
        if sum(map(_size, there)) < WORTH_A_PROCESS or self.workers < 2:
            here, there = missing, []
        for file in here:
            self._keep(file, _facts_of(file))
        there.sort(key=_size, reverse=True)  # so that each process has as much to do
        for file, facts in zip(there, _in_processes([str(file.path) for file in there], self.workers), strict=True):
            self._keep(file, facts or _facts_of(file))

    def of(self, file: File) -> Facts:
        """Return the facts of one file."""
        if not self._known(file):
            self._keep(file, _facts_of(file))
        if file.stamp is None:
            return self._unkept[file]
        facts = self._kept[str(file.path)].facts
        assert facts is not None
        return facts

    def part(self, file: File, definition: str) -> Facts:
        """Return the facts of one definition in a file; those of the whole file where there is no such."""
        kept = self._entry(file).parts if file.stamp is not None else self._unkept_parts.setdefault(file, {})
        if definition not in kept:
            kept[definition] = _part_of(file, definition) or self.of(file)
            self._is_new = True
        return kept[definition]

    def exports(self, file: File) -> tuple[str, ...]:
        """Return the names that a file exports."""
        if file.stamp is None:
            return _exports_of(file)
        kept = self._entry(file)
        if kept.exports is None:
            kept.exports, self._is_new = _exports_of(file), True
        return kept.exports

    def definitions(self, file: File) -> tuple[str, ...]:
        """Return the functions that a file defines, `NAME` or `CLASS.METHOD`."""
        if file.stamp is None:
            return _definitions_of(file)
        kept = self._entry(file)
        if kept.definitions is None:
            kept.definitions, self._is_new = _definitions_of(file), True
        return kept.definitions

    def save(self) -> None:
        """Write what was found out, whole or not at all; where that fails, the next one has it to do again."""
        if self.path is None or not self._is_new:
            return
        content = msgspec.msgpack.encode(_Store(MADE_BY, self._kept))
        with contextlib.suppress(OSError, HfciError):
            if self.path.parent == SCRATCH:
                make_scratch()
            with replacing(self.path) as target:
                target.write(content)
        self._is_new = False

    def _known(self, file: File) -> bool:
        if file.stamp is None:
            return file in self._unkept
        kept = self._kept.get(str(file.path))
        return kept is not None and kept.stamp == file.stamp and kept.facts is not None

    def _keep(self, file: File, facts: Facts) -> None:
        if file.stamp is None:
            self._unkept[file] = facts
        else:
            self._entry(file).facts, self._is_new = facts, True

    def _entry(self, file: File) -> _Kept:
        assert file.stamp is not None
        kept = self._kept.get(str(file.path))
        if kept is None or kept.stamp != file.stamp:
            kept = self._kept[str(file.path)] = _Kept(file.stamp)
        return kept


def _size(file: File) -> int:
    return file.stamp[0] if file.stamp else 0


def _facts_of(file: File) -> Facts:
    try:
        return read_facts(file.read())
    except OSError as error:
        return Facts(digest_of(b"unreadable", type(error).__name__.encode()))


def _part_of(file: File, definition: str) -> Facts | None:
    try:
        return definition_facts(file.read(), definition)
    except OSError:
        return None


def _exports_of(file: File) -> tuple[str, ...]:
    try:
        return exports_of(file.read())
    except OSError:
        return ()


def _definitions_of(file: File) -> tuple[str, ...]:
    try:
        return definitions_of(file.read())
    except OSError:
        return ()


def _load(path: Path | None) -> dict[str, _Kept]:
    try:
        store = msgspec.msgpack.decode(path.read_bytes(), type=_Store) if path else None
    except (OSError, msgspec.MsgspecError, ValueError):
        return {}
    return store.files if store and store.made_by == MADE_BY else {}


def _in_processes(paths: Sequence[str], workers: int) -> list[Facts | None]:
    """Return the facts of each of `paths`; None where its file cannot be read or its process has failed."""
    facts: list[Facts | None] = [None] * len(paths)
    shares = [slice(start, None, workers) for start in range(min(workers, len(paths)))]
    with ThreadPoolExecutor(workers) as threads:
        for share, answer in zip(shares, threads.map(lambda share: _asked(paths[share]), shares), strict=True):
            facts[share] = answer
    return facts


def _asked(paths: Sequence[str]) -> list[Facts | None]:
    # As a file and not as a module: it needs nothing else of hfci. -P, or the modules beside it hide Python's own.
    command = [sys.executable, "-P", normalize.__file__]
    request = msgspec.json.encode(paths)
    done = subprocess.run(command, input=request, stdout=subprocess.PIPE, check=False)  # noqa: S603 -- Python itself
    return msgspec.json.decode(done.stdout, type=list[Facts | None]) if done.returncode == 0 else [None] * len(paths)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
