"""Does a model leave nothing behind of what it did: in itself, in its configuration, in what it was given?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from hfci.checks.applicability import NotApplicable
from hfci.checks.generation import generating, write
from hfci.checks.running import NO_SPEC_AUGMENT, copied, discard_recorders, outputs_of, run, seeded, set_everywhere
from hfci.checks.sequences import PADDED, one_token, padded, reads_texts, texts_of
from hfci.checks.tensors import floating, named_tensors, relative_difference, same_bits
from hfci.errors import StageError

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["config_is_not_changed", "state_is_not_left_behind"]


def state_is_not_left_behind(tiny: TinyModel) -> None:
    """Assert that a model gives the bits that it gave, whatever it was asked in between.

    In between are fewer rows and more, texts that are longer and padded, or one token long, a backward pass in train
    mode, after which its weights and running means are put back, and a generation. The hidden states are asked for too,
    where a part within that records them was asked for its own before.
    """
    tiny = _copy(tiny)
    wanted = _bits(outputs_of(tiny))
    problems = []
    for what, act in _acts(tiny):
        _ask(act)
        got = outputs_of(tiny)
        if changes := _changes(wanted, got):
            problems.append(f"after {what}: {', '.join(changes[:3])}")
            wanted = _bits(got)
    if recorded := _after_parts(tiny):
        problems.append(f"in its hidden states, after parts were asked for theirs: {', '.join(recorded[:3])}")
    if problems:
        raise AssertionError("it gives others than before " + "; ".join(problems))


def _ask(act: Callable[[], Any]) -> None:
    """Do `act`; that it stops is for other checks to tell, and must leave nothing behind either."""
    with suppress(StageError):
        act()


def _copy(tiny: TinyModel) -> TinyModel:
    """Return a copy without SpecAugment, which refuses a sound shorter than its masks."""
    other = copied(tiny)
    set_everywhere(other.model, **NO_SPEC_AUGMENT)
    return other


def _bits(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return clones: a model may return its own buffers, or its inputs, which another forward would change."""
    return {name: tensor.clone() for name, tensor in tensors.items()}


def _changes(wanted: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> list[str]:
    return [
        f"{name} {_difference(wanted.get(name), got.get(name))}"
        for name in dict.fromkeys([*wanted, *got])
        if name not in wanted or name not in got or not same_bits(wanted[name], got[name])
    ]


def _difference(old: Tensor | None, new: Tensor | None) -> str:
    if old is None or new is None:
        return "is new" if old is None else "is gone"
    if old.shape != new.shape or old.dtype != new.dtype:
        return f"was {old.dtype} {tuple(old.shape)}, is {new.dtype} {tuple(new.shape)}"
    return f"by {relative_difference(old, new):.1e} of its magnitude"


def _acts(tiny: TinyModel) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield what a model is asked in between, and what that is called."""
    yield "one row", lambda: outputs_of(tiny, tiny.inputs((0,)))
    yield "three rows", lambda: outputs_of(tiny, tiny.inputs((2, 3, 4)))
    if reads_texts(tiny):
        for side in PADDED:
            yield f"a longer text, padded on the {side}", partial(outputs_of, tiny, padded(tiny, side)[0])
    for name in texts_of(tiny):
        yield f"{name} of one token", partial(outputs_of, tiny, one_token(tiny.inputs(), name))
    yield "a backward pass in train mode", lambda: _learn(tiny)
    if _generates(tiny):
        yield "a generation", lambda: write(tiny, tiny.inputs(), on_copy=False)


def _generates(tiny: TinyModel) -> bool:
    try:
        return bool(tiny.model.can_generate()) and generating(tiny) is tiny
    except NotApplicable:
        return False


def _learn(tiny: TinyModel) -> None:
    kept = {name: tensor.clone() for name, tensor in tiny.model.state_dict().items()}
    tiny.model.train()
    try:
        with torch.enable_grad(), seeded(tiny):
            outputs = floating(named_tensors(tiny.forward()))
            if scores := [tensor.sum() for tensor in outputs.values() if tensor.requires_grad]:
                torch.autograd.backward(scores)
    finally:
        tiny.model.eval()
        tiny.model.zero_grad()
        tiny.model.load_state_dict(kept)


def _after_parts(tiny: TinyModel) -> list[str]:
    """Return how the hidden states differ where parts within, that record them, were asked for theirs before.

    The first call that forward makes of each is made again, alone.
    """
    calls: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
    parts = {
        name: part
        for name, part in tiny.model.named_modules()
        if name and isinstance(part, PreTrainedModel) and "hidden_states" in (part._can_record_outputs or {})
    }
    if not parts:
        return []

    def keep(name: str, _: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        if name not in calls:  # as they were: a cache among them is about to be filled
            calls[name] = copy.deepcopy((arguments, options))

    hooks = [part.register_forward_pre_hook(partial(keep, name), with_kwargs=True) for name, part in parts.items()]
    flag = {"output_hidden_states": True}
    wanted = _bits(outputs_of(tiny, tiny.inputs() | flag))
    for hook in hooks:
        hook.remove()
    discard_recorders(tiny.model)
    with torch.no_grad():
        for name, (arguments, options) in calls.items():
            with seeded(tiny):
                parts[name](*arguments, **options | flag)
    return _changes(wanted, outputs_of(tiny, tiny.inputs() | flag))


def config_is_not_changed(tiny: TinyModel) -> None:
    """Assert that building, a forward and a generation leave configurations as they were, and inputs too."""
    config = copy.deepcopy(tiny.config)
    before = copy.deepcopy(config.to_dict())
    with torch.random.fork_rng(devices=[]):
        type(tiny.model)(config)
    problems = [f"building changes {change}" for change in _differences(before, config.to_dict())]
    tiny = _copy(tiny)
    acts: dict[str, Callable[[Any], Any]] = {"running": lambda inputs: run(tiny, inputs)}
    if _generates(tiny):
        acts["generating"] = lambda inputs: _ask(partial(write, tiny, inputs, on_copy=False))
    for what, act in acts.items():
        before, settings = _settings(tiny)
        inputs = tiny.inputs()
        original = _bits(named_tensors(inputs))
        act(inputs)
        kept = named_tensors(inputs)
        after = {name: kept[name] for name in original.keys() & kept.keys()}  # what a session adds to itself is its own
        problems += [f"{what} changes {change}" for change in _differences(before, _settings(tiny)[0])]
        problems += [
            f"{what} changes generation_config {change}" for change in _differences(settings, _settings(tiny)[1])
        ]
        problems += [f"{what} changes what it was given, {change}" for change in _changes(original, after)]
    if problems:
        raise AssertionError("; ".join(problems))


def _settings(tiny: TinyModel) -> tuple[Any, Any]:
    generation = getattr(tiny.model, "generation_config", None)
    return copy.deepcopy(tiny.model.config.to_dict()), generation and copy.deepcopy(generation.to_dict())


def _differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Yield the places in nested mappings in which the two differ."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            place = f"{where}.{key}" if where else str(key)
            if key in old and key in new:
                yield from _differences(old[key], new[key], place)
            else:
                yield f"{place}, {'which was not there' if key in new else 'which is gone'}"
    elif old != new and not (old != old and new != new):
        yield f"{where} from {old!r:.60} to {new!r:.60}"
