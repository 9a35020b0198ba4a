"""Tokenizers of transformers' own classes, with a vocabulary learnt from the project's own corpus."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfci.tiny.processors.chat import chat_template, chats
from hfci.tiny.processors.files import file_parameters, pieces_for, spelling_of, write_files
from hfci.tiny.processors.pieces import SPACE, Pieces, learn, learn_unigrams, model_of
from hfci.tiny.processors.plan import Plan, Wanted, default_tokens, parameters_of, plan_for, wanted_by
from hfci.tiny.processors.recipes import tokenizer_recipe

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["build_tokenizer", "make_tokenizer"]

# What a special token, and one that no text needs, weighs in a vocabulary of scores.
_SPECIAL, _NEVER = 0.0, -100.0


def build_tokenizer(cls: type[Any], tiny: TinyModel) -> Any:
    """Return a `cls` for `tiny`: its IDs lie in the vocabulary of `tiny`, special ones where the configuration says."""
    tokenizer = make_tokenizer(cls, wanted_by(tiny))
    if chats(tiny.model_type):
        tokenizer.chat_template = chat_template({})
    return tokenizer


def make_tokenizer(cls: type[Any], wanted: Wanted) -> Any:
    """Return a `cls` as it is wanted: handed its vocabulary, or read from files, or with the one that it always has."""
    from transformers import TokenizersBackend

    if "vocab" in parameters_of(cls) and issubclass(cls, TokenizersBackend):
        return _of_vocabulary(cls, wanted)
    if cls is TokenizersBackend or (issubclass(cls, TokenizersBackend) and "__init__" not in vars(cls)):
        return _of_pieces(cls, wanted) if wanted.spelling == "unigrams" else _of_bytes(cls, wanted)
    return _of_files(cls, wanted) if file_parameters(cls) else cls()


def _of_vocabulary(cls: type[Any], wanted: Wanted) -> Any:
    """Return a `cls` that is handed its vocabulary, and otherwise cuts texts as it does by default."""
    known = parameters_of(cls)
    own_arguments = dict(tokenizer_recipe(cls.__name__).arguments)
    empty = _empty(cls, own_arguments)
    model = model_of(empty._tokenizer)
    plan = plan_for(cls, wanted, model.get("unk_id"))
    own = empty.get_vocab()
    pieces = learn(empty._tokenizer, plan.room(own))
    table = plan.table(pieces.tokens, own)
    options: dict[str, Any] = {"vocab": {token: place for place, token in enumerate(table)}}
    if model["type"] == "Unigram":
        options["vocab"] = _scored(table, pieces, {*plan.special, *own})
        if "_spm_precompiled_charsmap" in known:
            options["_spm_precompiled_charsmap"] = pieces.charsmap
    elif "merges" in known:
        options["merges"] = list(pieces.merges)
    return cls(**options, **own_arguments, **_arguments(cls, plan, empty.extra_special_tokens))


def _empty(cls: type[Any], arguments: dict[str, Any]) -> Any:
    """Return a `cls` of no words but its own. Not every class of scored words can be made of none (pegasus)."""
    try:
        empty = cls(**arguments)
    except ValueError:
        tokens = dict.fromkeys(reversed(default_tokens(cls).values()))
        return cls(vocab=[(token, _SPECIAL) for token in tokens], **arguments)
    if model_of(empty._tokenizer)["type"] == "Unigram":
        return empty
    return cls(vocab=empty.get_vocab(), **arguments)  # what cuts its words may look them up (roformer)


def _of_bytes(cls: type[Any], wanted: Wanted) -> Any:
    """Return a `cls` that may be any tokenizer: one of byte pairs."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    plan = plan_for(cls, wanted)
    pieces = learn(backend, plan.room())
    table = plan.table(pieces.tokens, {})
    backend.model = models.BPE({token: place for place, token in enumerate(table)}, list(pieces.merges))
    if wanted.ends:
        end = plan.tokens["eos_token"]
        backend.post_processor = processors.TemplateProcessing(
            single=f"$A {end}", pair=f"$A {end} $B {end}", special_tokens=[(end, table.index(end))]
        )
    return cls(tokenizer_object=backend, **_arguments(cls, plan))


def _of_pieces(cls: type[Any], wanted: Wanted) -> Any:
    """Return a `cls` that may be any tokenizer: one of SentencePiece's pieces, the first of each text a space.

    What a processor spells out is a piece too, behind that space, and no token for which a text is cut.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers

    plan = plan_for(cls, wanted)
    pieces = learn_unigrams(plan.room())
    table = plan.table(pieces.tokens, {})
    scored = _scored(table, pieces, {*plan.special})
    backend = Tokenizer(models.Unigram(scored, unk_id=table.index(plan.tokens["unk_token"])))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    backend.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return cls(tokenizer_object=backend, **plan.tokens)


def _of_files(cls: type[Any], wanted: Wanted) -> Any:
    """Return a `cls` that reads its vocabulary from files; they go with it.

    What it numbers by itself, the codes of languages say, it counts on from what the files hold, which is then fewer.
    """
    recipe = tokenizer_recipe(cls.__name__)
    files = file_parameters(cls)
    spelling = spelling_of(files, recipe)
    spelt = [text for one in recipe.tokens for text in _spelt_out(one)]
    folder = Path(tempfile.mkdtemp(prefix="hfci-"))
    more = 0
    while True:
        fewer = Wanted(wanted.size - more, wanted.ids, wanted.tokens)
        plan = plan_for(cls, fewer)
        pieces = pieces_for(spelling, plan.room(spelt), recipe)
        table = plan.table((*spelt, *pieces.tokens), {})
        paths = write_files(folder, files, table, pieces, plan, recipe)
        made = cls(**paths, **recipe.arguments, **_arguments(cls, plan))
        numbered = {*made.get_vocab().values(), *getattr(made, "lang_code_to_id", {}).values()}
        surplus = max(len(made), 1 + max(numbered)) - wanted.size
        if surplus <= 0 or more:
            break
        more = surplus
    weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True)
    return made


def _spelt_out(token: str) -> Sequence[str]:
    """Return a token, or where it is one for each byte, all of them."""
    return [token.format(byte) for byte in range(256)] if "{}" in token else [token]


def _scored(table: Sequence[str], pieces: Pieces, special: set[str]) -> list[tuple[str, float]]:
    """Return each token of a vocabulary with its score."""
    scores = dict(zip(pieces.tokens, pieces.scores, strict=True)) | dict.fromkeys(special, _SPECIAL)
    return [(token, scores.get(token, _NEVER)) for token in table]


def _arguments(cls: type[Any], plan: Plan, own: Sequence[str] = ()) -> dict[str, Any]:
    """Return the special tokens of a plan that are not the class's by default, which has some `own` without names."""
    defaults = default_tokens(cls)
    changed = {name: token for name, token in plan.tokens.items() if defaults.get(name) != token}
    extra = [token for token in dict.fromkeys((*own, *plan.extra)) if token not in plan.tokens.values()]
    return {**changed, **plan.asked, **({"extra_special_tokens": extra} if plan.extra else {})}
