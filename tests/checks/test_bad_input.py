"""What a pipeline makes of bad input, once a task: an error that names the cause, or an answer as documented.

Where it does neither, that is a defect of transformers': the row says why, and goes once it is mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from transformers import pipeline
from transformers.pipelines import SUPPORTED_TASKS

from hfci.checks.pipelines.serving import Served, load
from hfci.checks.pipelines.tasks import TASKS
from hfci.tiny import TinyModel, build_tiny
from hfci.tiny.processors import VOCABULARY

from .breakages import OF_KEYPOINTS, OF_TABLES, OF_VIDEOS, SERVED
from .breaking import of_packages_that_are_here

# Task → the model type and the architecture that is asked: the first of those that are broken elsewhere.
ONCE = {task: whom for task, *whom in reversed((*SERVED, *OF_KEYPOINTS, *OF_VIDEOS, *OF_TABLES))}

# The option with which a task takes a text that is longer than its model's maximum, where it does not cut it by itself.
CUT: Mapping[str, Mapping[str, Any]] = {
    "text-classification": {"truncation": True},
    "feature-extraction": {"truncation": True},
    "fill-mask": {"tokenizer_kwargs": {"truncation": True}},
    "text-generation": {"handle_long_generation": "hole"},
}

# Fields of an input that are read, in the place of an input that is a text itself.
READ = ("state", "question", "query", "text")


@dataclass(frozen=True)
class Refused:
    """An error whose message has these words; `defect` says why that names no cause."""

    error: type[Exception]
    words: str
    defect: str = ""


ANSWERED = None

# pipelines/base.py, line 1265: whether the first of a list is a message is asked of an empty list too.
NO_FIRST = Refused(IndexError, "list index out of range", "the first of a list is looked at before there is one")

# What is wrong with an input → task → how that ends; `*`: of every other task.
ENDINGS: Mapping[str, Mapping[str, Refused | None]] = {
    "an empty list": {
        "*": NO_FIRST,
        "token-classification": Refused(ValueError, "At least one input is required"),
        "zero-shot-object-detection": Refused(ValueError, "candidate_labels must be a string, a flat list"),
        "table-question-answering": Refused(ValueError, "Invalid input. Keyword argument `table` should be"),
    },
    "an empty text": {
        "*": ANSWERED,
        "fill-mask": Refused(Exception, "No mask_token"),
        "token-classification": Refused(AssertionError, "a list with something in it is documented"),
        "zero-shot-classification": Refused(ValueError, "at least one label and at least one sequence"),
        "table-question-answering": Refused(ValueError, "query is empty"),
        "any-to-any": Refused(ValueError, "tokens in the prompts should be the same as the number of audio"),
        "image-text-to-text": Refused(ValueError, "tokens in the prompts should be the same as the number of images"),
        "text-to-audio": Refused(RuntimeError, "length must be non-negative", "a VITS of no tokens stops at a window"),
    },
    "a text past the maximum": {
        "*": ANSWERED,
        "decision": Refused(IndexError, "index out of range", "a prompt is neither cut nor measured"),
        "document-question-answering": Refused(Exception, "too short to respect the provided max_length"),
    },
    "a broken image": {"*": Refused(OSError, "cannot identify image file")},
    "an image alone": {"*": Refused(ValueError, "Input images must be a one of the following")},
    "a broken video": {"*": Refused(RuntimeError, "Could not open input file")},
    "an empty table": {"*": Refused(ValueError, "table is empty")},
    "a table without rows": {"*": Refused(ValueError, "table is empty")},
    "a sound of no samples": {
        "*": Refused(RuntimeError, "can't be greater than actual input size"),
        "any-to-any": Refused(
            TypeError, "not subscriptable", "a prompt with no place for a sound is taken for an old one"
        ),
        "zero-shot-audio-classification": Refused(
            ZeroDivisionError, "division by zero", "CLAP repeats a sound to fill"
        ),
    },
}


@pytest.mark.parametrize("task", ONCE)
def test_bad_input_is_refused_by_its_cause_or_answered(task: str, tmp_path: Path) -> None:
    tiny = build_tiny(*ONCE[task], vocabulary=VOCABULARY)
    with of_packages_that_are_here():
        served, about = Served(tiny, task, load(tiny, task)), TASKS[task]
    about.prepare(served)
    _limit(served)
    options = about.options(served)
    for what, given in _bad(about.inputs(served)[0], tmp_path):
        endings = ENDINGS[what]
        ending = endings.get(task, endings["*"])
        asked = {**options, **(CUT.get(task, {}) if what == "a text past the maximum" else {})}
        if ending is ANSWERED:
            _answer(served, given, asked)
        else:
            with pytest.raises(ending.error, match=ending.words):
                _answer(served, given, asked)


def _limit(served: Served) -> None:
    """Tell the tokenizer how long a text may be, as that of a checkpoint is told."""
    length = getattr(served.tiny.config.get_text_config(), "max_position_embeddings", None)
    if served.pipe.tokenizer is not None and length is not None:
        served.pipe.tokenizer.model_max_length = length


def _bad(good: Any, folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield what is made wrong of an input, and the input: of one that has several fields, one after the other."""
    yield "an empty list", []
    if isinstance(good, list):  # a pair
        yield "an image alone", good[:1]
        for what, wrong in _wrong(None, good[1], folder):
            yield what, [good[0], wrong]
        return
    fields = good if isinstance(good, dict) else {None: good}
    for name, value in fields.items():
        for what, wrong in _wrong(name, value, folder):
            yield what, wrong if name is None else {**good, name: wrong}


