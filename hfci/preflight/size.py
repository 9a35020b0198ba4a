"""The stage `size`: parameters and bytes by what the Hub says of a repository, and what is to be downloaded."""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from hfci.errors import in_one_line, nearest
from hfci.preflight.configuration import quantization
from hfci.preflight.diagnosis import Diagnosed
from hfci.preflight.memory import Memory, memory_of
from hfci.preflight.repository import File, Repository, cached, read_json
from hfci.preflight.sizes import BYTES, shortly
from hfci.preflight.weights import Weights, in_subfolder, weights_of
from hfci.releases.first_releases import first_release

if TYPE_CHECKING:
    from hfci.preflight.stages import Context

__all__ = ["Size", "files_of_stages", "needed_files", "size"]

# The deepest models that are published have some hundreds.
MOST_LAYERS = 10_000

# What may be loaded beside the weights: configurations, tokenizers, processors, chat templates, code.
BESIDE = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken", "*.py", "*.spm", "*.bpe")
NOT_BESIDE = ("*.index.json", "model.safetensors*", "pytorch_model*")


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What `size` finds.

    - `model_type`, `architectures`, `stored_dtype`, `quantization`: what the checkpoint's configuration says
    - `parameters`: numbers stored, null where only the headers of the weights can tell; `by_dtype`: of each dtype
    - `weight_bytes`: of the files that hold the weights; `weights`: those files
    - `asked_dtype`, `asked_bytes`: what the weights become with the dtype that was asked for, if they were quantised
      without that; null where nobody knows
    - `download_bytes`, `download_files`: what is not here yet; `cached_bytes`: what is
    - `disk`, `free_bytes`: where it goes, and what is free there
    - `memory`: what the evaluation will take of that; null where it cannot be predicted: `memory_unknown` says why
    """

    model_type: str
    architectures: tuple[str, ...]
    stored_dtype: str | None
    quantization: str | None
    parameters: int | None
    by_dtype: dict[str, int]
    weight_bytes: int
    weights: Weights
    asked_dtype: str
    asked_bytes: int | None
    download_bytes: int
    download_files: tuple[str, ...]
    cached_bytes: int
    disk: str
    free_bytes: int
    memory: Memory | None = None
    memory_unknown: str | None = None


def size(context: Context) -> Size:
    """Add up what there is to be loaded; Diagnosed where it will not do, or the disk is too small."""
    assert context.found.access is not None
    asked, repository = context.configuration.model, context.found.access.model
    config = read_json(repository, in_subfolder(asked.subfolder, "config.json"))
    model_type = _known_type(config, repository, trusts=asked.trust_remote_code)
    weights = weights_of(repository, asked.subfolder, safetensors_only=asked.use_safetensors)
    by_dtype = dict(repository.elements or {})
    stored = _text(config, "dtype") or _text(config, "torch_dtype")
    dtype = (stored or "float32") if asked.dtype == "auto" else asked.dtype
    parameters = sum(by_dtype.values()) or None
    quantised = config.get("quantization_config")
    _same_method(quantised, quantization(asked), repository)
    weight_bytes = sum(file.size for file in weights.files)
    needed = _needed(context, weights)
    missing = [file for owner, file in needed if not cached(owner, file)]
    download = sum(file.size for file in missing)
    disk, free = _disk()
    if download > free:
        raise Diagnosed("disk_too_small", needed=shortly(download), free=shortly(free), place=str(disk))
    is_quantised = isinstance(quantised, dict)
    memory, why_not = _memory(context, config, model_type, dtype, weight_bytes if is_quantised else None)
    # Of packed weights nobody counts the parameters but the architecture itself.
    counted = parameters if not is_quantised else memory.parameters if memory is not None else None
    return Size(
        model_type=model_type,
        architectures=tuple(name for name in config.get("architectures") or () if isinstance(name, str)),
        stored_dtype=stored,
        quantization=str(quantised.get("quant_method", "unnamed")) if isinstance(quantised, dict) else None,
        parameters=parameters,
        by_dtype=by_dtype,
        weight_bytes=weight_bytes,
        weights=weights,
        asked_dtype=dtype,
        asked_bytes=None if counted is None else int(counted * BYTES[dtype]),
        download_bytes=download,
        download_files=tuple(file.name for file in missing),
        cached_bytes=sum(file.size for _, file in needed) - download,
        disk=str(disk),
        free_bytes=free,
        memory=memory,
        memory_unknown=why_not,
    )


def _memory(
    context: Context, config: dict[str, Any], model_type: str, dtype: str, stored: int | None
) -> tuple[Memory | None, str | None]:
    """Return the memory that the evaluation takes, or why nobody knows; Diagnosed where there is not so much."""
    from hfci.catalog.registries import config_class, model_type_names

    if model_type not in model_type_names():
        return None, "the architecture is code of the repository, which has not been fetched yet"
    context.progress("predicting memory", None, None)
    kind: Any = config_class(model_type)
    _require_layers(config, context.configuration.model.name)
    try:
        made = kind.from_dict(config)
    except ImportError:
        raise
    except Exception as error:
        name = context.configuration.model.name
        problem = f"config.json of {name} makes no {kind.__name__}: {in_one_line(error)}".rstrip(".")
        raise Diagnosed("config_invalid", repr(error), problem=problem) from error
    return memory_of(context.configuration, made, dtype, stored)


def _require_layers(config: Mapping[str, Any], model: str) -> None:
    """Raise Diagnosed where there would be so many layers that what is kept of each would fill the memory."""
    from hfci.tiny.shrink import counts_layers

    for name, value in config.items():
        if isinstance(value, dict):
            _require_layers(value, model)
        elif isinstance(value, int) and value > MOST_LAYERS and counts_layers(name):
            raise Diagnosed("config_invalid", problem=f"{name} in config.json of {model} is {value:,}")


def files_of_stages(context: Context) -> list[tuple[Repository, File]]:
    """Return every file that is needed, with the repository it is of, once `size` has passed."""
    assert context.found.size is not None
    return _needed(context, context.found.size.weights)


def needed_files(repository: Repository, subfolder: str, weights: Weights | None) -> list[tuple[Repository, File]]:
    """Return the files that are loaded: the weights, and what stands beside them in the same folder."""
    prefix = in_subfolder(subfolder, "")
    names = {*(file.name for file in weights.files), weights.index} if weights is not None else set()
    return [(repository, file) for file in repository.files if file.name in names or _is_beside(file.name, prefix)]


def _is_beside(path: str, prefix: str) -> bool:
    name = path.removeprefix(prefix)
    if not path.startswith(prefix) or ("/" in name and not name.startswith("additional_chat_templates/")):
        return False
    return any(fnmatch.fnmatch(name, each) for each in BESIDE) and not any(
        fnmatch.fnmatch(name, each) for each in NOT_BESIDE
    )


def _needed(context: Context, weights: Weights) -> list[tuple[Repository, File]]:
    """Return all files that are loaded, those of a tokenizer with a repository of its own too."""
    access, asked = context.found.access, context.configuration.model
    assert access is not None
    own = needed_files(access.model, asked.subfolder, weights)
    return own if access.tokenizer == access.model else [*own, *needed_files(access.tokenizer, "", None)]


def _same_method(stored: Any, asked: Mapping[str, Any] | None, repository: Repository) -> None:
    """Raise Diagnosed where weights that are quantised already are asked for in another quantisation."""
    methods = [method.get("quant_method") for method in (stored, asked) if isinstance(method, dict)]
    if len(methods) == 2 and methods[0] != methods[1]:
        problem = f"{repository.name} is quantised with {methods[0]}, and {methods[1]} is asked for"
        raise Diagnosed("config_invalid", problem=problem)


def _known_type(config: Mapping[str, Any], repository: Repository, *, trusts: bool) -> str:
    """Return the model type, which transformers must know; or the repository's own code, which must be trusted."""
    from transformers import __version__

    from hfci.catalog.registries import model_type_names

    model_type = _text(config, "model_type")
    is_remote = isinstance(config.get("auto_map"), dict)
    if model_type is None and not is_remote:
        problem = f"config.json of {repository.name} has no model_type"
        raise Diagnosed("config_invalid", problem=problem)
    if model_type in model_type_names() or (is_remote and trusts):
        return model_type or ""
    near = f"model_type {model_type!r:.80}.{nearest(str(model_type), model_type_names())}"
    raise Diagnosed(
        "architecture_unknown",
        near,
        model_type=str(model_type),
        transformers=__version__,
        mend=_mend(str(model_type), is_remote=is_remote),
    )


def _mend(model_type: str, *, is_remote: bool) -> str:
    """Return what makes `model_type` known."""
    if (release := first_release(model_type)) is not None:
        return f"It is in transformers since {release}: run `pip install 'transformers>={release}'`"
    if is_remote:
        return "Its code is in the repository: read it, then set trust_remote_code"
    return "Check the model_type in config.json; a transformers newer than this hfci may know it"


def _text(config: Mapping[str, Any], name: str) -> str | None:
    value = config.get(name)
    return value.removeprefix("torch.") if isinstance(value, str) else None


def _disk() -> tuple[Path, int]:
    """Return where the cache is, and how many bytes are free there."""
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE).expanduser()
    there = next(path for path in (cache, *cache.parents) if path.is_dir())
    return cache, shutil.disk_usage(there).free
