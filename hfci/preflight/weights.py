"""Which files of a repository hold the weights, in the order in which transformers looks for them."""

from __future__ import annotations

import msgspec

from hfci.confined import relative_path
from hfci.preflight.diagnosis import Diagnosed
from hfci.preflight.repository import File, Repository, read_json

__all__ = ["Weights", "in_subfolder", "weights_of"]

SAFE, PICKLED = "safetensors", "pickle"

# A file, or the index of several; safetensors first.
NAMES = (
    ("model.safetensors", SAFE),
    ("model.safetensors.index.json", SAFE),
    ("pytorch_model.bin", PICKLED),
    ("pytorch_model.bin.index.json", PICKLED),
)


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """The weights of a checkpoint.

    - `files`: what holds them; `format`: `safetensors` or `pickle`; `index`: the index of several files
    - `keys`: how many tensors the index lists, by file; empty where there is no index
    """

    files: tuple[File, ...]
    format: str
    index: str | None = None
    keys: dict[str, int] = {}


def in_subfolder(subfolder: str, name: str) -> str:
    """Return the name in the repository of what is called `name` in `subfolder`."""
    return f"{subfolder.strip('/')}/{name}" if subfolder.strip("/") else name


def weights_of(repository: Repository, subfolder: str, *, safetensors_only: bool) -> Weights:
    """Return the weights; Diagnosed where there are none, only pickled ones, or the index lists what is not there."""
    for name, kind in NAMES:
        file = repository.file(in_subfolder(subfolder, name))
        if file is None:
            continue
        if kind == PICKLED and safetensors_only:
            raise Diagnosed("weights_unsafe", model=repository.name, file=file.name)
        if not name.endswith(".json"):
            return Weights(files=(file,), format=kind)
        return _indexed(repository, subfolder, file.name, kind)
    raise Diagnosed("file_missing", model=repository.name, file=in_subfolder(subfolder, "model.safetensors"))


def _indexed(repository: Repository, subfolder: str, index: str, kind: str) -> Weights:
    placed = read_json(repository, index).get("weight_map")
    if not isinstance(placed, dict) or not placed or not all(isinstance(name, str) for name in placed.values()):
        raise Diagnosed("weights_corrupt", file=index, why="it has no weight_map that says which file holds which key")
    keys: dict[str, int] = {}
    for name in placed.values():
        keys[name] = keys.get(name, 0) + 1
    try:
        names = {name: in_subfolder(subfolder, relative_path(name)) for name in sorted(keys)}
    except ValueError as error:
        raise Diagnosed("weights_corrupt", file=index, why=str(error)) from error
    files = {name: repository.file(path) for name, path in names.items()}
    if missing := [name for name, file in files.items() if file is None]:
        raise Diagnosed(
            "weights_incomplete", "\n".join(missing), model=repository.name, count=len(missing), first=missing[0]
        )
    found = tuple(file for file in files.values() if file is not None)
    return Weights(files=found, format=kind, index=index, keys={names[name]: count for name, count in keys.items()})
