"""Does a head load its base's checkpoint, and the base the head's?"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import TYPE_CHECKING, Any

import transformers

from hfci.checks.loading import reloaded, saved_weights
from hfci.checks.tensors import same_bits

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["base_model_loads_into_head_and_back"]


def base_model_loads_into_head_and_back(tiny: TinyModel) -> None:
    """Assert that the base's checkpoint fills a head but for the head's own keys, and that the head's fills the base.

    The base is that which the head holds, built by itself with the same weights: either may have parts for which the
    other has no use (a pooler, a mask token). What both have must be loaded, with its old bits. Back is asked where
    the base is one that transformers offers, of the head's own kind of configuration: a retriever's checkpoint is not
    one of the language model that it is built upon.
    """
    head, prefix = tiny.model, tiny.model.base_model_prefix
    within = getattr(head, prefix)
    base = type(within)._from_config(within.config)
    names = _shared(base, within, head, prefix)
    base.load_state_dict({name: within.state_dict()[name] for name in names}, strict=False)

    into_head = _loaded(base, head, {f"{prefix}.{name}" for name in names})
    _assert_same(within, getattr(into_head, prefix), names, f"{tiny.architecture} from the checkpoint of its base")
    if hasattr(transformers, type(base).__name__) and isinstance(head.config, type(base).config_class):
        into_base = _loaded(head, base, names)
        _assert_same(within, into_base, names, f"{type(base).__name__} from the checkpoint of {tiny.architecture}")


def _shared(base: Any, within: Any, head: Any, prefix: str) -> set[str]:
    """Return the names of the weights that all three save, which in the head stand behind the prefix."""
    built, held, saved = (saved_weights(model) for model in (base, within, head))
    names = {name for name in built.keys() & held.keys() if f"{prefix}.{name}" in saved}
    if not names:
        raise AssertionError(f"no weight of {type(base).__name__} has its name within {type(head).__name__}")
    if other := [name for name in names if built[name].shape != held[name].shape]:
        sizes = [f"{name} {tuple(built[name].shape)} and {tuple(held[name].shape)}" for name in sorted(other)[:4]]
        where = f"{type(base).__name__} by itself and in {type(head).__name__}"
        raise AssertionError(f"{where} has weights of two sizes: {'; '.join(sizes)}")
    return names


def _loaded(source: Any, target: Any, wanted: Set[str]) -> Any:
    """Save `source`, and load what was saved into a model such as `target`, where none of `wanted` may be missing."""
    model, report = reloaded(source, type(target), config=target.config)
    if missing := wanted & set(report["missing_keys"]):
        raise AssertionError(
            f"loading the checkpoint of {type(source).__name__}, {type(target).__name__} misses {len(missing)} of "
            f"{len(wanted)} keys that both have: {_few(missing)}"
        )
    return model


def _assert_same(old: Any, new: Any, names: Set[str], what: str) -> None:
    before, after = old.state_dict(), new.state_dict()
    if different := [name for name in names if name not in after or not same_bits(before[name], after[name])]:
        raise AssertionError(f"{what}: {len(different)} of {len(names)} weights are not the base's: {_few(different)}")


def _few(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return f"{', '.join(ordered[:6])}{f' and {len(ordered) - 6} more' if len(ordered) > 6 else ''}"
