"""Are the weights that a class declares as tied one tensor, whatever happens to the model?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from hfci.checks.loading import loaded, reloaded, saved_weights
from hfci.checks.tensors import same_bits
from hfci.tiny.copying import copy_of
from hfci.tiny.inputs.context import configs
from hfci.tiny.weights import fill

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["tied_weights_stay_tied"]

# The fields of a configuration that ask for ties begin so: `tie_word_embeddings`, `tie_codebooks_embeddings`.
_FLAG = "tie_"


def tied_weights_stay_tied(tiny: TinyModel) -> None:
    """Assert that what the class declares as tied is one tensor where the configuration asks for it, and stays so.

    That is where any of its fields `tie_…` is true. Copied, cast, saved and loaded, and loaded from a checkpoint that
    lacks the copies, with none missing. Where the configuration asks for no tie the two are apart, and both come back.
    """
    pairs = _declared(_built(tiny, tied=True))
    if not pairs:
        raise AssertionError(f"{tiny.architecture} declares ties, of which none is of weights that it has")
    if any(value is True for name, value in vars(tiny.config).items() if name.startswith(_FLAG)):
        _assert_tied(tiny.model, pairs, "built as configured")
    for tied in (True, False):
        model = _built(tiny, tied=tied)
        hold = _assert_tied if tied else _assert_apart
        for what, change in _CHANGES.items():
            if tied or change is not _without_copies:
                when = f"where the configuration asks for {'ties' if tied else 'no tie'}, {what}"
                changed = change(model, pairs)
                hold(changed, pairs, when)
                _assert_whole(model, changed, when)


def _declared(model: Any) -> dict[str, str]:
    """Return target → source of every tie that the class of `model`, whose configuration asks for them, declares."""
    return dict(model.get_expanded_tied_weights_keys(all_submodels=False))


def _built(tiny: TinyModel, *, tied: bool) -> Any:
    config = copy.deepcopy(tiny.config)
    config.tie_word_embeddings = tied  # which a configuration may have without listing it
    for part in configs(config):
        for name in [name for name in vars(part) if name.startswith(_FLAG)]:
            setattr(part, name, tied)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(tiny.seed)
        model = type(tiny.model)._from_config(config).eval()
    fill(model, tiny.seed)
    return model


def _assert_tied(model: Any, pairs: Mapping[str, str], when: str) -> None:
    if apart := [f"{target} and {source}" for target, source in pairs.items() if not _is_one(model, target, source)]:
        raise AssertionError(f"{when}: {'; '.join(apart[:4])} are declared as tied, and are two tensors")


def _assert_apart(model: Any, pairs: Mapping[str, str], when: str) -> None:
    if one := [f"{target} and {source}" for target, source in pairs.items() if _is_one(model, target, source)]:
        raise AssertionError(f"{when}: {'; '.join(one[:4])} are one tensor")


def _is_one(model: Any, target: str, source: str) -> bool:
    first, second = model.get_parameter_or_buffer(target), model.get_parameter_or_buffer(source)
    return bool(first.data_ptr() == second.data_ptr() and first.shape == second.shape)


def _assert_whole(model: Any, changed: Any, when: str) -> None:
    old, new = saved_weights(model), changed.state_dict()
    if lost := [name for name in old if name not in new or not same_bits(old[name], new[name].to(old[name].dtype))]:
        raise AssertionError(f"{when}: {', '.join(lost[:4])} are not what they were ({len(lost)} weights)")


def _copied(model: Any, _: Mapping[str, str]) -> Any:
    return copy.deepcopy(model)  # as people copy one


def _cast(model: Any, _: Mapping[str, str]) -> Any:
    return copy_of(model).to(torch.float64)


def _reloaded(model: Any, _: Mapping[str, str]) -> Any:
    return _whole(*reloaded(model))


def _without_copies(model: Any, pairs: Mapping[str, str]) -> Any:
    weights = {name: tensor for name, tensor in model.state_dict().items() if name not in pairs}
    return _whole(*loaded(type(model), None, config=model.config, state_dict=weights))


def _whole(model: Any, report: Mapping[str, Any]) -> Any:
    if missing := sorted(report["missing_keys"]):
        raise AssertionError(f"loading what the model was made of reports missing keys: {', '.join(missing[:4])}")
    return model


_CHANGES: Mapping[str, Callable[[Any, Mapping[str, str]], Any]] = {
    "built": lambda model, _: model,
    "copied": _copied,
    "cast to float64": _cast,
    "saved and loaded": _reloaded,
    "loaded from a checkpoint without the copies": _without_copies,
}
