"""A repository of the Hub at one commit, or a folder: what files it has, and each of them as a file here."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hfci.confined import inside, plain_name, relative_path
from hfci.errors import EnvironmentUnfit, in_one_line
from hfci.preflight.diagnosis import Diagnosed
from hfci.writing import replacing

__all__ = [
    "File",
    "Repository",
    "cached",
    "client",
    "endpoint",
    "fetch",
    "look_at",
    "patiently",
    "read_json",
    "storage",
]

T = TypeVar("T")

# The Hub fails for a moment at times: so long is waited before it is asked again, and then again.
WAITS_S = (1.0, 2.0)

# Of a checkpoint; the folder of a disk has millions.
MOST_FILES = 10_000

# What is read whole into memory: configurations have kilobytes, the index of a thousand shards some megabytes.
LARGEST_JSON = 64_000_000


class File(msgspec.Struct, frozen=True):
    """A file of a repository: its name in it, its size in bytes, and its SHA-256 where the Hub knows it."""

    name: str
    size: int
    sha256: str | None = None


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to be loaded.

    - `name`: as it was asked for; `commit`: the one that every later call uses, null for a folder; `folder`: the folder
    - `files`: all of them; `gated`, `private`: who may read it
    - `elements`: how many numbers its safetensors hold by dtype, as the Hub counted them; null where it has not
    """

    name: str
    commit: str | None
    folder: str | None = None
    files: tuple[File, ...]
    gated: bool = False
    private: bool = False
    elements: dict[str, int] | None = None

    def file(self, name: str) -> File | None:
        """Return the file of that name, None where there is none."""
        return next((file for file in self.files if file.name == name), None)


def endpoint() -> str:
    """Return the address of the Hub."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"


def look_at(name: str, revision: str) -> Repository:
    """Return the folder called `name`, or the repository at `revision`, which becomes a commit.

    Without a network (HF_HUB_OFFLINE) it is what the cache holds. Raises Diagnosed, and what huggingface_hub raises.
    """
    folder = Path(name).expanduser()
    with contextlib.suppress(OSError):  # what is too long for the name of a file is no folder
        if folder.is_dir():
            return _folder(name, folder)
    from huggingface_hub import constants, get_token
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    validate_repo_id(name)  # some of its calls do not, and a path would lead elsewhere
    if constants.HF_HUB_OFFLINE:
        return _in_cache(name, revision)
    if not (get_token() or "").isascii():  # no header could hold it
        raise Diagnosed("token_invalid", model=name, endpoint=endpoint())
    api = client()
    patiently(lambda: api.auth_check(name))
    try:
        info = patiently(lambda: api.model_info(name, revision=revision, files_metadata=True))
        repository = Repository(
            name=name,
            commit=plain_name(info.sha),
            files=tuple(_sibling(each) for each in info.siblings or () if _is_path(each.rfilename)),
            gated=bool(info.gated),
            private=bool(info.private),
            elements=_elements(info.safetensors.parameters) if info.safetensors else None,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # A proxy, say, that answers whatever it is asked with its own page.
        why = f"what answers there is no Hub: {in_one_line(error)}"
        raise Diagnosed("hub_unreachable", repr(error), endpoint=endpoint(), why=why) from error
    _remember(name, revision, str(repository.commit))
    return repository


def client() -> Any:
    """Return huggingface_hub's client, which tells at once that its rate limit is used up instead of waiting for it."""
    import huggingface_hub

    hooks = huggingface_hub.get_session().event_hooks
    if _not_too_many not in hooks["response"]:
        huggingface_hub.get_session().event_hooks = {**hooks, "response": [*hooks["response"], _not_too_many]}
    return huggingface_hub.HfApi()


def fetch(repository: Repository, name: str) -> Path:
    """Return the file called `name` as one that is here: downloaded at the commit, unless the cache has it."""
    if repository.file(name) is None:
        raise Diagnosed("file_missing", model=repository.name, file=name)
    if repository.folder is not None:
        return inside(Path(repository.folder), name)
    return Path(client().hf_hub_download(repository.name, relative_path(name), revision=repository.commit))


