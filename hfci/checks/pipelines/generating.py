"""The tasks that generate a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from hfci.catalog.facts import forward_parameters
from hfci.checks.exceptions import excused
from hfci.checks.pipelines.comparing import difference
from hfci.checks.pipelines.forms import entries
from hfci.checks.pipelines.media import images, sounds
from hfci.checks.pipelines.serving import Parameter, Served, Task
from hfci.checks.pipelines.text import TEXTS, texts, tokens
from hfci.checks.running import seeded
from hfci.tiny.inputs.text import placeholders
from hfci.tiny.processors.bundle import counts_of_a_call
from hfci.tiny.processors.marks import marked
from hfci.tiny.processors.samples import one_each

__all__ = ["GENERATING_TASKS"]

_NEW = 4
_GREEDY = {"max_new_tokens": _NEW, "do_sample": False}
_BRIEFLY = {"max_new_tokens": _NEW, "generate_kwargs": {"do_sample": False}}


def _texts(_: Served, __: Any, output: Any) -> Iterator[str]:
    yield from entries(output, {"generated_text": str})


def _after_its_prompt(served: Served, given: str, output: Any) -> Iterator[str]:
    text = output[0]["generated_text"]
    if not text.startswith(given):
        yield f"the text does not begin with its prompt {given!r}, but is {text!r:.100}"
        return
    inputs = tokens(served, given)
    with torch.no_grad(), seeded(served.tiny):
        ids = served.tiny.model.generate(**inputs, **_GREEDY, pad_token_id=served.pipe.tokenizer.pad_token_id)
    new = served.pipe.tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    if text != given + new:
        yield f"after the prompt stands {text[len(given) :]!r}, and generate gives {new!r}"


def _only_new(_: Served, given: str, plain: Any, output: Any) -> Iterator[str]:
    if given + output[0]["generated_text"] != plain[0]["generated_text"]:
        yield f"it gives {output[0]['generated_text']!r}, of {plain[0]['generated_text']!r}"


def _token_ids(served: Served, given: str, _: Any, output: Any) -> Iterator[str]:
    yield from entries(output, {"generated_token_ids": list | torch.Tensor})
    length = tokens(served, given)["input_ids"].shape[1]
    if not length < len(output[0]["generated_token_ids"]) <= length + _NEW:
        yield f"of a prompt of {length} tokens and {_NEW} more it gives {len(output[0]['generated_token_ids'])}"


def _has_beams(served: Served) -> bool:
    """Tell whether `generate` searches with beams: it refuses to where a `state` is no cache that it could reorder."""
    keeps_state = "state" in forward_parameters(type(served.tiny.model))
    return not keeps_state and excused(served.tiny, "beam_search_equals_without_cache") is None


def _two(_: Served, __: Any, ___: Any, output: Any) -> Iterator[str]:
    if len(output) != 2:
        yield f"of two sequences it gives {len(output)}"


# with media


def _media(served: Served) -> list[dict[str, Any]]:
    """Return one text with an image each, or with a sound where the processor takes no image."""
    processor, ids = served.pipe.processor, placeholders(served.tiny.config)
    if getattr(processor, "image_processor", None) is not None:
        prompt = marked(processor, "image", f"{{}}{TEXTS[0]}", ids.get("image"), images=images()[0])
        return [{"images": image, "text": prompt} for image in images()]
    if (extractor := getattr(processor, "feature_extractor", None)) is not None:
        waves = sounds(extractor.sampling_rate)
        prompt = marked(processor, "audio", f"{{}}{TEXTS[0]}", ids.get("audio"), audio=waves[0])
        return [{"audio": wave, "text": prompt} for wave in waves]
    return [{"text": text} for text in TEXTS]


def _together(served: Served, inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return several texts with their images, one each, as one input."""
    together = {name: [given[name] for given in inputs] for name in inputs[0]}
    if "images" in together:
        together["images"] = one_each(served.pipe.processor, together["text"], together["images"])
    return together


def _pads_before_texts(served: Served) -> None:
    """Let what goes on with a text pad before it, as `generate` demands and the tokenizer of such a checkpoint does.

    Beside a feature extractor of the pipeline's own, with which it must agree, as in the pipeline of texts alone, not.
    """
    pipe, is_encoder_decoder = served.pipe, getattr(served.tiny.config, "is_encoder_decoder", False)
    if pipe.tokenizer is not None and pipe.feature_extractor is None and not is_encoder_decoder:
        pipe.tokenizer.padding_side = "left"


def _texts_of_media(_: Served, given: dict[str, Any], output: Any) -> Iterator[str]:
    yield from entries(output, {"input_text": str, "generated_text": str})
    if output[0]["input_text"] != given["text"]:
        yield f"its input is said to be {output[0]['input_text']!r}, and is {given['text']!r}"


def _as_generated(served: Served, given: dict[str, Any], _: Any) -> Iterator[str]:
    pipe, counts = served.pipe, counts_of_a_call(served.pipe.processor, served.tiny)
    told = served.ask({**given}, **_BRIEFLY, **counts, return_tensors=True)[0]["generated_token_ids"]
    inputs = pipe.processor(**given, **counts, return_tensors="pt").to(
        dtype=served.tiny.model.dtype, device=served.tiny.device
    )
    with torch.no_grad(), seeded(served.tiny):
        ids = served.tiny.model.generate(**inputs, **_GREEDY)
    if (said := difference(getattr(ids, "sequences", ids)[0], told)) is not None:
        yield f"the tokens are not those of generate: {said}"


def _ids_of_media(_: Served, __: Any, ___: Any, output: Any) -> Iterator[str]:
    yield from entries(output, {"input_text": str, "generated_token_ids": torch.Tensor})


def _shorter(_: Served, __: Any, plain: Any, output: Any) -> Iterator[str]:
    if not plain[0]["generated_text"].endswith(output[0]["generated_text"]):
        yield f"it gives {output[0]['generated_text']!r}, of {plain[0]['generated_text']!r}"


_WITH_MEDIA = Task(
    _media,
    _texts_of_media,
    _as_generated,
    lambda served: {**_BRIEFLY, **counts_of_a_call(served.pipe.processor, served.tiny)},
    parameters=(
        Parameter({"return_full_text": False}, _shorter),
        Parameter({"return_tensors": True}, _ids_of_media),
    ),
    prepare=_pads_before_texts,
    listed=_together,
    unlisted=lambda outputs: [[one] for one in outputs],
)

GENERATING_TASKS = {
    "text-generation": Task(
        texts,
        _texts,
        _after_its_prompt,
        lambda _: {**_GREEDY, "prefix": ""},
        parameters=(
            Parameter({"return_full_text": False}, _only_new),
            Parameter({"return_tensors": True}, _token_ids),
            Parameter({"num_beams": 2, "num_return_sequences": 2}, _two, _has_beams),
        ),
    ),
    "image-text-to-text": _WITH_MEDIA,
    "any-to-any": _WITH_MEDIA,
}
