"""A tiny twin of a checkpoint: its own configuration made tiny, beside its own tokenizer, templates and code.

Every setting is the checkpoint's, whatever is no size; the vocabulary and what its processors make stay as they are.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hfci.preflight.configuration import Model
from hfci.preflight.diagnosis import Diagnosed
from hfci.preflight.model_class import model_class
from hfci.preflight.repository import Repository, fetch
from hfci.preflight.size import needed_files
from hfci.preflight.sizes import bytes_of_model, shortly
from hfci.preflight.weights import in_subfolder
from hfci.process_memory import available_memory

__all__ = ["copy_beside", "make_twin"]

# More tokens than any vocabulary has.
_ALL_TOKENS = 1 << 40
_CONFIG = "config.json"


def copy_beside(repository: Repository, subfolder: str, folder: Path) -> None:
    """Copy into `folder` what stands beside the weights: configurations, tokenizer, templates, code."""
    prefix = in_subfolder(subfolder, "")
    for owner, file in needed_files(repository, subfolder, None):
        target = folder / file.name.removeprefix(prefix)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(fetch(owner, file.name), target)


def _require_room(cls: Any, config: Any, *, trusts: bool) -> None:
    """Raise Diagnosed where the twin itself, which keeps the vocabulary, would not fit into the memory."""
    import torch

    from hfci.preflight.architecture import build_empty

    try:
        needed = bytes_of_model(build_empty(cls, config, torch.float32, trust_remote_code=trusts))
    except Diagnosed:
        raise
    except Exception:  # code of the repository may need numbers; what is wrong with it is seen when it is made
        return
    has = available_memory()
    if has is not None and needed > has:
        fits = "a configuration with a vocabulary that somebody uses"
        raise Diagnosed("memory_too_small", needed=shortly(needed), has=shortly(has), fits=fits)


def make_twin(folder: Path, asked: Model) -> Any:
    """Make of the files in `folder`, as `copy_beside` leaves them, a checkpoint that `from_pretrained` loads.

    Returns the configuration of the checkpoint itself. Its quantisation is left out of the twin's: numbers that were
    never quantised cannot be loaded as such.
    """
    import torch
    from transformers import AutoConfig

    from hfci.tiny.shrink import shrink

    config = AutoConfig.from_pretrained(folder, trust_remote_code=asked.trust_remote_code)
    data = config.to_dict()
    data.pop("quantization_config", None)
    names = config.architectures or [None]
    twin = type(config).from_dict(shrink(data, names[0], vocabulary=_ALL_TOKENS, as_fed=True))
    twin.architectures = config.architectures
    _require_room(model_class(config, asked), twin, trusts=asked.trust_remote_code)
    own = {path: path.read_bytes() for path in folder.glob("*.json") if path.name != _CONFIG}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = model_class(config, asked).from_config(twin, trust_remote_code=asked.trust_remote_code)
    model.save_pretrained(folder)
    for path, content in own.items():  # saving writes a generation config, among others
        path.write_bytes(content)
    return config
