"""Does a model turn its queries and keys as the rope type of its configuration says, whatever it read before?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from hfci.catalog.facts import forward_parameters
from hfci.checks.applicability import NotApplicable
from hfci.checks.caches import cut, in_pieces_and_whole, read_in
from hfci.checks.exceptions import excused, reason
from hfci.checks.floor import different
from hfci.checks.generation import generating, write
from hfci.checks.positions import MOVED, moved_on
from hfci.checks.running import outputs_of, rebuilt
from hfci.checks.sequences import is_text
from hfci.checks.tensors import floating, same_bits
from hfci.errors import StageError
from hfci.tiny import TinyModel

__all__ = ["rope_types_agree"]

# What the rope types want beside their name, of a text as long as was trained on and so many frequencies. Factors are
# so large that each type shows in the outputs of a short text.
_PARAMETERS: Mapping[str, Callable[[int, int], dict[str, Any]]] = {
    "default": lambda _, __: {},
    "linear": lambda _, __: {"factor": 4.0},
    "dynamic": lambda _, __: {"factor": 8.0},
    "proportional": lambda _, __: {"factor": 4.0},
    "yarn": lambda trained, _: {"factor": 8.0, "original_max_position_embeddings": trained},
    "llama3": lambda trained, _: {
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": trained,
    },
    "longrope": lambda trained, size: {
        "short_factor": [1.0] * size,
        "long_factor": [4.0] * size,
        "attention_factor": 1.0,
        "original_max_position_embeddings": trained,
        "short_mscale": 1.0,  # these two are Phimoe's own
        "long_mscale": 1.0,
    },
}
# How configurations say that nothing is turned: field, what it says then, and what it says where something is.
_OFF = (("position_embedding_type", None, "rope"), ("use_mem_rope", False, True), ("alibi", True, False))
# The types whose frequencies are those of `default` up to the length that was trained on, and others in longer texts.
_SWITCHING = ("longrope", "dynamic")
# The type that turns all of a head by a share of the angles; a share that a model cuts out of a head cannot be so.
_SHARED = "proportional"
# The share of a head that is turned, and what says beside it how many places that are: then it may be no other.
_SHARE, _COUNTED = "partial_rotary_factor", ("mrope_section", "qk_rope_head_dim")
# So small that in a short text every frequency shows.
_THETA = 100.0
# The type whose frequencies are others with each length beyond that one.
_GROWING = "dynamic"


def rope_types_agree(tiny: TinyModel) -> None:
    """Assert that with each rope type that its configuration takes a model runs, is another, and keeps no state.

    The first half of its text is as long as was trained on. A type whose frequencies depend on the length gives for
    that half what `default` gives, and for the whole text each type gives something else. After the whole text a
    shorter one than was trained on gives what it gave before, bit by bit: one of just that length is left out, since a
    dynamic rope goes on with the frequencies of the longer one there (5.24.0, modeling_rope_utils.py, line 109).
    Behind a cache each gives what it gives without, where states in the cache were made by the same frequencies: both
    of a longrope on one side of the length, and of a dynamic below it. A type that depends on no length turns by
    differences, as `default` does: places that are all moved on by as many change nothing, unless an exception says
    that they are read for themselves too. Where its configuration says which share of a head is turned, and not by
    counting its places, another share makes it another.

    A head that generates has its base's rope, and is asked what it does when it crosses that length: generate gives
    what it gives without a cache, or what reading token by token from the cache gives, at every step.

    Raises `NotApplicable` where its text does not stand alone, or it takes no other type.
    """
    tokens: Any = tiny.inputs().get("input_ids")
    if (
        not is_text(tiny, tokens)
        or tokens.ndim != 2
        or any(not _said_of(tokens, *one) for one in tiny.inputs().items())
    ):
        raise NotApplicable("it reads other inputs than a text, whose length is to be another")
    if not getattr(tiny.config, "rope_parameters", None):
        raise NotApplicable("its configuration turns nothing, as it is built here")
    trained = tokens.shape[1] // 2
    is_head = hasattr(tiny.model, tiny.model.base_model_prefix)
    plain = _built(tiny, _taken(tiny, "default", trained, {}) or tiny.config)
    if plain is None:
        raise NotApplicable("its configuration may be of no type of rope but its own")
    outputs_of(plain)
    asked = [kind for kind in (_SWITCHING if is_head else ROPE_INIT_FUNCTIONS) if kind in _PARAMETERS]
    built = {kind: one for kind in asked if (one := _of_type(tiny, kind, trained, _frequencies(plain)))}
    if not built:
        raise NotApplicable(f"its configuration takes none of {', '.join(asked)}")
    problems = [] if is_head else list(_of_another_share(tiny, plain))
    for kind, one in built.items():
        wrong = _generated(one, trained) if is_head else _problems(one, plain, kind, trained)
        problems += [f"{kind}: {each}" for each in wrong]
    if problems:
        raise AssertionError(f"rope types: {'; '.join(problems)}")


def _said_of(tokens: Tensor, name: str, value: Any) -> bool:
    return not name.startswith("encoder_") and (not isinstance(value, Tensor) or value.shape[:2] == tokens.shape)


def _of_type(tiny: TinyModel, kind: str, trained: int, sizes: Mapping[str, int]) -> TinyModel | None:
    """Return `tiny` with that rope type, its kinds of layers turned by so many angles; None where it is refused."""
    if kind == _GROWING and min(sizes.values(), default=0) < 2:
        return None  # it is defined by how much slower the slowest of several angles turns
    config = _taken(tiny, kind, trained, sizes)
    return None if config is None else _built(tiny, config)


def _taken(tiny: TinyModel, kind: str, trained: int, sizes: Mapping[str, int]) -> Any:
    """Return its configuration with that rope type, `trained` on so many places; None where that cannot be made."""
    fields = tiny.config.to_dict()
    rope = fields["rope_parameters"]
    fields |= {name: on for name, off, on in _OFF if fields.get(name) == off and name in fields}
    if kind == _GROWING:
        name = "max_position_embeddings"
        fields[type(tiny.config).attribute_map.get(name, name)] = trained
    if "original_max_position_embeddings" in fields:
        fields["original_max_position_embeddings"] = trained
    nested = all(isinstance(value, Mapping | None) for value in rope.values())
    parts = rope if nested else {"": rope}
    if kind == _SHARED and any(part and _is_cut(part) for part in parts.values()):
        return None
    new = {name: part and _parameters(part, kind, trained, sizes.get(name, 1)) for name, part in parts.items()}
    fields["rope_parameters"] = new if nested else new[""]
    if (config := _read(tiny, fields)) is None:
        return None
    made = config.rope_parameters.values() if nested else [config.rope_parameters]
    return config if {part["rope_type"] for part in made if part} == {kind} else None


def _is_cut(rope: Mapping[str, Any]) -> bool:
    return rope.get("rope_type") != _SHARED and (rope.get("partial_rotary_factor") or 1.0) < 1.0


def _parameters(old: Mapping[str, Any], kind: str, trained: int, size: int) -> dict[str, Any]:
    kept = {
        name: value for name, value in old.items() if name != "partial_rotary_factor" or old.get("rope_type") != _SHARED
    }
    return {**kept, "rope_theta": _THETA, "rope_type": kind, **_PARAMETERS[kind](trained, size)}


def _frequencies(tiny: TinyModel) -> dict[str, int]:
    """Return how many angles a head is turned by, by kind of layer: of all layers, where all are of one, by ""."""
    angles = {}
    for name, tensor in tiny.model.named_buffers():
        last = name.rpartition(".")[2]
        if last.endswith("inv_freq") and not last.endswith("original_inv_freq"):
            angles[last.removesuffix("inv_freq").removesuffix("_")] = tensor.shape[-1]
    return angles


def _built(tiny: TinyModel, config: Any) -> TinyModel | None:
    """Return `tiny` with that configuration, None where its class refuses it and says why.

    Raises StageError (`build`) where it stops at anything else.
    """
    config._attn_implementation = tiny.config._attn_implementation
    try:
        return rebuilt(tiny, config)
    except ValueError:
        return None
    except Exception as error:
        raise StageError("build", tiny.model_type, tiny.architecture, error) from error


def _of_another_share(tiny: TinyModel, plain: TinyModel) -> Iterator[str]:
    """Yield what is wrong where another share of its heads is turned, if its configuration says which."""
    fields = plain.config.to_dict()
    rope = fields["rope_parameters"]
    parts = [part for part in (rope, *rope.values()) if isinstance(part, dict) and part.get(_SHARE)]
    for part in parts:
        part[_SHARE] = 0.5 if part[_SHARE] == 1.0 else 1.0
    if any(name in named for named in (fields, *parts) for name in _COUNTED):
        return
    if not parts or (config := _read(tiny, fields)) is None or (one := _built(tiny, config)) is None:
        return
    if not different(one, outputs_of(one), floating(outputs_of(plain))):
        yield f"{_SHARE}: it gives what it gives with another share of its heads turned"


def _read(tiny: TinyModel, fields: dict[str, Any]) -> Any:
    """Return its configuration with those fields; None where it is refused."""
    try:
        return type(tiny.config).from_dict(fields)
    except (AttributeError, KeyError, ValueError, StrictDataclassError):
        return None


def _problems(one: TinyModel, plain: TinyModel, kind: str, trained: int) -> Iterator[str]:
    """Yield what is wrong with a model of that rope type, beside one that is `plain`."""
    length = one.inputs()["input_ids"].shape[1]
    short, half, whole = (cut(one.inputs(), 0, end) for end in (trained - 1, trained, length))
    if kind in _SWITCHING and (differences := different(one, outputs_of(one, half), floating(outputs_of(plain, half)))):
        yield f"a text of no more than was trained on is not what it is with default: {'; '.join(differences)}"
    before = {name: tensor.clone() for name, tensor in floating(outputs_of(one, short)).items()}
    long = outputs_of(one, whole)
    after = outputs_of(one, short)
    changed = [name for name, tensor in before.items() if not same_bits(tensor, after[name])]
    if changed:
        yield f"after a longer text it gives others: {', '.join(changed)}"
    if not different(one, long, floating(outputs_of(plain, whole))):
        yield "it gives what it gives with default"
    if kind not in _SWITCHING and not _moved(plain):
        absolute, differences = reason(one, "rope_types_agree", "absolute"), _moved(one)
        if differences and absolute is None:
            yield f"places that are all moved on by {MOVED} change {'; '.join(differences)}"
    for start, end in _from_cache(kind, trained, length):
        if _behind(plain, start, end) or not (differences := _behind(one, start, end)):
            continue  # what a cache does with any rope is other checks' to ask
        yield f"behind a cache of {start} of {end} places: {'; '.join(differences)}"


def _moved(tiny: TinyModel) -> list[str]:
    """Return what changes when all places are moved on by as many; nothing where it takes none."""
    takes_places = "position_ids" in forward_parameters(type(tiny.model)) and "position_ids" not in tiny.inputs()
    return moved_on(tiny) if takes_places else []


def _from_cache(kind: str, trained: int, length: int) -> list[tuple[int, int]]:
    """Return the lengths of texts that a cache may hold, and of those that go on from it, by the same frequencies."""
    below, above = (trained - 1, trained), (trained + 1, length)
    return {"dynamic": [below], "longrope": [below, above]}.get(kind, [(trained, length)])


def _behind(tiny: TinyModel, start: int, end: int) -> list[str]:
    """Return what of a text of `end` places is another when the first are in a cache, if it keeps one."""
    name = forward_parameters(type(tiny.model)).get("cache")
    if name is None or excused(tiny, "cache_equals_no_cache") is not None:
        return []
    outputs_of(tiny, cut(tiny.inputs(), 0, start))  # by a shorter text a dynamic rope forgets a longer one
    try:
        got, wanted = in_pieces_and_whole(tiny, [start, end - start])
    except NotApplicable:
        return []
    return different(tiny, got, {field: tensor for field, tensor in wanted.items() if field in got})


def _generated(one: TinyModel, trained: int) -> Iterator[str]:
    """Yield at which steps generate, crossing what was trained on, gives what neither way to read gives."""
    one = generating(one)
    prompt = cut(one.inputs(), 0, trained - 1)
    written = write(one, prompt)
    slow = write(one, prompt, use_cache=False)

    def problems(wanted: Sequence[Tensor]) -> list[str]:
        names = [f"logits of step {step}" for step in range(len(written.logits))]
        return different(one, *(dict(zip(names, logits, strict=True)) for logits in (written.logits, wanted)))

    if (differences := problems(slow.logits)) and problems(_read_on(one, written.sequences, trained - 1)):
        yield f"beyond {trained} places generate gives with its cache other logits: {'; '.join(differences)}"


def _read_on(tiny: TinyModel, tokens: Tensor, start: int) -> list[Tensor]:
    """Return the last logits for each text from `start` places on, read token by token from the cache."""
    inputs = {"input_ids": tokens}
    if "position_ids" in forward_parameters(type(tiny.model)):
        inputs["position_ids"] = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
    pieces = [start, *[1] * (tokens.shape[1] - 1 - start)]
    return [outputs.logits[:, -1] for outputs in read_in(tiny, pieces, inputs=inputs)]
