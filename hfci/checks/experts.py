"""Do the implementations of experts agree: one expert at a time, all in one batch, or grouped?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from hfci.checks.applicability import NotApplicable
from hfci.checks.floor import different
from hfci.checks.running import copied, outputs_of, reference
from hfci.checks.sequences import one_token, said_of_each, texts_of
from hfci.errors import StageError

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["eager_equals_batched_experts"]

# Expert by expert, which is each model's own code, and what transformers has for all that runs wherever torch does.
_IMPLEMENTATIONS = ("eager", "batched_mm", "grouped_mm")


def eager_equals_batched_experts(tiny: TinyModel) -> None:
    """Assert that experts computed one by one give what they give in one batch, and grouped.

    And that every module of experts is computed as `set_experts_implementation` was asked for. Of a text alone one
    token is asked too, by which an expert is chosen once or not at all.

    Raises `NotApplicable` where no module of experts runs that can be computed in several ways.
    """
    experts = [path for path, module in tiny.model.named_modules() if _has_implementations(module)]
    if not experts:
        raise NotApplicable("it has no experts that can be computed in several ways")
    problems = []
    short = _one_token(tiny)
    wanted: dict[str, Tensor] = {}
    for name in _IMPLEMENTATIONS:
        switched = copied(tiny)
        switched.model.set_experts_implementation(name)
        used: dict[str, str] = {}
        for path in experts:
            switched.model.get_submodule(path).register_forward_pre_hook(_noting(used, path))
        outputs = outputs_of(switched)
        if not used:
            raise NotApplicable("none of its experts runs")
        if others := [f"{path} {implementation}" for path, implementation in used.items() if implementation != name]:
            problems.append(f"asked for {name}, {', '.join(others[:4])} is used")
        problems += [f"{name} changes {difference}" for difference in different(tiny, outputs, reference(tiny))]
        if short is not None:
            outputs = outputs_of(switched, short)
            wanted = wanted or outputs
            problems += [f"of one token {name} changes {difference}" for difference in different(tiny, outputs, wanted)]
    if problems:
        raise AssertionError("; ".join(problems))


def _one_token(tiny: TinyModel) -> dict[str, Any] | None:
    """Return inputs of a row of one token; None where a text is not all that it is fed, or may not be so short."""
    (name, *others), inputs = texts_of(tiny) or [""], tiny.inputs((0,))
    if not name or others or inputs.keys() != said_of_each(inputs, name).keys():
        return None
    short = one_token(inputs, name)
    try:
        outputs_of(tiny, dict(short))
    except StageError:
        return None
    return short


def _has_implementations(module: nn.Module) -> bool:
    """Tell whether transformers' decorator made the class of a module one that computes its experts as it is told."""
    return hasattr(module, "has_gate") and hasattr(module, "is_concatenated")


def _noting(used: dict[str, str], path: str) -> Any:
    def note(module: Any, _: Any) -> None:
        used[path] = module.config._experts_implementation

    return note
