"""What stands for an image in a text that a processor is handed."""

from __future__ import annotations

import pytest
from PIL import Image

from hfci.tiny import TinyModel, build_tiny
from hfci.tiny.inputs.text import placeholders
from hfci.tiny.processors import VOCABULARY
from hfci.tiny.processors.bundle import counts_of_a_call
from hfci.tiny.processors.marks import marked
from hfci.tiny.processors.samples import one_each, picture

TEXT = "the {} cat"


def speaking(model_type: str) -> TinyModel:
    return build_tiny(model_type, vocabulary=VOCABULARY)


def image() -> Image.Image:
    return Image.fromarray(picture(64, 64))


@pytest.mark.parametrize(
    ("model_type", "mark"),
    [
        ("llava", "<image>"),
        ("blip-2", ""),
        ("qianfan_ocr", "<image>"),
        ("hunyuan_vl", "<|image_start|><|image|><|image_end|>"),
    ],
)
def test_a_mark_is_the_one_that_a_processor_takes(model_type: str, mark: str) -> None:
    tiny = speaking(model_type)
    token = placeholders(tiny.config)["image"]
    assert marked(tiny.processors.processor, "image", TEXT, token, images=image()) == TEXT.format(mark)


def test_a_text_that_no_processor_takes_is_the_one_that_is_not_refused() -> None:
    fuyu = speaking("fuyu")  # it refuses a mark beside its own, and stops at a text without
    token = placeholders(fuyu.config)["image"]
    assert marked(fuyu.processors.processor, "image", TEXT, token, images=image()) == TEXT.format("")


def test_the_token_that_is_repeated_is_the_placeholder() -> None:
    ovis = speaking("ovis2")
    processor, token = ovis.processors.processor, placeholders(ovis.config)["image"]
    assert processor.tokenizer.convert_ids_to_tokens(token) == "<IMG_ATOM>" != processor.image_token


def test_a_class_that_counts_at_each_call_is_told_the_models_number() -> None:
    got, llava = speaking("got_ocr2"), speaking("llava")
    assert counts_of_a_call(got.processors.processor, got) == {"num_image_tokens": 1}
    assert counts_of_a_call(llava.processors.processor, llava) == {}


def test_images_of_several_texts_stand_in_lists_unless_they_are_refused_there() -> None:
    images = [image(), image()]
    for model_type, wanted in (("ovis2", [[each] for each in images]), ("got_ocr2", images)):
        tiny = speaking(model_type)
        processor = tiny.processors.processor
        text = marked(processor, "image", TEXT, placeholders(tiny.config)["image"], images=images[0])
        assert one_each(processor, [text, text], images) == wanted, model_type
