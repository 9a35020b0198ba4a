"""Do checkpoints load whole that name and lay out their weights as earlier releases did?"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor
from transformers.conversion_mapping import get_checkpoint_conversion_mapping, get_model_conversion_mapping
from transformers.core_model_loading import revert_weight_conversion

from hfci.checks.applicability import NotApplicable
from hfci.checks.loading import loaded, saved_weights
from hfci.checks.tensors import same_bits

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["old_checkpoint_layout_loads_whole"]


def old_checkpoint_layout_loads_whole(tiny: TinyModel) -> None:
    """Assert that a checkpoint in the layout of earlier releases loads: nothing missing, nothing left over, same bits.

    The layout is what transformers' own conversions, reversed, make of the model's weights: those of its class and its
    parts, prefixes too, which saving does not put back, and those of every model, such as `LayerNorm.gamma`. And a
    checkpoint in today's layout, which saving does not write, must load just so.

    Raises `NotApplicable` where no conversion concerns its weights.
    """
    weights = saved_weights(tiny.model)
    problems, different = [], False
    for name, conversions in _conversions(tiny.model):
        old = _reverted(tiny.model, conversions)
        if old.keys() == weights.keys() and all(old[key].shape == weights[key].shape for key in old):
            continue
        different = True
        problems += [f"{name}: {problem}" for problem in _problems(tiny, old, weights)]
    if not different:
        raise NotApplicable("no conversion that transformers has concerns its weights")
    problems += [
        f"as its classes name them: {problem}" for problem in _problems(tiny, _reverted(tiny.model, []), weights)
    ]
    if problems:
        raise AssertionError("; ".join(problems))


def _conversions(model: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield conversions of earlier layouts, each with what it is called."""
    distinct: dict[Any, Any] = {}
    for entry in get_model_conversion_mapping(model, add_legacy=False):
        # a prefix that the whole and its parts may drop stood there once
        distinct.setdefault(getattr(entry, "prefix_to_remove", None) or id(entry), entry)
    yield "in the layout of earlier releases", list(distinct.values())
    legacy = get_checkpoint_conversion_mapping("legacy") or []  # type: ignore[no-untyped-call]
    # what stands for several names of before cannot tell which of them a model had
    yield "with the names that any model had", [entry for entry in legacy if len(entry.source_patterns) == 1]


def _reverted(model: Any, conversions: list[Any]) -> dict[str, Tensor]:
    """Return the weights of `model` as a checkpoint that these conversions are for has them."""
    weights = {name: tensor.clone() for name, tensor in saved_weights(model).items()}
    if not conversions:
        return weights
    asked = copy.copy(model)
    asked._weight_conversions = conversions
    reverted: dict[str, Tensor] = revert_weight_conversion(asked, weights)
    return reverted


def _problems(tiny: TinyModel, checkpoint: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Iterator[str]:
    config = copy.deepcopy(tiny.config)
    model, report = loaded(type(tiny.model), None, config=config, state_dict=dict(checkpoint))
    for kind, entries in report.items():
        if entries:
            yield f"{kind.replace('_', ' ')} {', '.join(sorted(map(str, entries))[:3])} ({len(entries)})"
            return
    state = model.state_dict()
    if changed := [name for name in weights if name not in state or not same_bits(weights[name], state[name].cpu())]:
        yield f"{len(changed)} weights have other numbers: {', '.join(changed[:4])}"
