"""Image processors and feature extractors: the real classes, and what they give is what the tiny models take."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from hfci.catalog import read_row, registries
from hfci.errors import StageError
from hfci.tiny import TinyModel, build_tiny
from hfci.tiny.bundles import bundled, is_bundle
from hfci.tiny.inputs import inputs_around
from hfci.tiny.processors import Refused, build_part
from hfci.tiny.processors.samples import arranged, companions, picture, sound
from hfci.tiny.processors.settings import Setting

# Model types whose models take something else than what the class in the table gives, and why.
OF_THE_PROCESSOR = "its processor class makes other inputs of it"
UNFED = {
    "image_processor": {
        "colqwen2": OF_THE_PROCESSOR,
        "fuyu": OF_THE_PROCESSOR,
        "glm_image": OF_THE_PROCESSOR,
        "idefics": OF_THE_PROCESSOR,
        "trocr": "a decoder; its images go to the encoder of a vision-encoder-decoder",
        "vitmatte": "by default its model takes three channels, and a trimap is the fourth",
        "xclip": "the class is CLIP's, which knows no videos",
    },
    "feature_extractor": {
        "dia": OF_THE_PROCESSOR,
        "gradium_phonon_tts": OF_THE_PROCESSOR,
        "inkling_mm_model": OF_THE_PROCESSOR,
        "kyutai_speech_to_text": OF_THE_PROCESSOR,
        "moshi": "it takes codes",
        "nemo_speechlm": OF_THE_PROCESSOR,
        "pocket_tts": OF_THE_PROCESSOR,
        "wav2vec2-bert": "the class is Wav2Vec2's, which gives waveforms; its models take spectrograms",
    },
}


def rows_of(kind: str) -> dict[str, Any]:
    """Return transformers' own table, read anew."""
    module = {"image_processor": "image_processing_auto", "feature_extractor": "feature_extraction_auto"}[kind]
    table = vars(importlib.import_module(f"transformers.models.auto.{module}"))
    return dict(table[f"{kind.upper()}_MAPPING_NAMES"])


def outputs_of(tiny: TinyModel, kind: str) -> dict[str, Any]:
    """Return what the processor of a kind that is built for `tiny` gives for one image or sound."""
    one = build_part(tiny, kind)
    if kind == "image_processor":
        pictures = [picture(60, 100)]
        outputs = one(arranged(tiny, pictures), return_tensors="pt", **companions(one, [(60, 100)]))
    else:
        samples = getattr(one, "n_samples", one.sampling_rate * 655 // 1000)
        wanted = {"sampling_rate": one.sampling_rate, "return_attention_mask": True}
        known = inspect.signature(type(one).__call__).parameters
        options = {name: value for name, value in wanted.items() if name in known}
        outputs = one([sound(samples)], return_tensors="pt", **options)
    return {one.model_input_names[0]: outputs} if isinstance(outputs, torch.Tensor) else dict(outputs)


def attempts(model_type: str, kind: str) -> Iterator[str | None]:
    """Yield of each model of a model type why it does not take what is given; None where it does."""
    for architecture in read_row(model_type).architectures:
        tiny = build_tiny(model_type, architecture.name)
        outputs = outputs_of(tiny, kind)
        for model in bundled(tiny.model).values() if is_bundle(tiny.model) else [tiny.model]:
            try:
                inputs = inputs_around(model, outputs)
                with torch.no_grad():
                    model(**inputs)
            except Exception as error:
                yield f"{type(model).__name__}: {error}"
            else:
                used = any(value is given for value in inputs.values() for given in outputs.values())
                yield None if used else f"{type(model).__name__} takes none of {sorted(outputs)}"


@pytest.mark.parametrize(("kind", "count"), [("image_processor", 160), ("feature_extractor", 61)])
def test_what_each_gives_is_what_a_tiny_model_takes(kind: str, count: int) -> None:
    fed, unfed, unavailable = [], {}, {}
    for model_type in rows_of(kind):
        try:
            told = list(attempts(model_type, kind))
        except (Refused, StageError) as error:
            unavailable[model_type] = str(error)
            continue
        if None in told:
            fed.append(model_type)
        elif told:
            unfed[model_type] = told
    assert all("needs " in why or "requires the " in why for why in unavailable.values()), unavailable
    assert unfed.keys() == UNFED[kind].keys(), unfed
    assert len(fed) >= count, (len(fed), unavailable)


def test_a_video_processor_is_refused_by_the_package_that_it_needs() -> None:
    with pytest.raises(Refused, match="needs torchvision: pip install torchvision"):
        build_part(build_tiny("qwen2_vl"), "video_processor")


def test_sizes_follow_what_the_model_is_fed() -> None:
    tiny = build_tiny("vit")
    assert dict(build_part(tiny, "image_processor").size) == {"height": 64, "width": 64}
    patched = build_part(build_tiny("qwen3_vl"), "image_processor")
    config = registries.default_config("qwen3_vl").vision_config
    assert (patched.patch_size, patched.merge_size) == (16, config.spatial_merge_size)
    assert dict(patched.size) == {"longest_edge": 16 * 32**2, "shortest_edge": 4 * 32**2}


def test_a_setting_names_whom_it_is_about_and_what_it_changes() -> None:
    with pytest.raises(ValueError, match="neither classes nor model_types"):
        Setting(reason="for the test alone", set={"size": 3})
    with pytest.raises(ValueError, match="it changes nothing"):
        Setting(reason="for the test alone", classes=("ViTImageProcessor",))
