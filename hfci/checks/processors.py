"""Are the processors of a model type the same after they were saved, whichever auto class loads them?"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import transformers

from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import names_excepted, reason
from hfci.checks.processing import answer_to_a_sample, difference
from hfci.checks.texts import TEXTS, encoded
from hfci.errors import StageError
from hfci.tiny import TinyModel
from hfci.tiny.processors import Refused, build_part

__all__ = ["differences", "processor_roundtrip"]

# Kind → the auto class that loads it.
_AUTO = {
    "tokenizer": "AutoTokenizer",
    "image_processor": "AutoImageProcessor",
    "video_processor": "AutoVideoProcessor",
    "feature_extractor": "AutoFeatureExtractor",
    "processor": "AutoProcessor",
}
# What no class needs to give back: where it was loaded from, and what others write beside it.
_BOOKKEEPING = {"name_or_path", "_commit_hash", "processor_class", "is_local", "local_files_only", "tokenizer_class"}
_LONGEST = 80
# Tokens that nobody's vocabulary has, one special and one not.
_ADDED, _SPECIAL = "qzxjword", "<|qzxj|>"


def processor_roundtrip(tiny: TinyModel) -> None:
    """Assert that each processor is loaded as the same class, says the same of itself, and is saved as the same files.

    It gives the same for the same texts, with tokens that were added to it too, for an image or for a sound.
    """
    problems = []
    with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
        built = _built(tiny)
        for kind, one in built.items():  # before any is asked for something, which they may share
            one.save_pretrained(f"{folder}/{kind}/built")
        for kind, one in built.items():
            again = _loaded(tiny, kind, f"{folder}/{kind}/built")
            again.save_pretrained(f"{folder}/{kind}/loaded")
            twice = _loaded(tiny, kind, f"{folder}/{kind}/loaded")
            twice.save_pretrained(f"{folder}/{kind}/twice")
            # What saving does to the one that is saved, a fresh one shows.
            different = [
                *differences(one, _loaded(tiny, kind, f"{folder}/{kind}/built")),
                *_different_files(f"{folder}/{kind}/loaded", f"{folder}/{kind}/twice"),
            ]
            reads_added = reason(tiny, "processor_roundtrip", "never_added") is None
            if not different and kind == "tokenizer" and reads_added:
                different += _without_what_was_added(again)
            if not different and kind in ("image_processor", "feature_extractor"):
                different += _different_answers(tiny, kind, one, again)
            problems += [f"{type(one).__name__}: {problem}" for problem in different]
    if problems:
        raise AssertionError("; ".join(problems))


def _loaded(tiny: TinyModel, kind: str, folder: str) -> Any:
    """Return what the auto class of its kind loads of a saved processor, beside its model's configuration."""
    with tempfile.TemporaryDirectory(prefix="hfci-") as whole:
        shutil.copytree(folder, whole, dirs_exist_ok=True)
        tiny.config.save_pretrained(whole)
        return getattr(transformers, _AUTO[kind]).from_pretrained(whole)


def _built(tiny: TinyModel) -> dict[str, Any]:
    """Return kind → processor, of those that there are, newly built. The one that bundles the others comes last.

    What a tokenizer saves depends on what it was asked before: padding that NougatTokenizer begins with a call ends.
    """
    processors = tiny.new_processors()
    built = {**processors.parts, "processor": processors.processor}
    if any(one is not None for one in built.values()):
        return {kind: one for kind, one in built.items() if one is not None}
    for kind in processors.refused:
        try:
            build_part(tiny, kind)
        except Refused as error:
            raise StageError("check", tiny.model_type, tiny.architecture, error) from error
    raise NotApplicable("there are no processors for its model type")


def differences(one: Any, again: Any) -> Iterator[str]:
    """Yield where a processor that was loaded is another than the one that was saved: class, texts, what it says."""
    if type(again) is not type(one):
        yield f"it is loaded as a {type(again).__name__}"
    elif isinstance(one, transformers.PreTrainedTokenizerBase):
        yield from _different_tokenizers(one, again)
    elif isinstance(one, transformers.ProcessorMixin):
        attributes: list[str] = type(one).get_attributes()  # type: ignore[no-untyped-call]
        for name in attributes:
            first, second = getattr(one, name), getattr(again, name)
            yield from (f"its {name}: {problem}" for problem in _different_parts(first, second))
        yield from _different_values(_said_of(one), _said_of(again))
    else:
        yield from _different_values(_said_of(one), _said_of(again))


