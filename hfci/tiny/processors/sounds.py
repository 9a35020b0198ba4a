"""Feature extractors of sounds, of the sizes that the tiny model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hfci.catalog import registries
from hfci.tiny.inputs.audio import BINS
from hfci.tiny.inputs.context import look_up
from hfci.tiny.processors.arguments import declared, typed_arguments
from hfci.tiny.processors.images import fed
from hfci.tiny.processors.settings import settings_of

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["build_feature_extractor"]

_LISTENER = "audio_config|audio_encoder|encoder_config|acoustic_tokenizer_encoder_config"
# Arguments that say how many bins a spectrogram has.
_BINS = ("feature_size", "num_mel_bins")
# A sound that is always as long as the model's whole input lasts at most so many seconds.
_LONGEST = 60


def build_feature_extractor(cls: type[Any], tiny: TinyModel) -> Any:
    """Return a `cls` whose spectrogram has the bins, and where its length is fixed the frames, that `tiny` takes.

    An argument has what a row of settings gives it, else what the configuration has under its name. Raises what the
    class raises, ImportError where it needs a package that is absent.
    """
    with registries.quiet():
        other, fixed = settings_of(cls, tiny.model_type)
        known = typed_arguments(cls) | other
        listener = look_up(tiny.config, _LISTENER, tiny.config)
        arguments = other | {
            name: value
            for name, default in known.items()
            if type(default) is int
            and name not in (*_BINS, "chunk_length")
            and (value := declared(name, default, listener, tiny.config)) is not None
        }
        features = fed(tiny).get("input_features")
        bins = look_up(listener, BINS) or look_up(tiny.config, BINS)
        if bins is not None and features is not None and "audio_samples_per_token" not in known:
            told = [name for name in _BINS if known.get(name, 1) > 1]  # one is of waveforms: their channels
            arguments |= dict.fromkeys(told, bins // (known.get("stride") or 1))
        if "chunk_length" in known and features is not None:
            rate = arguments.get("sampling_rate", known["sampling_rate"])
            arguments |= _of_a_fixed_length(rate, frames=_frames(features.shape[1:], bins))
        return cls(**arguments | fixed)


def _frames(shape: tuple[int, ...], bins: int) -> int:
    """Return how many frames a spectrogram of this shape has, whichever of its dimensions has the bins."""
    return next((size for size in shape if size != bins), bins)


def _of_a_fixed_length(rate: int, frames: int) -> dict[str, int]:
    """Return the fewest whole seconds, and the samples from frame to frame, that make so many frames."""
    seconds = next(seconds for seconds in range(1, _LONGEST) if rate * seconds % frames == 0)
    return {"chunk_length": seconds, "hop_length": rate * seconds // frames}