def _wrong(name: str | None, value: Any, folder: Path) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Image.Image):
        broken = folder / "broken.png"
        broken.write_bytes(b"\x89PNG\r\n\x1a\n and nothing behind it")
        yield "a broken image", str(broken)
    elif isinstance(value, np.ndarray):
        yield "a sound of no samples", value[:0]
    elif isinstance(value, str) and Path(value).is_file():
        broken = folder / "broken.mp4"
        broken.write_bytes(b"\0\0\0\x18ftypmp42 and nothing behind it")
        yield "a broken video", str(broken)
    elif name == "table":
        yield "an empty table", {}
        yield "a table without rows", {column: [] for column in value}
    elif isinstance(value, str) and name in (None, *READ):
        yield "an empty text", ""
        yield "a text past the maximum", f"{value} {'the cat ' * 200}"


def _answer(served: Served, given: Any, options: Mapping[str, Any]) -> None:
    """Ask, and assert that the answer has the documented form."""
    output = served.pipe(given, **options)
    problems = list(TASKS[served.task].form(served, given, output))
    assert not problems, problems[0]


# The task itself.


@pytest.fixture(scope="module")
def others() -> Mapping[str, TinyModel]:
    """One model that reads and one that sees."""
    named = {"text": ("bert", "BertModel"), "image": ("vit", "ViTModel")}
    return {kind: build_tiny(*names, vocabulary=VOCABULARY) for kind, names in named.items()}


def test_an_unknown_task_is_refused(others: Mapping[str, TinyModel]) -> None:
    with pytest.raises(KeyError, match=r"Unknown task fill-the-mask, available tasks are \["):
        pipeline("fill-the-mask", model=others["text"].whole_checkpoint)


# A pipeline loads what the checkpoint says it is, if no class of its task can; then it says, or logs, one of these.
SAID = (
    "is not supported for {task}",
    "Can't load image processor",
    "Can't load feature extractor",
    "Couldn't instantiate the backend tokenizer",
    "check that you specified correct pipeline task",
    "could be found for the given model",
    "library but it was not found",  # which its pipeline asks for first
)


@pytest.mark.parametrize("task", SUPPORTED_TASKS)
def test_a_task_that_a_model_cannot_serve_is_refused(
    task: str, others: Mapping[str, TinyModel], caplog: pytest.LogCaptureFixture
) -> None:
    other = others["text" if SUPPORTED_TASKS[task]["type"] in ("audio", "image", "video") else "image"]
    try:
        pipeline(task, model=other.whole_checkpoint)
    except Exception as error:
        said = str(error)
    else:
        said = caplog.text
    assert any(words.format(task=task) in said for words in SAID), said
