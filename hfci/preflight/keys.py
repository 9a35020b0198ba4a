"""The stage `keys`: do the keys and shapes of the weights match the model, asked of transformers before the download.

The header of each shard is fetched alone, and its tensors are written as sparse files; from those, transformers' own
`from_pretrained` loads the model on the meta device, conversions of keys included, and says what it misses.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from hfci.preflight.configuration import from_pretrained_arguments
from hfci.preflight.diagnosis import Diagnosed
from hfci.preflight.headers import Header, read_headers, write_sparse
from hfci.preflight.model_class import model_class
from hfci.preflight.repository import Repository, fetch
from hfci.preflight.weights import SAFE, in_subfolder

if TYPE_CHECKING:
    from hfci.preflight.stages import Context

__all__ = ["Keys", "judge", "keys"]

SHOWN = 20


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """What `keys` finds.

    - `loaded_by`: the class that loads it; `tensors`: how many there are
    - `parameters`: how many numbers there are in them; `by_dtype`: of each dtype
    - `bytes_by_dtype`: how many bytes these take; `header_bytes`: what was read of the files
    - `unexpected`: keys that the model has no place for, which are left out, the first of `unexpected_count`
    - `unchecked`: why the keys could not be compared here; null where they were
    """

    loaded_by: str
    tensors: int = 0
    parameters: int = 0
    by_dtype: dict[str, int] = {}
    bytes_by_dtype: dict[str, int] = {}
    header_bytes: int = 0
    unexpected: tuple[str, ...] = ()
    unexpected_count: int = 0
    unchecked: str | None = None


def keys(context: Context) -> Keys:
    """Compare the keys; Diagnosed where one is missing or of another shape, or a shard is damaged."""
    found, asked = context.found, context.configuration.model
    assert found.access is not None
    assert found.size is not None
    repository, weights = found.access.model, found.size.weights
    if weights.format != SAFE:
        return Keys(loaded_by="", unchecked="pickled weights have no header that could be read")
    count = len(weights.files)
    headers = read_headers(
        repository, weights.files, weights.keys, lambda done: context.progress("reading headers", done, count)
    )
    context.progress("comparing keys", None, None)
    with tempfile.TemporaryDirectory(prefix="hfci-keys-") as folder:
        _write(Path(folder), repository, asked.subfolder, headers)
        loaded_by, info, unchecked = _load(Path(folder), context)
    judge(info)
    unexpected = sorted(info.get("unexpected_keys", ()))
    tensors = [tensor for header in headers for tensor in header.tensors.values()]
    return Keys(
        loaded_by=loaded_by,
        tensors=len(tensors),
        parameters=sum(math.prod(tensor.shape) for tensor in tensors),
        by_dtype=_summed((tensor.dtype, math.prod(tensor.shape)) for tensor in tensors),
        bytes_by_dtype=_summed((tensor.dtype, tensor.data_offsets[1] - tensor.data_offsets[0]) for tensor in tensors),
        header_bytes=sum(len(header.content) for header in headers),
        unexpected=tuple(unexpected[:SHOWN]),
        unexpected_count=len(unexpected),
        unchecked=unchecked,
    )


def _write(folder: Path, repository: Repository, subfolder: str, headers: list[Header]) -> None:
    """Write a checkpoint into `folder` that has no numbers: the configuration, code of its own, and sparse weights."""
    prefix = in_subfolder(subfolder, "")
    code = [file.name for file in repository.files if file.name.endswith(".py")]
    for name in (f"{prefix}config.json", *code):
        target = folder / name.removeprefix(prefix)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(fetch(repository, name), target)
    write_sparse(headers, folder)


def _load(folder: Path, context: Context) -> tuple[str, dict[str, Any], str | None]:
    """Return the class that loaded the sparse checkpoint, what it said of its keys, and why it could not be loaded."""
    import torch
    import transformers
    from transformers.utils.import_utils import is_accelerate_available

    asked = context.configuration.model
    arguments = from_pretrained_arguments(context.configuration)
    for name in ("revision", "subfolder", "device_map", "offload_folder", "tp_plan"):  # it lies here, on meta
        arguments.pop(name, None)
    for name in ("attn_implementation", "dtype"):  # no key depends on them; `rehearsal` tries them
        arguments.pop(name, None)
    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=asked.trust_remote_code)
    auto_class = model_class(config, asked)
    if not is_accelerate_available():
        return auto_class.__name__, {}, "transformers does it with accelerate, which is not installed"
    is_quantised = "quantization_config" in arguments or getattr(config, "quantization_config", None) is not None
    try:
        _, info = auto_class.from_pretrained(
            folder, device_map="meta", output_loading_info=True, ignore_mismatched_sizes=True, **arguments
        )
    except Exception as error:
        # A method that needs a device of the evaluation's can be asked of that device alone.
        if is_quantised and not torch.accelerator.is_available():
            return auto_class.__name__, {}, f"its quantisation cannot be tried here: {error}"[:300]
        raise
    return auto_class.__name__, dict(info), None


def judge(info: dict[str, Any]) -> None:
    """Raise Diagnosed where keys are missing, or have other shapes."""
    missing = sorted(info.get("missing_keys", ()))
    mismatched = [
        f"{key}: {tuple(stored)} stored, {tuple(own)} in the model"
        for key, stored, own in sorted(info.get("mismatched_keys", ()))
    ]
    if missing or mismatched:
        what = " and ".join(
            f"{len(names)} {word} (first {names[0]})"
            for word, names in (("missing", missing), ("of another shape", mismatched))
            if names
        )
        lines = [
            *(f"missing: {key}" for key in missing),
            *mismatched,
            *(f"unexpected: {key}" for key in sorted(info["unexpected_keys"])),
        ]
        raise Diagnosed("weights_do_not_match", "\n".join(lines), what=what)


def _summed(pairs: Any) -> dict[str, int]:
    sums: dict[str, int] = {}
    for name, count in pairs:
        sums[name] = sums.get(name, 0) + count
    return sums
