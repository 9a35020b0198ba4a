"""Texts to hand to a tokenizer, and how each class wants them."""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hfci.checks.applicability import NotApplicable
from hfci.errors import StageError
from hfci.tiny import TinyModel
from hfci.tiny.processors import Refused, build_part

__all__ = ["TEXTS", "encoded", "letters", "tokenizer_of", "words_with"]

# Texts of which each has what the others have not; a short one first, and none is the beginning of another.
TEXTS = (
    "the cat sat on the mat",
    "Where does the train stop, and when does it leave?",
    "It was 1999, at 10:45: $3.50 (or 2,75 €) #1 50%",
    "Der alte Mann saß am Fluß; l'été dernier, mañana por la mañana",
    "Все люди рождаются свободными. 人人生而自由 すべての人間 모든 인간은 สวย जन्म יולד",  # noqa: RUF001 -- many scripts
    "👍🏽 👩‍👩‍👧 🇫🇷 → ✓ ½",
    'def add(a, b):\n    return a + b  # {"x": [1, 2]}\t<p>&amp;</p>',
    "supercalifragilisticexpialidocious aaaaaaaaaaaaaaaaaaaaaaaaaaaa https://example.org/a_b?c=1",
)
# What says where in a page a word stands, by its place among the words.
_PLACES: Mapping[str, Callable[[int], Any]] = {
    "boxes": lambda place: [place, place, place + 1, place + 1],
    "xpaths": lambda place: f"/html/body/div[{place % 7}]/p",
}


def tokenizer_of(tiny: TinyModel) -> Any:
    """Return the tokenizer of `tiny`, which all its checks share.

    Raises `NotApplicable` where there is none for its model type, StageError where none can be built.
    """
    if tiny.processors.tokenizer is not None:
        return tiny.processors.tokenizer
    try:
        build_part(tiny, "tokenizer")
    except Refused as error:
        raise StageError("check", tiny.model_type, tiny.architecture, error) from error
    raise NotApplicable("there is no tokenizer for its model type")


def letters(text: str) -> str:
    """Return a text without case, accents, white space and what stands for it, as a class may drop them."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(one for one in plain if not one.isspace() and not unicodedata.category(one).startswith(("M", "C")))


def words_with(tokenizer: Any) -> list[str]:
    """Return the arguments by which a tokenizer is told where in a page each word stands; none where it reads texts."""
    return [name for name in _PLACES if name in inspect.signature(type(tokenizer).__call__).parameters]


def encoded(tokenizer: Any, texts: str | Sequence[str], **options: Any) -> dict[str, Any]:
    """Return what a tokenizer gives for a text or several, as lists by name; one that reads a page gets its words."""
    places = words_with(tokenizer)
    if not places:
        return dict(tokenizer(texts if isinstance(texts, str) else list(texts), **options))
    rows = [text.split() for text in ([texts] if isinstance(texts, str) else texts)]
    beside = {name: [[_PLACES[name](place) for place, _ in enumerate(words)] for words in rows] for name in places}
    if isinstance(texts, str):
        return dict(tokenizer(rows[0], **{name: value[0] for name, value in beside.items()}, **options))
    return dict(tokenizer(rows, **beside, **options))