def _different_parts(one: Any, again: Any) -> Iterator[str]:
    if type(again) is not type(one):
        yield f"it is loaded as a {type(again).__name__}"
    elif isinstance(one, transformers.PreTrainedTokenizerBase):
        yield from _different_tokenizers(one, again)
    else:
        yield from _different_values(_said_of(one), _said_of(again))


def _different_tokenizers(one: Any, again: Any) -> Iterator[str]:
    if len(one) != len(again):
        yield f"it has {len(one)} tokens, and {len(again)} once loaded"
    for name in ("special_tokens_map", "all_special_tokens", "padding_side", "model_max_length", "chat_template"):
        first, second = getattr(one, name), getattr(again, name)
        if (sorted(first) if isinstance(first, list) else first) != (
            sorted(second) if isinstance(second, list) else second
        ):
            yield f"{name} is {first!r}, and {second!r} once loaded"
    for text in (*TEXTS, f"cat {' '.join(one.all_special_tokens)} mat"):
        first, second = encoded(one, text), encoded(again, text)
        if first.keys() != second.keys() or any(list(first[name]) != list(second[name]) for name in first):
            yield f"{text!r} is {first['input_ids'][:12]}, and {second['input_ids'][:12]} once loaded"
        elif one.decode(first["input_ids"]) != again.decode(first["input_ids"]):
            yield f"the tokens of {text!r} are another text once loaded"


def _different_answers(tiny: TinyModel, kind: str, one: Any, again: Any) -> Iterator[str]:
    """Yield where what is made of an image or a sound is another once loaded."""
    drawn = names_excepted(tiny, "processor_roundtrip", "drawn")
    first, second = (
        {name: value for name, value in answer_to_a_sample(tiny, kind, each).items() if name not in drawn}
        for each in (one, again)
    )
    if wrong := difference(first, second):
        yield f"once loaded it gives something else: {wrong}"


def _without_what_was_added(tokenizer: Any) -> Iterator[str]:
    """Yield what is lost of tokens added to a tokenizer, which is nobody else's, once it is saved and loaded."""
    before = len(tokenizer)
    tokenizer.add_tokens([_ADDED])
    tokenizer.add_special_tokens({"extra_special_tokens": [_SPECIAL]}, replace_extra_special_tokens=False)
    if len(tokenizer) != before + 2:
        yield f"two tokens are added to {before}, and it has {len(tokenizer)}"
    with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
        tokenizer.save_pretrained(folder)
        again = type(tokenizer).from_pretrained(folder)
    for token in (_ADDED, _SPECIAL):
        number = tokenizer.convert_tokens_to_ids(token)
        for which, ids in (("added", tokenizer), ("saved and loaded", again)):
            text = f"cat {token} mat"
            if number not in encoded(ids, text, add_special_tokens=False)["input_ids"]:
                yield f"{token}, {which}, is not the token {number} in {text!r}"
    if (_SPECIAL in again.all_special_tokens, _ADDED in again.all_special_tokens) != (True, False):
        yield f"of {_SPECIAL} and {_ADDED} the first is special, and no longer once loaded"


def _said_of(one: Any) -> dict[str, Any]:
    """Return what a processor says of itself, as plain data."""
    plain: dict[str, Any] = json.loads(one.to_json_string())
    return plain


def _different_values(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted((first.keys() | second.keys()) - _BOOKKEEPING):
        one, other = first.get(name), second.get(name)
        if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            one, other = ({str(place): value for place, value in enumerate(values)} for values in (one, other))
        if isinstance(one, dict) and isinstance(other, dict):
            yield from (f"{name}.{problem}" for problem in _different_values(one, other))
        elif one != other:
            yield f"{name} is {_shown(one)}, and {_shown(other)} once loaded"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _different_files(first: str, second: str) -> Iterator[str]:
    """Yield what differs of the files of two folders; JSON may be spelt in any way, and say where it is from."""
    names = [
        {str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()}
        for folder in (first, second)
    ]
    if names[0] != names[1]:
        yield f"it saves {sorted(names[0] - names[1])}, and once loaded {sorted(names[1] - names[0])} instead"
    for name in sorted(names[0] & names[1]):
        one, other = (Path(folder, name) for folder in (first, second))
        if name.endswith(".json"):
            pair = [json.loads(path.read_text(encoding="utf-8")) for path in (one, other)]
            if all(isinstance(content, dict) for content in pair):
                yield from (f"{name}: {problem}" for problem in _different_values(*pair))
            elif pair[0] != pair[1]:
                yield f"{name} is another once loaded"
        elif one.read_bytes() != other.read_bytes():
            yield f"{name} is another once loaded"
