"""The stage `download`: what is needed and not here yet, each file compared with the Hub's checksum."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from hfci.preflight.diagnosis import Diagnosed
from hfci.preflight.repository import File, Repository, cached, client, storage
from hfci.preflight.size import files_of_stages
from hfci.preflight.sizes import shortly

if TYPE_CHECKING:
    from hfci.preflight.stages import Context

__all__ = ["Download", "download"]

CONNECTIONS = 4  # files at a time; Xet has connections of its own
TELLS_S = 0.25
BLOCK = 8_388_608

# What huggingface_hub waits for before it writes, and says that it goes on. Its own 10 MB are two minutes of a slow
# line, which would pass for silence.
CHUNK = 1_000_000


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """What `download` finds.

    - `files`, `bytes`: what was downloaded; `cached_files`: how many were here already; `seconds`: how long it took
    - `verified`: how many of them were compared with a checksum of the Hub's, which it has of large files
    """

    files: tuple[str, ...]
    bytes: int
    cached_files: int
    seconds: float
    verified: int


def download(context: Context) -> Download:
    """Download what is missing; Diagnosed as `weights_corrupt` where a file is not what the Hub says, and removed."""
    from huggingface_hub import constants

    constants.DOWNLOAD_CHUNK_SIZE = CHUNK
    needed = files_of_stages(context)
    missing = [(repository, file) for repository, file in needed if not cached(repository, file)]
    count = _Count(context, len(missing), sum(file.size for _, file in missing))
    count.add()  # so that an interruption, too, can say what there is by then
    begun = time.monotonic()
    smallest_first = sorted(missing, key=lambda pair: pair[1].size)
    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        list(pool.map(lambda pair: _download(pair[0], pair[1], count), smallest_first))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)  # one that hangs is not waited for
        _remove_parts(missing)
        raise
    pool.shutdown()
    return Download(
        files=tuple(file.name for _, file in missing),
        bytes=sum(file.size for _, file in missing),
        cached_files=len(needed) - len(missing),
        seconds=round(time.monotonic() - begun, 3),
        verified=sum(file.sha256 is not None for _, file in missing),
    )


def _remove_parts(missing: list[tuple[Repository, File]]) -> None:
    """Remove what was downloaded of files that are not whole: huggingface_hub never goes on with it."""
    for repository, file in missing:
        for part in storage(repository.name).glob(f"blobs/{file.sha256}.*.incomplete"):
            part.unlink(missing_ok=True)


class _Count:
    """How much is here by now, told as it grows."""

    def __init__(self, context: Context, files: int, total: int) -> None:
        self._context = context
        self._files, self._total = files, total
        self._whole = self._received = self._written = 0
        self._told = 0.0
        self._lock = threading.Lock()

    def add(self, *, whole: int = 0, received: int = 0, written: int = 0) -> None:
        with self._lock:
            self._whole += whole
            self._received += received
            self._written += written
            if not whole and time.monotonic() - self._told < TELLS_S:
                return
            self._told = time.monotonic()
            kept = f"{self._whole} of {self._files} files are whole, and kept"
            self._context.progress(f"{kept}; {shortly(self._received)} received", self._written, self._total)


def _download(repository: Repository, file: File, count: _Count) -> None:
    path = Path(
        client().hf_hub_download(repository.name, file.name, revision=repository.commit, tqdm_class=_bar(count))
    )
    if file.sha256 is not None and (found := _sha256(path, count)) != file.sha256:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        why = f"its SHA-256 is {found[:12]}…, and the Hub says {file.sha256[:12]}…; it was removed"
        raise Diagnosed("weights_corrupt", file=file.name, why=why)
    count.add(whole=1)


def _sha256(path: Path, count: _Count) -> str:
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sha256.update(block)
            count.add(received=0)
    return sha256.hexdigest()


def _bar(count: _Count) -> Any:
    """Return a progress bar of huggingface_hub's that is not shown, but counts."""
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    class Counting(tqdm):
        """`update` is told of what is written, `update_transfer` of what is received."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            count.add(written=int(n or 0))

        def update_transfer(self, n: float) -> None:
            count.add(received=int(n))

        def set_transfer_postfix_str(self, *_arguments: Any, **_options: Any) -> None:
            pass

    return Counting
