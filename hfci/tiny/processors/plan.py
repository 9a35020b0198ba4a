"""Which token has which ID in the vocabulary of one tokenizer."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hfci.catalog import read_row, registries
from hfci.catalog.registered import is_model_code
from hfci.tiny.processors.recipes import Spelling, tokenizer_recipe
from hfci.tiny.processors.special_tokens import ProcessorTokens, ids_by_name, processor_tokens, reader

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["Plan", "Wanted", "default_tokens", "parameters_of", "plan_for", "wanted_by"]

# Tokens of a tokenizer for a model that names no size of its vocabulary.
_SIZE = 512

# What a class that names no special tokens gets, and whichever class where the configuration has an ID for them.
_USUAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}

# In which order the tokens that any tokenizer may have are given the configuration's IDs: one ID may be of two.
_BY_RANK = ("eos_token", "bos_token", "cls_token", "sep_token", "mask_token", "unk_token", "pad_token")


@dataclass
class Plan:
    """A vocabulary of `size`: special tokens by their names in the class, and those that are `at` an ID.

    `asked` are the named tokens that only a processor reads, `extra` special ones that have no name.
    """

    size: int
    tokens: dict[str, str]
    at: dict[str, int]
    asked: Mapping[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()

    @property
    def special(self) -> list[str]:
        """All special tokens, those first whose ID is the smaller one, where nothing says otherwise."""
        usual = sorted(self.at, key=self.at.__getitem__)
        return list(dict.fromkeys((*self.tokens.values(), *usual, *self.asked.values(), *self.extra)))

    def room(self, own: Iterable[str] = ()) -> int:
        """Return how many tokens may stand beside the special ones and those that the class has by itself."""
        return max(0, self.size - len({*self.special, *own}))

    def table(self, pieces: Sequence[str], own: Mapping[str, int]) -> list[str]:
        """Return the token of each ID: special ones and the class's `own` where they belong, then the pieces."""
        table: list[str | None] = [None] * self.size
        for token, place in self.at.items():
            table[place] = token
        seen = set(self.at)
        for token, place in own.items():
            if token not in seen and place < self.size and table[place] is None:
                table[place] = token
                seen.add(token)
        rest = [token for token in dict.fromkeys((*own, *self.special, *pieces)) if token not in seen]
        free = [place for place, token in enumerate(table) if token is None]
        for place, token in zip(free, rest, strict=False):
            table[place] = token
        return [f"[unused{place}]" if token is None else token for place, token in enumerate(table)]


@dataclass(frozen=True)
class Wanted:
    """What a model and its processor class want of a tokenizer: its size, tokens at their IDs, tokens by name.

    Where its class may be any, `masks` says that it has a token that masks, `ends` that it ends each text with one, and
    `spelling` how its pieces are spelt, if not as a letter a byte.
    """

    size: int = _SIZE
    ids: Mapping[str, int] = field(default_factory=dict)
    tokens: ProcessorTokens = field(default_factory=ProcessorTokens)
    masks: bool = False
    ends: bool = False
    spelling: Spelling | None = None


def wanted_by(tiny: TinyModel) -> Wanted:
    """Return what `tiny` and the processor class of its model type want."""
    size = getattr(reader(tiny), "vocab_size", None) or _SIZE
    names = (architecture.name for architecture in read_row(tiny.model_type).architectures)
    tables = frozenset().union(*map(registries.tables_of_class, names))
    bundles = read_row(tiny.model_type).processors.get("processor", ())
    return Wanted(
        size,
        ids_by_name(tiny),
        processor_tokens(tiny.model_type),
        masks="FOR_MASKED_LM" in tables,
        # an encoder-decoder classifies a text by what its decoder makes of the token at the end
        ends="FOR_SEQUENCE_CLASSIFICATION" in tables and bool(getattr(tiny.config, "is_encoder_decoder", False)),
        spelling=next(filter(None, (tokenizer_recipe(name).spelling for name in bundles)), None),
    )


def plan_for(cls: type[Any], wanted: Wanted, unknown: int | None = None) -> Plan:
    """Return the plan of a `cls` as it is wanted, with its unknown token at the ID `unknown`, if it is given."""
    tokens = default_tokens(cls) or _USUAL | ({"mask_token": "<mask>"} if wanted.masks else {})
    at = {} if unknown is None else {tokens["unk_token"]: unknown}
    ids = {name: place for name, place in wanted.ids.items() if place < wanted.size}
    for name in (*_BY_RANK, *tokens):
        if name in ids:
            _place(name, ids[name], tokens, at)
    for name, place in ids.items():
        if name not in tokens and place not in at.values():
            at.setdefault(wanted.tokens.spelling(name), place)
    if "pad_token" not in tokens and "eos_token" in tokens:  # as whoever pads a decoder's texts does
        tokens["pad_token"] = tokens["eos_token"]
    known = {*tokens.values(), *wanted.tokens.asked.values()}
    others = dict.fromkeys((*at, *wanted.tokens.own.values(), *wanted.tokens.spelt))
    return Plan(wanted.size, tokens, at, wanted.tokens.asked, tuple(token for token in others if token not in known))


def _place(name: str, place: int, tokens: dict[str, str], at: dict[str, int]) -> None:
    """Put the token of that name at its ID; a spelling of its own is found for one that has two IDs by its class's."""
    held = next((token for token, other in at.items() if other == place), None)
    if held is not None:
        if name not in tokens or at.get(tokens[name], place) != place or tokens[name] not in at:
            tokens[name] = held
        return
    if name not in tokens or tokens[name] in at:
        taken = {*tokens.values(), *at}
        spellings = (_USUAL.get(name, ""), f"<{name.removesuffix('_token')}>", f"<|{name.removesuffix('_token')}|>")
        tokens[name] = next(spelling for spelling in spellings if spelling and spelling not in taken)
    at[tokens[name]] = place


def default_tokens(cls: type[Any]) -> dict[str, str]:
    """Return the special tokens that a class has by default, by name; those its signature names."""
    return {
        name: str(parameter.default)
        for name, parameter in parameters_of(cls).items()
        if name.endswith("_token") and name not in ("add_bos_token", "add_eos_token")
        if isinstance(parameter.default, str) or hasattr(parameter.default, "content")
    }


def parameters_of(cls: type[Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a class's construction, with those that it hands on to the class it derives from."""
    parameters: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if "__init__" in vars(base) and is_model_code(base.__module__):
            own = inspect.signature(vars(base)["__init__"]).parameters
            parameters = {**own, **parameters}
            if not any(one.kind is one.VAR_KEYWORD for one in own.values()):
                break
    return parameters
