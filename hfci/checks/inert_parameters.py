"""Parameters that rightly get no gradient: the rules that name them, and the proof each must give."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hfci.checks.directions import direction
from hfci.checks.exceptions import names_excepted
from hfci.checks.inert_rules import InertRule, inert_rules
from hfci.checks.running import discard_derived_state, outputs_of, reference
from hfci.checks.tensors import FLOAT_ERROR, relative_difference, same_bits
from hfci.parsing import Pattern

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["inert_reasons", "perturbed", "unproven"]


def inert_reasons(tiny: TinyModel, suspects: Collection[str]) -> dict[str, InertRule]:
    """Return for each suspect that a rule speaks of the first such rule; exceptions go first.

    An exception does not say which proof it gives, so either will do.
    """
    excepted = names_excepted(tiny, "gradients_reach_every_parameter", "inert")
    own = [InertRule("exception", why, re.compile(pattern), proof=None) for pattern, why in excepted.items()]
    names = {name for name, _ in tiny.model.named_parameters(remove_duplicate=False)}
    by_name = {
        name: next((rule for rule in (*own, *inert_rules()) if rule.matches(name, names)), None) for name in suspects
    }
    return {name: rule for name, rule in by_name.items() if rule is not None}


@contextmanager
def perturbed(model: nn.Module, names: Collection[str], step: float, label: str = "") -> Iterator[None]:
    """Move each named parameter in a fixed random direction by `step` times its size; put it back after.

    The size is the root mean square, 1 where that is 0. The direction depends on the parameter's name and
    shape and on `label`.
    """
    parameters = {name: p for name, p in model.named_parameters() if name in names and p.is_floating_point()}
    old = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    try:
        with torch.no_grad():
            for name, parameter in parameters.items():
                size = float(old[name].abs().square().mean().sqrt()) or 1.0
                parameter.add_(direction(f"{label} {name}", parameter) * (step * size))
        discard_derived_state(model)
        yield
    finally:
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(old[name])
        discard_derived_state(model)


# Proof -> how far the parameter is moved, and which outputs count as left where they were.
_PROOFS: dict[str, tuple[float, Callable[[Tensor, Tensor], bool]]] = {
    "any size": (1.0, lambda old, new: relative_difference(old, new) <= FLOAT_ERROR),
    "small step": (1e-4, same_bits),
}


def unproven(tiny: TinyModel, claims: Mapping[str, InertRule]) -> dict[str, str]:
    """Return of the claimed parameters those that move an output, each with what it moved.

    The parameters of one proof are moved together first, since as a rule all claims are true, and halved until
    those that are not are found. What a rule says to act through a choice must act: all such parameters of one holder,
    moved by their own size, move an output.
    """
    if not claims:
        return {}
    outputs = reference(tiny)

    def moves(names: Collection[str], proof: str, stored: Pattern | None) -> str | None:
        step, left_alone = _PROOFS[proof]
        with perturbed(tiny.model, names, step):
            new = outputs_of(tiny)
            return next(
                (
                    name
                    for name in outputs
                    if not (stored and stored.fullmatch(name))
                    and (
                        name not in new
                        or outputs[name].shape != new[name].shape
                        or not left_alone(outputs[name], new[name])
                    )
                ),
                None,
            )

    def refuted(names: list[str], proofs: tuple[str, ...], stored: Pattern | None) -> dict[str, str]:
        moved = [moves(names, proof, stored) for proof in proofs]
        if None in moved:
            return {}
        if len(names) == 1:
            return {names[0]: str(moved[-1])}
        middle = len(names) // 2
        return refuted(names[:middle], proofs, stored) | refuted(names[middle:], proofs, stored)

    groups: dict[tuple[tuple[str, ...], Pattern | None, Pattern | None], list[str]] = {}
    for name, rule in claims.items():
        # The patterns of exceptions may each give another proof.
        key = (_accepted(rule), rule.stored, rule.parameter if rule.proof is None else None)
        groups.setdefault(key, []).append(name)
    refutations = {
        name: moved_output
        for (proofs, stored, _), names in groups.items()
        for name, moved_output in refuted(names, proofs, stored).items()
    }
    choosing: dict[tuple[InertRule, str], list[str]] = {}
    for name, rule in claims.items():
        if rule.proof == "small step" and name not in refutations:
            choosing.setdefault((rule, rule.holder(name)), []).append(name)
    for (rule, _), names in choosing.items():
        if moves(names, "any size", rule.stored) is None:
            refutations |= dict.fromkeys(names, "nothing, by its own size either, so it chooses nothing")
    return refutations


def _accepted(rule: InertRule) -> tuple[str, ...]:
    return tuple(_PROOFS) if rule.proof is None else (rule.proof,)
