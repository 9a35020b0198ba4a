"""Pieces of words, learnt from the project's own corpus: the vocabulary of a tokenizer, without its special tokens.

The trainers of `tokenizers` break ties by the order of a hash table, so two processes learn different pieces; byte
pairs are learnt here instead, the same ones everywhere.
"""

from __future__ import annotations

import functools
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from typing import Any

__all__ = [
    "BYTES",
    "SPACE",
    "Pieces",
    "corpus",
    "learn",
    "learn_letters",
    "learn_unigrams",
    "model_of",
    "sentencepiece_model",
]

# The pieces that stand for single bytes where a vocabulary has them.
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))

# Letters that a vocabulary without bytes starts with at most: the scripts of the corpus have more.
_LETTERS = 160

# Letters of the corpus that SentencePiece will not do without, and some more.
_SCRIPTS = 300

# How SentencePiece spells the space, and how a letter a byte does.
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
_SPACE = "Ġ"

_Pair = tuple[str, str]


@dataclass(frozen=True)
class Pieces:
    """Pieces, the most needed first, and how they came about: `merges` of two pieces, or a score of each."""

    tokens: tuple[str, ...]
    merges: tuple[_Pair, ...] = ()
    scores: tuple[float, ...] = ()
    charsmap: bytes | None = None


@functools.cache
def corpus() -> tuple[str, ...]:
    """Return the lines of the project's own corpus: several scripts, emoji, digits, code, long words, white space."""
    text = (files("hfci.tiny.processors") / "data" / "corpus.txt").read_text(encoding="utf-8")
    return tuple(text.split("\n")[:-1])


def model_of(backend: Any) -> dict[str, Any]:
    """Return what kind of model a `tokenizers.Tokenizer` has, with its options, its vocabulary and its merges."""
    model: dict[str, Any] = json.loads(backend.model.__getstate__())
    return {"type": type(backend.model).__name__, **model}


def learn(backend: Any, size: int) -> Pieces:
    """Return at most `size` pieces, learnt as `backend`, a `tokenizers.Tokenizer`, cuts texts.

    Raises ValueError for a kind of model that learns none.
    """
    model = model_of(backend)
    if model["type"] == "Unigram":
        return learn_unigrams(size)
    if model["type"] not in ("BPE", "WordPiece"):
        raise ValueError(f"a model of the kind {model['type']} learns no pieces")
    words = Counter(_words(backend))
    return _learn(
        tuple(sorted(words.items())),
        any(_SPACE in word for word in words),
        bool(model.get("byte_fallback")),
        model.get("continuing_subword_prefix") or "",
        model.get("end_of_word_suffix") or "",
        size,
    )


@functools.cache
def _learn(
    counted: tuple[tuple[str, int], ...], is_bytes: bool, falls_back: bool, prefix: str, suffix: str, size: int
) -> Pieces:
    from tokenizers import pre_tokenizers

    words: Counter[tuple[str, ...]] = Counter()
    letters: Counter[str] = Counter()
    for word, count in counted:
        spelt = [letter if not place else prefix + letter for place, letter in enumerate(word)]
        spelt[-1] += suffix
        words[tuple(spelt)] += count
        for letter in spelt:
            letters[letter] += count
    first = sorted(pre_tokenizers.ByteLevel.alphabet()) if is_bytes else []
    first += BYTES if falls_back else ()
    room = max(0, min(_LETTERS, (size - len(first)) // 2))
    frequent = [letter for letter in sorted(letters, key=lambda one: (-letters[one], one)) if letter not in set(first)]
    tokens = [*first, *frequent[:room]][:size]
    known = set(tokens)
    merges = []
    for left, right in _pairs({word: count for word, count in words.items() if known.issuperset(word)}, prefix):
        if len(tokens) == size:
            break
        merges.append((left, right))
        if (merged := _joined(left, right, prefix)) not in known:
            known.add(merged)
            tokens.append(merged)
    return Pieces(tuple(tokens), tuple(merges))


def _words(backend: Any) -> Iterator[str]:
    """Yield the words of the corpus as a tokenizer, without its model, cuts and spells them."""
    for line in corpus():
        text = backend.normalizer.normalize_str(line) if backend.normalizer else line
        cutter = backend.pre_tokenizer
        yield from (word for word, _ in cutter.pre_tokenize_str(text) if word) if cutter else [text]


def _joined(left: str, right: str, prefix: str) -> str:
    return left + right.removeprefix(prefix)


def _pairs(words: Mapping[tuple[str, ...], int], prefix: str) -> Iterator[_Pair]:
    """Yield the pair of neighbours that is the most frequent, merged from then on, until none occurs twice.

    A pair keeps the two as they are spelt; of several equally frequent ones the first by spelling comes first.
    """
    spelt = [(list(word), count) for word, count in sorted(words.items())]
    counts: Counter[_Pair] = Counter()
    places: dict[_Pair, set[int]] = {}
    for place, (word, count) in enumerate(spelt):
        for pair in pairwise(word):
            counts[pair] += count
            places.setdefault(pair, set()).add(place)
    while counts:
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        if counts[best] < 2:
            return
        yield best
        for place in sorted(places[best]):
            word, count = spelt[place]
            counts.subtract({pair: number * count for pair, number in Counter(pairwise(word)).items()})
            merged = _merged(word, best, prefix)
            word[:] = merged
            for pair in pairwise(merged):
                counts[pair] += count
                places.setdefault(pair, set()).add(place)
        del counts[best]


def _merged(word: Sequence[str], pair: _Pair, prefix: str) -> list[str]:
    merged: list[str] = []
    for piece in word:
        if merged and (merged[-1], piece) == pair:
            merged[-1] = _joined(*pair, prefix)
        else:
            merged.append(piece)
    return merged


@functools.cache
def learn_letters() -> tuple[str, ...]:
    """Return the letters of the corpus, the most frequent first."""
    counts = Counter(letter for line in corpus() for letter in line if not letter.isspace())
    return tuple(sorted(counts, key=lambda letter: (-counts[letter], letter)))


@functools.cache
def learn_unigrams(size: int) -> Pieces:
    """Return at most `size` pieces with their scores, learnt by SentencePiece."""
    proto = sentencepiece_model(size)
    words = [piece for piece in proto.pieces if piece.type == piece.NORMAL][:size]
    return Pieces(
        tuple(piece.piece for piece in words),
        scores=tuple(piece.score for piece in words),
        charsmap=proto.normalizer_spec.precompiled_charsmap or None,
    )


@functools.cache
def _trained(size: int) -> bytes:
    import sentencepiece

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()),
        model_writer=written,
        model_type="unigram",
        vocab_size=max(size, _SCRIPTS) + 3,  # it has its own unknown, start and end besides
        hard_vocab_limit=False,
        character_coverage=0.98,
        num_threads=1,
        minloglevel=2,
    )
    return written.getvalue()


def sentencepiece_model(size: int) -> Any:
    """Return SentencePiece's own model of some `size` pieces, to be changed and written: a message of protobuf."""
    from sentencepiece import sentencepiece_model_pb2 as messages

    return vars(messages)["ModelProto"].FromString(_trained(size))
