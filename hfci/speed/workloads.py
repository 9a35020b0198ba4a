"""The workloads of a tiny model: its forward, and what generate does first and then for each token."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from transformers import LogitsProcessor

from hfci.backends.registry import find_backend
from hfci.checks.generation import Told, generating, write
from hfci.checks.made_by_backend import making
from hfci.checks.running import copied
from hfci.checks.sequences import ordinary_of
from hfci.speed.timing import Workload
from hfci.tiny.devices import Device
from hfci.tiny.inputs.context import configs

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["FORWARD", "Amount", "amount_of", "compiled_forward", "forward", "generation", "rows_of"]

FORWARD, PREFILL, DECODE = "forward", "prefill", "decode"

# Tokens that generate writes: of each but the first the time is taken.
_NEW_TOKENS = 9

# What an input is counted in, the first that a model is given: how it is counted of the shape of a batch.
_TOKENS = ("input_ids", "inputs_embeds", "decoder_input_ids")
_IMAGES = ("pixel_values", "flattened_patches")
_VIDEOS = ("pixel_values_videos",)
_SOUNDS = ("input_values", "input_features", "audio_values", "input_audio")

# Of sounds whose configuration says nothing else; a frame of a spectrogram is 10 ms, as hfci's own inputs are.
_SAMPLES_A_SECOND, _FRAME_S = 16_000, 0.01


class Amount(NamedTuple):
    """How much there is of something."""

    number: float
    unit: str


def rows_of(inputs: Mapping[str, Any]) -> int:
    """Return the size of a batch."""
    return next((len(value) for value in inputs.values() if isinstance(value, Tensor) and value.dim()), 1)


def amount_of(tiny: TinyModel, inputs: Mapping[str, Any]) -> Amount:
    """Return how much a forward of `inputs` works through: of what its class says is its main input, or its rows."""
    main = getattr(tiny.model, "main_input_name", "")
    given = [name for name in (main, *_SOUNDS, *_IMAGES, *_VIDEOS, *_TOKENS) if isinstance(inputs.get(name), Tensor)]
    rows = rows_of(inputs)
    for name in given:
        shape = inputs[name].shape
        if name in _TOKENS:
            return Amount(math.prod(shape[:2]), "tokens")
        if name in (*_IMAGES, *_VIDEOS):
            return Amount(rows, "images" if name in _IMAGES else "videos")
        if name in _SOUNDS:
            return Amount(_seconds_of(tiny, name, shape), "seconds of audio")
    return Amount(rows, "rows")


def _seconds_of(tiny: TinyModel, name: str, shape: torch.Size) -> float:
    """Return how long sounds are in all: samples are behind one another, frames beside their bins, which are fewer."""
    if name == "input_features" or (len(shape) == 3 and min(shape[1:]) > 2):
        return shape[0] * max(shape[1:]) * _FRAME_S
    rates = (getattr(part, field, None) for part in configs(tiny.config) for field in ("sampling_rate", "sample_rate"))
    return shape[0] * shape[-1] / next((rate for rate in rates if isinstance(rate, int)), _SAMPLES_A_SECOND)


def forward(tiny: TinyModel, device: Device) -> Workload:
    """Return a forward of two rows, without gradients."""
    inputs = tiny.inputs()

    @torch.no_grad()
    def run() -> Mapping[str, float]:
        began = device.seconds()
        tiny.forward(inputs)
        return {FORWARD: device.seconds() - began}

    return run


def compiled_forward(tiny: TinyModel, compiler: str, device: Device) -> Workload:
    """Return the same, compiled by a backend of torch.compile, at its first call. Raises StageError, then too."""
    other = copied(tiny)
    inputs = other.inputs()
    made = making(other, find_backend(compiler), inputs, first="compile")

    @torch.no_grad()
    def run() -> Mapping[str, float]:
        began = device.seconds()
        made(inputs)
        return {FORWARD: device.seconds() - began}

    return run


class _Steps(LogitsProcessor):
    """Notes when each step of generate has its logits; chooses what `told` does."""

    def __init__(self, told: Told, device: Device) -> None:
        self.told, self.device = told, device
        self.noted: list[float] = []

    def __call__(self, tokens: Tensor, scores: Tensor) -> Tensor:
        """Return what `told` returns."""
        self.noted.append(self.device.seconds())
        chosen: Tensor = self.told(tokens, scores)
        return chosen


def generation(tiny: TinyModel, device: Device) -> Workload:
    """Return generate with its cache, of two rows: until it has the first logits, and for each token after that.

    Raises NotApplicable where it generates in a way of its own.
    """
    other = copied(generating(tiny))
    inputs, ordinary = other.inputs(), ordinary_of(other)

    def run() -> Mapping[str, float]:
        watch = _Steps(Told(ordinary), device)
        began = device.seconds()
        write(other, inputs, watch, on_copy=False, use_cache=True, max_new_tokens=_NEW_TOKENS)
        steps = [later - earlier for earlier, later in zip(watch.noted, watch.noted[1:], strict=False)]
        if not steps:
            raise ValueError("generate asks for one token only")
        return {PREFILL: watch.noted[0] - began, DECODE: statistics.median(steps)}

    return run
