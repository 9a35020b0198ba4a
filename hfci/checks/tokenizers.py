"""What a tokenizer makes of texts, and of tokens texts again."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from hfci.checks.exceptions import reason
from hfci.checks.texts import TEXTS, encoded, letters, tokenizer_of, words_with
from hfci.tiny import TinyModel

__all__ = ["tokenizer_encode_decode"]

# Tokens that are left where a text is cut, beside the special ones.
_LEFT = 3


def tokenizer_encode_decode(tiny: TinyModel) -> None:
    """Assert that texts come back, that special tokens and offsets are what they say, and padding and cutting too.

    A text comes back but for case, accents and white space, which a class may drop, where all of it is known to the
    vocabulary. IDs fit the model's embedding.
    """
    tokenizer = tokenizer_of(tiny)
    is_rewritten = reason(tiny, "tokenizer_encode_decode", "rewritten") is not None
    is_spelt = reason(tiny, "tokenizer_encode_decode", "unspelt") is None
    problems = [
        *_identifiers(tokenizer, tiny),
        *([] if is_rewritten else _texts(tokenizer)),
        *_special(tokenizer, is_spelt),
        *_offsets(tokenizer),
        *_batches(tokenizer),
        *_padding(tokenizer),
        *_cutting(tokenizer),
    ]
    if problems:
        raise AssertionError(f"{type(tokenizer).__name__}: {'; '.join(problems)}")


def _ids(tokenizer: Any, text: str, **options: Any) -> list[int]:
    return list(encoded(tokenizer, text, **options)["input_ids"])


def _identifiers(tokenizer: Any, tiny: TinyModel) -> Iterator[str]:
    size = _embedded(tiny)
    if size is not None and len(tokenizer) > size:
        yield f"it has {len(tokenizer)} tokens, the model embeds {size}"
    for text in TEXTS:
        if outside := [token for token in _ids(tokenizer, text) if not 0 <= token < len(tokenizer)]:
            yield f"{text!r} has the token {outside[0]}, of {len(tokenizer)}"


def _embedded(tiny: TinyModel) -> int | None:
    """Return how many tokens the model embeds; None where it embeds none."""
    try:
        embedding = tiny.model.get_input_embeddings()
    except (NotImplementedError, AttributeError):
        return None
    return getattr(embedding, "num_embeddings", None)


def _texts(tokenizer: Any) -> Iterator[str]:
    # what was heard twice is one letter, unless it is told that it was written
    known = inspect.signature(type(tokenizer)._decode).parameters
    every = {"group_tokens": False} if "group_tokens" in known else {}
    for text in TEXTS:
        ids = _ids(tokenizer, text, add_special_tokens=False)
        back = tokenizer.decode(ids, **every)
        if tokenizer.unk_token_id not in ids and letters(back) != letters(text):
            yield f"{text!r} comes back as {back!r}"


def _special(tokenizer: Any, is_spelt: bool) -> Iterator[str]:
    for text in TEXTS:
        bare, whole = _ids(tokenizer, text, add_special_tokens=False), _ids(tokenizer, text)
        mask = tokenizer.get_special_tokens_mask(whole, already_has_special_tokens=True)
        kept = [token for token, is_special in zip(whole, mask, strict=True) if not is_special]
        plain = [token for token in bare if token not in tokenizer.all_special_ids]
        if [token for token in kept if token not in tokenizer.all_special_ids] != plain:
            yield f"{text!r} without its special tokens is {kept[:8]}, and {bare[:8]} as they are not added"
        if tokenizer.decode(whole, skip_special_tokens=True) != tokenizer.decode(bare, skip_special_tokens=True):
            yield f"{text!r} comes back with special tokens that were to be skipped"
        if len(whole) - len(bare) != tokenizer.num_special_tokens_to_add():
            yield f"{len(whole) - len(bare)} tokens are added, not {tokenizer.num_special_tokens_to_add()}"
    pairs = zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
    for token, number in pairs if is_spelt else ():
        if tokenizer.convert_tokens_to_ids(token) != number or tokenizer.convert_ids_to_tokens(number) != token:
            yield f"{token} is not the token {number}"
        if number not in _ids(tokenizer, f"cat {token} mat", add_special_tokens=False):
            yield f"{token} in a text is not the token {number}"


def _offsets(tokenizer: Any) -> Iterator[str]:
    if not tokenizer.is_fast or words_with(tokenizer):
        return
    for text in TEXTS:
        given = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
        last = 0
        for token, (start, end) in zip(given["input_ids"], given["offset_mapping"], strict=True):
            spelt = letters(tokenizer.decode([token]).removeprefix("##"))
            if not 0 <= start <= end <= len(text) or start < last - 1:
                yield f"{text!r}: a token at {start} to {end} behind one at {last}"
            elif (
                token != tokenizer.unk_token_id
                and "\N{REPLACEMENT CHARACTER}" not in spelt
                and len(spelt) > 1
                and spelt not in letters(text[start:end])
            ):
                yield f"{text!r}: {spelt!r} is said to stand for {text[start:end]!r}"
            last = start


def _batches(tokenizer: Any) -> Iterator[str]:
    together, alone = encoded(tokenizer, TEXTS), [encoded(tokenizer, text) for text in TEXTS]
    for name, rows in together.items():
        for text, row, single in zip(TEXTS, rows, alone, strict=True):
            if list(row) != list(single[name]):
                yield f"{name} of {text!r} are others in a batch"


def _padding(tokenizer: Any) -> Iterator[str]:
    if tokenizer.pad_token_id is None:
        return
    texts = TEXTS[:2]
    alone = [_ids(tokenizer, text) for text in texts]
    longest = max(map(len, alone))
    ways: dict[str, tuple[dict[str, Any], int]] = {
        "padding=True": ({"padding": True}, longest),
        "padding to a multiple of 8": ({"padding": True, "pad_to_multiple_of": 8}, -(-longest // 8) * 8),
        "padding to a maximum": ({"padding": "max_length", "max_length": longest + 5}, longest + 5),
    }
    for side in ("left", "right"):
        for way, (options, length) in ways.items():
            given = encoded(tokenizer, texts, padding_side=side, return_attention_mask=True, **options)
            for ids, mask, wanted in zip(given["input_ids"], given["attention_mask"], alone, strict=True):
                pads = length - len(wanted)
                numbers = [tokenizer.pad_token_id] * pads
                if list(ids) != (numbers + wanted if side == "left" else wanted + numbers):
                    yield f"{way}, {side}: {len(ids)} tokens, {list(ids).count(tokenizer.pad_token_id)} of them padding"
                    break
                ones = [1] * len(wanted)
                if list(mask) != ([0] * pads + ones if side == "left" else ones + [0] * pads):
                    yield f"{way}, {side}: its mask is none of the padding"
                    break


def _cutting(tokenizer: Any) -> Iterator[str]:
    text = TEXTS[1]
    bare = _ids(tokenizer, text, add_special_tokens=False)
    if len(bare) <= _LEFT:
        return
    length = _LEFT + tokenizer.num_special_tokens_to_add()
    usual = tokenizer.truncation_side
    try:
        for side in ("left", "right"):
            tokenizer.truncation_side = side
            cut = _ids(tokenizer, text, truncation=True, max_length=length)
            wanted = bare[-_LEFT:] if side == "left" else bare[:_LEFT]
            if len(cut) != length or not _holds(cut, wanted):
                yield f"cut at the {side} to {length} tokens it is {cut}, where {wanted} were to be left"
    finally:
        tokenizer.truncation_side = usual


def _holds(tokens: Sequence[int], part: Sequence[int]) -> bool:
    """Tell whether some tokens stand within others, one behind the other."""
    places = range(len(tokens) - len(part) + 1)
    return any(list(tokens[place : place + len(part)]) == list(part) for place in places)
