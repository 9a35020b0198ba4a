"""Running a tiny model's forward for a check: without gradients, from a known random state."""

from __future__ import annotations

import dataclasses
import inspect
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from hfci.catalog.facts import forward_parameters
from hfci.checks.tensors import named_tensors
from hfci.tiny.copying import copy_of
from hfci.tiny.inputs.context import configs
from hfci.tiny.random_numbers import seed_generators

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = [
    "NO_SPEC_AUGMENT",
    "copied",
    "discard_derived_state",
    "discard_recorders",
    "outputs_of",
    "outside_cache",
    "rebuilt",
    "reference",
    "reference_forward",
    "run",
    "seeded",
    "set_everywhere",
]


# SpecAugment masks parts of a sound in train mode, and refuses one that is shorter than its masks.
NO_SPEC_AUGMENT = {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}


@contextmanager
def seeded(tiny: TinyModel) -> Iterator[None]:
    """Seed every generator the model may draw from, and give each its old state back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()
    kind = tiny.device.type
    there = {"devices": [tiny.device], "device_type": kind} if kind not in ("cpu", "xla") else {"devices": []}
    with torch.random.fork_rng(**there):
        seed_generators(tiny.seed, tiny.device)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def discard_derived_state(model: nn.Module) -> None:
    """Make the model forget what it derived from its parameters and keeps: levit's biases, omdet-turbo's embeddings.

    What is kept in eval mode goes with that mode. What is kept in an object of a class of its own (a cache of embedded
    texts) goes when that object is made anew, of the same arguments. Of a tensor that is kept from forward to forward
    (recurrent_gemma's states) only its graph goes.
    """
    model.train()
    model.eval()
    for module in model.modules():
        for name, value in list(vars(module).items()):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                setattr(module, name, value.detach())
            elif type(value).__module__ == type(module).__module__ and not dataclasses.is_dataclass(value):
                arguments = inspect.signature(type(value)).parameters
                if all(hasattr(value, argument) for argument in arguments):
                    setattr(module, name, type(value)(**{argument: getattr(value, argument) for argument in arguments}))


def copied(tiny: TinyModel) -> TinyModel:
    """Return `tiny` with a copy of its model: what is derived from parameters, with its graph, cannot be copied.

    Its inputs are made before, not of the copy: to make them may have a model keep what it works out for them.
    """
    tiny.inputs()
    discard_derived_state(tiny.model)
    other = dataclasses.replace(tiny, model=copy_of(tiny.model))
    other.reuse_inputs(tiny)
    return other


def discard_recorders(model: nn.Module) -> None:
    """Take out the hooks by which transformers records outputs; it puts them in again when they are asked for.

    It does so twice where a part was asked before the whole, and from then on records each layer twice (5.24.0,
    utils/output_capturing.py: phi4_multimodal's forward stops). No check may depend on what was asked before it.
    """
    for module in model.modules():
        vars(module).pop("_output_capturing_hooks_installed", None)
        for key, hook in list(module._forward_hooks.items()):
            if getattr(hook, "__module__", None) == "transformers.utils.output_capturing":
                del module._forward_hooks[key]


def set_everywhere(model: nn.Module, **fields: Any) -> None:
    """Set fields of each configuration within a model that has them."""
    for module in model.modules():
        for part in configs(module.config) if isinstance(module, PreTrainedModel) else ():
            for name, value in fields.items():
                if hasattr(part, name):
                    setattr(part, name, value)


def run(tiny: TinyModel, inputs: Mapping[str, Any] | None = None, **overrides: Any) -> Any:
    """Return what one forward gives, without gradients, from the tiny model's seed; arguments as `TinyModel.forward`'s.

    Raises StageError (`forward`).
    """
    arguments = tiny.inputs() if inputs is None else inputs  # some draw, which must not change what the forward draws
    with torch.no_grad(), seeded(tiny):
        return tiny.forward(arguments, **overrides)


def outputs_of(tiny: TinyModel, inputs: dict[str, Any] | None = None, *, seed: bool = True) -> dict[str, Tensor]:
    """Run one forward without gradients and return its tensors by name.

    Unless `seed` is false it starts from the tiny model's seed: a forward that draws random numbers is what
    `forward_is_deterministic` looks for, and must not turn the other checks red.
    """
    if seed:
        return named_tensors(run(tiny, inputs))
    with torch.no_grad():
        return named_tensors(tiny.forward(inputs))


def reference(tiny: TinyModel) -> dict[str, Tensor]:
    """Return `outputs_of(tiny)`, run once for all the checks that ask. Its tensors are nobody's to change.

    They are clones: a model may return its own buffers, which another forward would change.
    """
    if tiny.reference is None:
        tiny.forwarded = run(tiny)
        tiny.reference = {name: tensor.clone() for name, tensor in named_tensors(tiny.forwarded).items()}
    return dict(tiny.reference)


def outside_cache(tiny: TinyModel, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return those of the outputs of `tiny` that are in no cache."""
    cache = forward_parameters(type(tiny.model)).get("cache")
    return {name: tensor for name, tensor in outputs.items() if re.split(r"[.\[]", name)[0] != cache}


def reference_forward(tiny: TinyModel, **overrides: Any) -> Any:
    """Return what a forward gives, as `run` does: the one of `reference`, if there are no `overrides`.

    That is for looking at fields and shapes; later forwards may change its numbers.
    """
    if overrides:
        return run(tiny, **overrides)
    reference(tiny)
    return tiny.forwarded


def rebuilt(tiny: TinyModel, config: Any, **options: Any) -> TinyModel:
    """Return `tiny` with a model of its class built anew by `config`, with its weights; `options` are `_from_config`'s.

    What was done to a model after it was built is not done to that one.
    """
    discard_derived_state(tiny.model)  # what is derived from parameters is not among those that are loaded
    with torch.random.fork_rng(devices=[]):
        model = type(tiny.model)._from_config(config, **options)
    model.load_state_dict(tiny.model.state_dict())
    return dataclasses.replace(tiny, model=model.to(tiny.device).eval())
