"""Sound: a waveform, or the spectrogram that a feature extractor makes of one."""

from __future__ import annotations

import math
from typing import Any

import torch

from hfci.catalog import registries
from hfci.tiny.inputs.context import Context

__all__ = ["BINS", "FRAME_MASKS", "spectrogram_inputs", "waveform_inputs"]

_SAMPLES = 2560  # whole frames of 5, 10 and 20 ms at 16 kHz
_FRAMES = 64
_SAMPLES_PER_FRAME = 160  # 10 ms
# Masks of frames and of samples: all of them are sound.
FRAME_MASKS = ("feature_attention_mask", "input_features_mask")
BINS = (
    "num_mel_bins|feature_size|n_mels|mel_dim|input_feat_per_channel|input_feat_size|input_dim|"
    "feature_projection_input_dim"
)


def _first_layer(context: Context, *kinds: type[Any]) -> Any:
    """Return the first layer of one of `kinds`: the one that sees the sound."""
    return next((module for module in context.model.modules() if isinstance(module, kinds)), None)


def waveform_inputs(context: Context) -> dict[str, Any]:
    """Return `input_values`: (1, samples); for a codec (1, channels, samples); for patches (1, frames, bins).

    A codec's first convolution is over time and sees the channels; one over a plane sees patches of a spectrogram.
    """
    listener = context.listener("input_values")
    inputs = {"input_values": listener.normal("input_values", *_waveform_shape(listener, context))}
    for mask in ("padding_mask", "attention_mask"):
        if mask in context.required:
            inputs[mask] = torch.ones(1, inputs["input_values"].shape[-1], dtype=torch.long)
    return inputs


def _waveform_shape(listener: Context, context: Context) -> tuple[int, ...]:
    first = _first_layer(listener, torch.nn.Conv1d, torch.nn.Conv2d)
    if isinstance(first, torch.nn.Conv2d):
        return 1, listener.find("max_length", _FRAMES), listener.find("num_mel_bins", 80)
    samples = max(_SAMPLES, 8 * _hop(context), _reach(context))
    if context.find("codebook_size|codebook_dim|upsampling_ratios|downsampling_ratios") is not None:
        return 1, context.find("audio_channels|channels", 1), samples
    return 1, samples


def _reach(context: Context) -> int:
    """Return how many samples a speaker's vector is made of: twice what its time-delay layers see; 0 without those."""
    if "FOR_AUDIO_XVECTOR" not in registries.tables_of_class(type(context.model).__name__):
        return 0
    layers = zip(context.find("tdnn_kernel"), context.find("tdnn_dilation"), strict=True)
    frames = 1 + sum((kernel - 1) * dilation for kernel, dilation in layers)
    samples: int = 2 * frames * math.prod(context.find("conv_stride"))
    return samples


def _hop(context: Context) -> int:
    """Return how many samples a codec's frame has, 1 for a model without strides."""
    hop = context.find("hop_length")
    strides = context.find("downsampling_ratios|upsampling_ratios|patch_sizes", ())
    return hop if isinstance(hop, int) else math.prod(strides)


def spectrogram_inputs(context: Context) -> dict[str, Any]:
    """Return `input_features` and masks of its frames.

    (1, bins, frames) where a convolution reads the bins as channels; (1, frames, width) where the first layer is
    linear, of as many bins, or frames side by side, as it reads; else (1, frames, bins).
    """
    listener = context.listener("input_features")
    shape = _spectrogram_shape(listener)
    if "input_values" in context.made:  # of the same sound
        shape = (1, context.made["input_values"].shape[-1] // _hop(context), shape[2])
    inputs = {"input_features": listener.normal("input_features", *shape)}
    frames = shape[2] if _is_bins_first(listener) else shape[1]
    for mask in FRAME_MASKS:
        if mask in context.parameters:
            inputs[mask] = torch.ones(1, frames, dtype=torch.long)
    if "padding_mask" in context.required:
        inputs["padding_mask"] = torch.ones(1, frames * _SAMPLES_PER_FRAME, dtype=torch.long)
    return inputs


def _is_bins_first(listener: Context) -> bool:
    first = _first_layer(listener, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Linear)
    return isinstance(first, torch.nn.Conv1d) and first.in_channels == listener.find(BINS, 80)


def _spectrogram_shape(listener: Context) -> tuple[int, int, int]:
    first = _first_layer(listener, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Linear)
    bins = listener.find(BINS, 80)
    if _is_bins_first(listener):
        positions = listener.find("max_source_positions")
        return 1, bins, positions * first.stride[0] * 2 if isinstance(positions, int) else _FRAMES
    if isinstance(first, torch.nn.Linear):
        return 1, _FRAMES, first.in_features
    return 1, _FRAMES, bins
