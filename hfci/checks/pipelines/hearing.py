"""The tasks that hear a sound, or make one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from hfci.checks.pipelines.comparing import difference
from hfci.checks.pipelines.forms import entries, largest, probabilities, probable, ranked, top
from hfci.checks.pipelines.media import sounds
from hfci.checks.pipelines.serving import Parameter, Served, Task
from hfci.checks.pipelines.text import TEXTS

__all__ = ["HEARING_TASKS"]

_CANDIDATES = ["a dog", "rain"]
_NEW = 4

# What a transducer says twice it has heard twice.
_GROUPING = {"tdt": {"group_tokens": False}}


def _sounds(served: Served) -> list[Any]:
    return sounds(served.pipe.feature_extractor.sampling_rate)


def _inputs(served: Served, sound: Any) -> dict[str, Any]:
    extractor = served.pipe.feature_extractor
    made = extractor(sound, sampling_rate=extractor.sampling_rate, return_tensors="pt")
    return {name: tensor.to(served.tiny.device) for name, tensor in made.items()}


# audio-classification


def _classes(_: Served, __: Any, output: Any) -> Iterator[str]:
    yield from entries(output, {"label": str, "score": float})
    yield from probabilities([one["score"] for one in output])
    yield from ranked([one["score"] for one in output])


def _of_largest_logit(served: Served, given: Any, output: Any) -> Iterator[str]:
    with torch.no_grad():
        logits = served.tiny.model(**_inputs(served, given)).logits[0]
    yield from largest("the first label", output[0]["label"], dict(zip(served.labels, logits.tolist(), strict=True)))
    yield from probable(output, dict(zip(served.labels, logits.softmax(-1).tolist(), strict=True)))


def _candidates(_: Served, __: Any, output: Any) -> Iterator[str]:
    yield from entries(output, {"score": float, "label": str})
    if sorted(one["label"] for one in output) != sorted(_CANDIDATES):
        yield f"it gives {', '.join(one['label'] for one in output)}"
    yield from ranked([one["score"] for one in output])
    yield from probabilities([one["score"] for one in output], of_all=True)


def _of_pairs(served: Served, given: Any, output: Any) -> Iterator[str]:
    words = served.pipe.tokenizer(
        [f"This is a sound of {label}." for label in _CANDIDATES], return_tensors="pt", padding=True
    )
    with torch.no_grad():
        logits = served.tiny.model(**words, **_inputs(served, given)).logits_per_audio[0]
    yield from probable(output, dict(zip(_CANDIDATES, logits.softmax(-1).tolist(), strict=True)))


def _otherwise(_: Served, __: Any, plain: Any, output: Any) -> Iterator[str]:
    scores, others = ({one["label"]: one["score"] for one in each} for each in (plain, output))
    if difference(scores, others) is None:
        yield "another hypothesis changes no score"


# automatic-speech-recognition


def _briefly(served: Served) -> dict[str, Any]:
    """Return options with which it writes little, greedily: the pipeline searches beams by default.

    What begins a text a checkpoint's generation configuration says; a tiny model has none but its configuration's.
    """
    if served.pipe.type == "ctc":
        return {}
    options = {"max_new_tokens": _NEW, "do_sample": False, "num_beams": 1}
    config, settings = served.pipe.model.config, served.pipe.model.generation_config
    if config.is_encoder_decoder and settings.decoder_start_token_id is None and settings.bos_token_id is None:
        options["decoder_start_token_id"] = config.pad_token_id
    return {"generate_kwargs": options}


def _transcript(_: Served, __: Any, output: Any) -> Iterator[str]:
    yield from entries([output], {"text": str})


def _of_its_tokens(served: Served, given: Any, output: Any) -> Iterator[str]:
    extractor, pipe = served.pipe.feature_extractor, served.pipe
    inputs = extractor(given, sampling_rate=extractor.sampling_rate, return_tensors="pt", return_attention_mask=True)
    inputs = {name: tensor.to(served.tiny.device) for name, tensor in inputs.items()}
    with torch.no_grad():
        if pipe.type == "ctc":
            ids = served.tiny.model(**inputs).logits.argmax(-1)
        else:
            options = _briefly(served).get("generate_kwargs", {})
            ids = served.tiny.model.generate(**inputs, **options)
    ids = getattr(ids, "sequences", ids)[0]
    wanted = pipe.tokenizer.decode(ids, skip_special_tokens=pipe.type != "ctc", **_GROUPING.get(pipe.type, {}))
    if output["text"] != wanted:
        yield f"the text is {output['text']!r}, and the model's tokens give {wanted!r}"


def _timed(served: Served, given: Any, plain: Any, output: Any) -> Iterator[str]:
    yield from entries([output], {"text": str, "chunks": list})
    length = len(given) / served.pipe.feature_extractor.sampling_rate
    if output["chunks"]:
        yield from entries(output["chunks"], {"text": str, "timestamp": tuple})
    times = [time for chunk in output["chunks"] for time in chunk["timestamp"]]
    if times != sorted(times) or not all(0 <= time <= length + 0.1 for time in times):
        yield f"the times are {times}, of a sound of {length} s"
    if output["text"] != plain["text"]:
        yield f"the text is {output['text']!r}, and without times {plain['text']!r}"


def _is_ctc(served: Served) -> bool:
    return bool(served.pipe.type == "ctc")


# text-to-audio


def _spoken(served: Served, _: Any, output: Any) -> Iterator[str]:
    yield from entries([output], {"audio": np.ndarray | list, "sampling_rate": int})
    waves = output["audio"] if isinstance(output["audio"], list) else [output["audio"]]
    if not all(np.isfinite(wave).all() for wave in waves) or not any(wave.size for wave in waves):
        yield "the sound is empty, or not finite"
    if output["sampling_rate"] != served.pipe.sampling_rate:
        yield f"its sampling rate is {output['sampling_rate']}, and the model's {served.pipe.sampling_rate}"


def _without_noise(served: Served) -> None:
    """Let nothing be drawn at random where a model has scales for that: then the order of inputs does not count."""
    for name in ("noise_scale", "noise_scale_duration"):
        if hasattr(served.pipe.model, name):
            setattr(served.pipe.model, name, 0.0)


def _speaking(served: Served) -> dict[str, Any]:
    if served.pipe.model.can_generate():
        return {"generate_kwargs": {"max_new_tokens": 2 * _NEW, "do_sample": False}}
    return {}


def _nothing(_: Served, __: Any, ___: Any) -> Iterator[str]:
    """What the model gives is not in the output as it is."""
    yield from ()


HEARING_TASKS = {
    "audio-classification": Task(_sounds, _classes, _of_largest_logit, parameters=(Parameter({"top_k": 1}, top(1)),)),
    "zero-shot-audio-classification": Task(
        _sounds,
        _candidates,
        _of_pairs,
        lambda _: {"candidate_labels": _CANDIDATES},
        parameters=(Parameter({"hypothesis_template": "{} of the cat"}, _otherwise),),
    ),
    "automatic-speech-recognition": Task(
        _sounds,
        _transcript,
        _of_its_tokens,
        _briefly,
        parameters=(
            Parameter({"return_timestamps": "char"}, _timed, _is_ctc),
            Parameter({"return_timestamps": "word"}, _timed, _is_ctc),
        ),
    ),
    "text-to-audio": Task(lambda _: TEXTS, _spoken, _nothing, _speaking, prepare=_without_noise),
}
