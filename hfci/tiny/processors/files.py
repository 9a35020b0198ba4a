"""The files that a tokenizer class reads its vocabulary from, written as it wants them.

What a file holds, its name says: `vocab.txt` a token a line, `vocab.json` tokens with their IDs, `merges.txt` and
`bpe.codes` two pieces a line, `*.model` and `*.spm` a model of SentencePiece.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hfci.tiny.processors.pieces import Pieces, learn, learn_letters, learn_unigrams, sentencepiece_model
from hfci.tiny.processors.plan import Plan
from hfci.tiny.processors.recipes import Spelling, TokenizerRecipe

__all__ = ["file_parameters", "pieces_for", "spelling_of", "write_files"]

_SENTENCEPIECE = (".model", ".spm")
_MERGES = ("merges.txt", "bpe.codes")


def file_parameters(cls: type[Any]) -> dict[str, str]:
    """Return parameter → file name, of the files without which a `cls` cannot be made."""
    known = inspect.signature(cls.__init__).parameters
    names: Mapping[str, str] = cls.vocab_files_names
    return {name: file for name, file in names.items() if name in known and not file.startswith("tokenizer")}


def spelling_of(files: Mapping[str, str], recipe: TokenizerRecipe) -> Spelling:
    """Return how the pieces are spelt that such files hold."""
    if recipe.spelling is not None:
        return recipe.spelling
    names = files.values()
    if any(name.endswith(_SENTENCEPIECE) for name in names):
        return "unigrams"
    return "suffix" if any(name in _MERGES for name in names) else "wordpieces"


def pieces_for(spelling: Spelling, size: int, recipe: TokenizerRecipe) -> Pieces:
    """Return at most `size` pieces of that spelling."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    if spelling == "unigrams":
        return learn_unigrams(size)
    if spelling == "letters":
        return Pieces(tuple(recipe.letters or learn_letters())[:size])
    if spelling == "wordpieces":
        backend = Tokenizer(models.WordPiece())
        backend.normalizer = normalizers.BertNormalizer()
        backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        return learn(backend, size)
    if spelling == "bytes":
        backend = Tokenizer(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        return learn(backend, size)
    backend = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces = learn(backend, size)
    if spelling == "suffix":
        return pieces
    tokens = [token.removesuffix("</w>") if token.endswith("</w>") else f"{token}@@" for token in pieces.tokens]
    return Pieces(tuple(tokens), pieces.merges)


def write_files(
    folder: Path, files: Mapping[str, str], table: Sequence[str], pieces: Pieces, plan: Plan, recipe: TokenizerRecipe
) -> dict[str, str]:
    """Write the files of a vocabulary into `folder`; return parameter → path."""
    paths = {}
    for parameter, name in files.items():
        path = folder / name
        if parameter in recipe.files:
            path.write_text(recipe.files[parameter], encoding="utf-8")
        elif name.endswith(_SENTENCEPIECE):
            path.write_bytes(_sentencepiece(table, pieces, plan, recipe))
        elif name.endswith(".json"):
            ids = {token: place for place, token in enumerate(table)}
            path.write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
        else:
            lines = _merges(name, pieces) if name in _MERGES else _lines(table, recipe)
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        paths[parameter] = str(path)
    return paths


def _lines(table: Sequence[str], recipe: TokenizerRecipe) -> Iterator[str]:
    yield from (f"{token} 1" for token in table[4:]) if recipe.counted else table


def _merges(name: str, pieces: Pieces) -> Iterator[str]:
    counted = name == "bpe.codes"
    yield from () if counted else ("#version: 0.2",)
    yield from (f"{left} {right} 1" if counted else f"{left} {right}" for left, right in pieces.merges)


def _sentencepiece(table: Sequence[str], pieces: Pieces, plan: Plan, recipe: TokenizerRecipe) -> bytes:
    """Return a model of SentencePiece with the tokens of `table` in their order."""
    proto = sentencepiece_model(len(pieces.tokens))
    if recipe.kept:
        written: bytes = proto.SerializeToString()
        return written
    scores = dict(zip(pieces.tokens, pieces.scores, strict=True))
    kind = type(proto.pieces[0])
    unknown = plan.tokens.get("unk_token", "<unk>")
    del proto.pieces[:]
    for token in table:
        is_word = token in scores
        proto.pieces.add(
            piece=token,
            score=scores.get(token, 0.0),
            type=kind.NORMAL if is_word else kind.UNKNOWN if token == unknown else kind.CONTROL,
        )
    for field, name in (("unk", "unk_token"), ("bos", "bos_token"), ("eos", "eos_token"), ("pad", "pad_token")):
        token = plan.tokens.get(name, "")
        setattr(proto.trainer_spec, f"{field}_id", table.index(token) if token in table else -1)
        setattr(proto.trainer_spec, f"{field}_piece", token or f"<{field}>")
    written = proto.SerializeToString()
    return written
