"""What stands for an image, a video or a sound in a text that a processor is handed."""

from __future__ import annotations

from typing import Any

__all__ = ["mark", "marked"]

# The tokens with which an image or a sound begins and ends, by their names.
_BEGINS = {"image": ("boi_token", "image_start_token"), "audio": ("boa_token", "audio_start_token")}
_ENDS = {"image": ("eoi_token", "image_end_token"), "audio": ("eoa_token", "audio_end_token")}


def mark(processor: Any, modality: str) -> str | None:
    """Return the token that stands for a medium in a text, by the name that it has in `processor`."""
    token = getattr(processor, f"{modality}_placeholder_token", None) or getattr(processor, f"{modality}_token", None)
    return str(token) if token else None


def marked(processor: Any, modality: str, text: str, token: int | None, **media: Any) -> str:
    """Return `text` with the mark of a medium where it has `{}`, so that `processor` puts placeholders there.

    The mark is none where it sets placeholders by itself, of the ID `token`, else the first that it takes beside
    `media`: the token of the medium, the one with which it begins, or both and the one at its end. Where it takes none,
    that is the first at which it stops with another error than the ValueError of a refusal.
    """
    first = mark(processor, modality) or _token(processor, (f"{modality}_token",))
    begin, end = (_token(processor, names[modality]) for names in (_BEGINS, _ENDS))
    texts = list(dict.fromkeys(map(text.format, (first, begin, f"{begin}{first}{end}", ""))))
    taken, stopped = {}, []
    for one in texts:
        try:
            ids = processor(text=one, **media, return_tensors="pt").get("input_ids")
        except ValueError:
            continue
        except (TypeError, IndexError):
            stopped.append(one)
        else:
            taken[one] = ids
    own = taken.get(texts[-1])
    if token is not None and own is not None and bool((own == token).any()):
        return texts[-1]
    return next(iter((*taken, *stopped, *texts)))


def _token(processor: Any, names: tuple[str, ...]) -> str:
    """Return the first of these tokens that a processor has, or its tokenizer."""
    holders = (processor, getattr(processor, "tokenizer", None))
    tokens = (getattr(holder, name, None) for name in names for holder in holders)
    return next((str(token) for token in tokens if token), "")
