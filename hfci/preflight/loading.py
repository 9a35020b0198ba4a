"""Loading a checkpoint as the evaluation does, by the very arguments, onto the device that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hfci.errors import in_one_line
from hfci.preflight.configuration import Configuration, from_pretrained_arguments, tokenizer_arguments
from hfci.preflight.diagnosis import Diagnosed, diagnose
from hfci.preflight.model_class import model_class

__all__ = ["Loaded", "device_of", "is_text_generator", "load_model", "load_tokenizer"]

# The auto classes whose models lm-evaluation-harness has read texts and go on with them.
_TEXT = ("AutoModelForCausalLM", "AutoModelForSeq2SeqLM")


@dataclass(frozen=True)
class Loaded:
    """A model that was loaded, by which auto class, from where, and what transformers said of its keys."""

    model: Any
    loaded_by: str
    place: str
    commit: str | None
    info: dict[str, Any]


def device_of(configuration: Configuration) -> str:
    """Return the device that the configuration means: the one asked for, or the first that is there."""
    import torch

    performance = configuration.performance
    if performance.device is not None:
        return performance.device
    return "cuda" if performance.num_gpus != 0 and torch.cuda.is_available() else "cpu"


def load_model(configuration: Configuration, place: str, commit: str | None, **instead: Any) -> Loaded:
    """Return the model that lies at `place`, a repository or a folder; `instead` are arguments in place of its own.

    An argument that is None there is left out. Raises what transformers raises.
    """
    from transformers import AutoConfig

    asked = configuration.model
    given = {**from_pretrained_arguments(configuration, commit), **instead}
    arguments = {name: value for name, value in given.items() if value is not None}
    where = {name: arguments[name] for name in ("revision", "subfolder", "trust_remote_code") if name in arguments}
    cls = model_class(AutoConfig.from_pretrained(place, **where), asked)
    model, info = cls.from_pretrained(place, **arguments, output_loading_info=True)
    if "device_map" not in arguments:
        model = model.to(device_of(configuration))
    return Loaded(model.eval(), cls.__name__, place, commit, info)


def load_tokenizer(configuration: Configuration, place: str, commit: str | None) -> Any:
    """Return the tokenizer that lies at `place`; Diagnosed as `tokenizer_broken` where its files make none."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(place, **tokenizer_arguments(configuration, commit))
    except Exception as error:
        if diagnose(error, "rehearsal", {"model": place, "revision": "", "endpoint": ""}).code != "unexpected":
            raise
        name = configuration.model.tokenizer or configuration.model.name
        raise Diagnosed("tokenizer_broken", repr(error), tokenizer=name, why=in_one_line(error)) from error


def is_text_generator(loaded: Loaded) -> bool:
    """Tell whether it is one of those that lm-evaluation-harness evaluates."""
    return loaded.loaded_by in _TEXT and bool(loaded.model.can_generate())