def read_json(repository: Repository, name: str) -> dict[str, Any]:
    """Return the JSON object in the file called `name`; Diagnosed where it is none, or too large to be one."""
    file = repository.file(name)
    if file is not None and file.size > LARGEST_JSON:
        raise Diagnosed("config_invalid", problem=f"{name} of {repository.name} has {file.size:,} bytes")
    try:
        data = msgspec.json.decode(fetch(repository, name).read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem = f"{name} of {repository.name} is no JSON: {error}"
        raise Diagnosed("config_invalid", problem=problem) from error
    if not isinstance(data, dict):
        raise Diagnosed("config_invalid", problem=f"{name} of {repository.name} holds no settings")
    return data


def cached(repository: Repository, file: File) -> bool:
    """Tell whether `file` is here already."""
    if repository.folder is not None:
        return True
    from huggingface_hub import try_to_load_from_cache

    if isinstance(try_to_load_from_cache(repository.name, file.name, revision=repository.commit), str):
        return True
    # Another commit may have the same content, which is kept once, by its hash.
    return file.sha256 is not None and (storage(repository.name) / "blobs" / file.sha256).is_file()


def _folder(name: str, folder: Path) -> Repository:
    found = (Path(place, file) for place, _, files in os.walk(folder) for file in files if not file.startswith("."))
    paths = sorted(path for path in itertools.islice(found, MOST_FILES + 1) if path.is_file())
    if len(paths) > MOST_FILES:
        problem = f"{name} holds more than {MOST_FILES:,} files, and is no checkpoint"
        raise Diagnosed("config_invalid", problem=problem)
    files = tuple(File(path.relative_to(folder).as_posix(), path.stat().st_size) for path in paths)
    return Repository(name=name, commit=None, folder=str(folder.resolve()), files=files)


def _in_cache(name: str, revision: str) -> Repository:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        snapshot = Path(snapshot_download(name, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError as error:
        # What preflight downloaded is not all that there is, and need not be.
        if (path := getattr(error, "snapshot_path", None)) is None:
            raise Diagnosed("offline_and_not_cached", str(error), model=name) from error
        snapshot = Path(path)
    files = _folder(name, snapshot).files
    return Repository(name=name, commit=snapshot.name, files=files)


def _remember(name: str, revision: str, commit: str) -> None:
    """Write into the cache which commit `revision` is, as a download by its name does: without a network it counts."""
    if revision == commit:
        return
    try:
        with replacing(storage(name) / "refs" / relative_path(revision)) as file:
            file.write(commit.encode())
    except EnvironmentUnfit as error:
        raise Diagnosed("config_invalid", str(error), problem=f"{error} (HF_HOME, HF_HUB_CACHE)") from error


def storage(name: str) -> Path:
    """Return the folder of the cache that holds what was downloaded of a repository."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")


def _is_path(name: str) -> bool:
    """Tell whether a file of a repository can be one of a folder here: what is none is not read."""
    try:
        return relative_path(name) == name
    except ValueError:
        return False


def _elements(counted: Mapping[str, Any]) -> dict[str, int] | None:
    """Return what the Hub counted, where those are counts."""
    counts = {name: count for name, count in counted.items() if isinstance(count, int) and count >= 0}
    return counts if len(counts) == len(counted) else None


def _sibling(sibling: Any) -> File:
    lfs = sibling.lfs
    return File(sibling.rfilename, sibling.size or 0, lfs.sha256 if lfs is not None else None)


def patiently(call: Callable[[], T]) -> T:
    """Return what `call` returns, asked again where the Hub failed or was not reached."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    transient = (HfHubHTTPError, OSError, _transport_error())
    for wait_s in (*WAITS_S, None):
        try:
            return call()
        except transient as error:
            is_lasting = isinstance(error, HfHubHTTPError) and error.response.status_code < 500
            if is_lasting or isinstance(error, OfflineModeIsEnabled) or wait_s is None:
                raise
            time.sleep(wait_s)
    raise AssertionError("unreachable")


def _transport_error() -> type[Exception]:
    """Return what the HTTP client of this huggingface_hub raises when it does not get through."""
    import importlib

    from huggingface_hub.errors import HfHubHTTPError

    (base,) = (base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError")
    transport: type[Exception] = importlib.import_module(base.__module__.partition(".")[0]).TransportError
    return transport


def _not_too_many(response: Any) -> None:
    if response.status_code == 429:
        from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

        hf_raise_for_status(response)
