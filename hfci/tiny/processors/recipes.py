"""What is particular to tokenizer classes, `data/tokenizers.toml`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal

from msgspec import Struct

from hfci.parsing import Names, Reason, Text, read_toml

__all__ = ["Spelling", "TokenizerFile", "TokenizerRecipe", "tokenizer_recipe"]

Spelling = Literal["suffix", "continued", "bytes", "wordpieces", "unigrams", "letters"]


class TokenizerRecipe(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of `data/tokenizers.toml`, where its columns are explained."""

    names: Names
    reason: Reason
    spelling: Spelling | None = None
    letters: Text | None = None
    tokens: tuple[Text, ...] = ()
    arguments: Mapping[str, Any] = {}
    files: Mapping[str, Text] = {}
    counted: bool = False
    kept: bool = False


class TokenizerFile(Struct, frozen=True, forbid_unknown_fields=True, rename={"classes": "class"}):
    """What `data/tokenizers.toml` holds."""

    classes: tuple[TokenizerRecipe, ...]


_GENERAL = TokenizerRecipe(names=("*",), reason="nothing is particular to it")


@functools.cache
def _rows() -> Mapping[str, TokenizerRecipe]:
    path = files("hfci.tiny.processors") / "data" / "tokenizers.toml"
    return {name: row for row in read_toml(path, TokenizerFile, "the tokenizers").classes for name in row.names}


def tokenizer_recipe(name: str) -> TokenizerRecipe:
    """Return what is particular to the tokenizer class of that name."""
    return _rows().get(name, _GENERAL)
