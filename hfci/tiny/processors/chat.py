"""A chat template for the model types that are talked to: a checkpoint has its own, a class has none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files

from hfci.catalog import read_row, registries

__all__ = ["chat_template", "chats"]

# The tables whose heads write text that goes on with what they read.
_TABLES = {"FOR_CAUSAL_LM", "FOR_MULTIMODAL_LM", "FOR_IMAGE_TEXT_TO_TEXT"}


def chats(model_type: str) -> bool:
    """Tell whether a head of `model_type` is one that is talked to."""
    names = (architecture.name for architecture in read_row(model_type).architectures)
    return any(_TABLES & registries.tables_of_class(name) for name in names)


def chat_template(marks: Mapping[str, str]) -> str:
    """Return a template that writes each part of a kind (`image`, `audio` …) as its mark in `marks`.

    It knows roles, tools and their calls, contents that are a string or a list of parts, and says which words are the
    assistant's.
    """
    text = (files("hfci.tiny.processors") / "data" / "chat_template.jinja").read_text(encoding="utf-8")
    return f"{{%- set marks = {json.dumps(dict(marks))} %}}\n{text.rstrip()}"
