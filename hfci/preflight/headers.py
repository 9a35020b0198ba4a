"""The headers of safetensors files, without the rest: what tensors there are, of which dtype, shape and place."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hfci.preflight.diagnosis import Diagnosed
from hfci.preflight.repository import File, Repository, cached, client, endpoint, fetch, patiently
from hfci.preflight.sizes import BYTES

__all__ = ["Header", "Tensor", "read_headers", "write_sparse"]

PREFIX = 8  # bytes: the length of the header, little-endian
LONGEST = 100_000_000  # bytes: what safetensors itself reads

# How much is read at first. A tensor takes a name, a dtype, a shape and two offsets: at most some 300 bytes, so that
# the number of tensors, which an index tells, gives enough; without an index, most headers are shorter than 100 kB.
FIRST, A_TENSOR = 100_000, 300

CONNECTIONS = 8
LARGEST = 1_000_000_000  # bytes of a sparse file, unless one tensor is larger


_Count = Annotated[int, Meta(ge=0)]


class Tensor(msgspec.Struct, frozen=True):
    """A tensor of a file, as its header says."""

    dtype: str
    shape: tuple[_Count, ...]
    data_offsets: tuple[_Count, _Count]


class Header(msgspec.Struct, frozen=True):
    """The header of a file: as it stands there, length and all, and the tensors in it."""

    file: File
    content: bytes
    tensors: dict[str, Tensor]


def read_headers(
    repository: Repository, files: tuple[File, ...], keys: dict[str, int], progress: Callable[[int], None]
) -> list[Header]:
    """Return the header of each of `files`; `keys` says of some how many tensors they have, `progress` is told of each.

    A request for each file that is not here already, a second one for a header that is longer than was thought. Raises
    Diagnosed where one is not what it must be.
    """
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        headers = []
        for header in pool.map(lambda file: _read(repository, file, keys.get(file.name)), files):
            headers.append(header)
            progress(len(headers))
    return headers


def write_sparse(headers: Iterable[Header], folder: Path) -> None:
    """Write the tensors of `headers` into `folder` as a checkpoint whose files have headers, and holes for the numbers.

    It takes no room. Files are made smaller than those of the Hub may be: of one larger than the memory, a part is not
    mapped either.
    """
    placed: dict[str, str] = {}
    group: dict[str, Tensor] = {}
    size = 0
    for name, tensor in (pair for header in headers for pair in header.tensors.items()):
        if group and size + _length(tensor) > LARGEST:
            placed |= _write_group(group, folder)
            group, size = {}, 0
        group[name] = tensor
        size += _length(tensor)
    placed |= _write_group(group, folder)
    index = {"metadata": {}, "weight_map": placed}
    (folder / "model.safetensors.index.json").write_bytes(msgspec.json.encode(index))


def _write_group(group: dict[str, Tensor], folder: Path) -> dict[str, str]:
    """Write one file with these tensors; return which file each is in."""
    rows: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in group.items():
        begin, end = end, end + _length(tensor)
        rows[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": (begin, end)}
    content = msgspec.json.encode(rows)
    path = folder / f"model-{len(list(folder.glob('*.safetensors'))):05}.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(content)) + content)
        file.truncate(PREFIX + len(content) + end)
    return dict.fromkeys(group, path.name)


def _length(tensor: Tensor) -> int:
    begin, end = tensor.data_offsets
    return end - begin


def _read(repository: Repository, file: File, tensors: int | None) -> Header:
    first = FIRST if tensors is None else 1_000 + A_TENSOR * tensors
    part = _part_of_file if cached(repository, file) else _part_of_hub
    content = part(repository, file, 0, min(first, file.size))
    if len(content) < PREFIX:
        raise _corrupt(file, f"it has {len(content)} bytes")
    (length,) = struct.unpack("<Q", content[:PREFIX])
    if length > min(LONGEST, file.size - PREFIX):
        raise _corrupt(file, f"its header claims {length:,} bytes, of {file.size:,} that the file has")
    whole = PREFIX + length
    if len(content) < whole:
        content += part(repository, file, len(content), whole)
    return _parsed(file, content[:whole])


def _parsed(file: File, content: bytes) -> Header:
    try:
        rows = msgspec.json.decode(content[PREFIX:], type=dict[str, msgspec.Raw])
        rows.pop("__metadata__", None)
        tensors = {name: msgspec.json.decode(row, type=Tensor) for name, row in rows.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _corrupt(file, f"its header cannot be read: {error}") from error
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1].data_offsets):
        length = math.prod(tensor.shape) * BYTES.get(tensor.dtype, 0)
        if tensor.data_offsets[0] != end or _length(tensor) < 0 or (length and math.ceil(length) != _length(tensor)):
            raise _corrupt(file, f"the place of {name!r:.80} in it is not that of {tensor.dtype} numbers of its shape")
        end = tensor.data_offsets[1]
    if len(content) + end != file.size:
        raise _corrupt(file, f"its header is of a file of {len(content) + end:,} bytes, and it has {file.size:,}")
    return Header(file, content, tensors)


def _corrupt(file: File, why: str) -> Diagnosed:
    return Diagnosed("weights_corrupt", file=file.name, why=why)


def _part_of_file(repository: Repository, file: File, begin: int, end: int) -> bytes:
    with fetch(repository, file.name).open("rb") as content:
        content.seek(begin)
        return content.read(end - begin)


def _part_of_hub(repository: Repository, file: File, begin: int, end: int) -> bytes:
    """Return these bytes of a file on the Hub; not more is read, even where the range is not heeded."""
    client()
    return patiently(lambda: _answer(repository, file, begin, end))


def _answer(repository: Repository, file: File, begin: int, end: int) -> bytes:
    from huggingface_hub import constants, get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    url = hf_hub_url(repository.name, file.name, revision=repository.commit, endpoint=endpoint())
    headers = {**build_hf_headers(), "Range": f"bytes={begin}-{end - 1}", "Accept-Encoding": "identity"}
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        hf_raise_for_status(response)
        skipped = 0 if response.status_code == 206 else begin
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) >= skipped + end - begin:
                break
    return bytes(content[skipped : skipped + end - begin])
