"""The tokenizer, processors and feature extractor of a tiny model, transformers' own classes built offline.

A tiny model that reads the texts of a real tokenizer is built with `build_tiny(…, vocabulary=VOCABULARY)`.
"""

from hfci.tiny.processors.build import (
    KINDS,
    VOCABULARY,
    Processors,
    Refused,
    build_part,
    build_processors,
    save_checkpoint,
)

__all__ = ["KINDS", "VOCABULARY", "Processors", "Refused", "build_part", "build_processors", "save_checkpoint"]
