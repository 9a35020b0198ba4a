"""Parameters that rightly do nothing or get no gradient: the rules that name them, the proof that each must give."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from hfci.checks.exceptions import names_excepted
from hfci.checks.floor import allowed
from hfci.checks.goldens import CAP
from hfci.checks.inert_rules import InertRule, inert_rules
from hfci.checks.perturbing import perturbed
from hfci.checks.running import outputs_of, reference
from hfci.checks.tensors import FLOAT_ERROR, relative_difference, same_bits
from hfci.parsing import Pattern

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["inert_reasons", "unexplained", "unproven"]


def unexplained(tiny: TinyModel, suspects: Collection[str], among: Collection[str] | None = None) -> dict[str, str]:
    """Return the suspects of which no rule and no exception says why they are inert, or one that does not hold.

    Each with what to add of such a rule: nothing where there is none. It holds where moving them moves no output, of
    those `among` or of all.
    """
    rules = inert_reasons(tiny, suspects)
    refuted = unproven(tiny, rules, among)
    said = {
        name: f"; the rule {rules[name].name!r} does not hold: moving the parameter changes {moved}"
        for name, moved in refuted.items()
    }
    return {name: said.get(name, "") for name in suspects if name not in rules or name in refuted}


def inert_reasons(tiny: TinyModel, suspects: Collection[str]) -> dict[str, InertRule]:
    """Return for each suspect that a rule speaks of the first such rule; exceptions go first.

    An exception does not say which proof it gives, so either will do.
    """
    excepted = names_excepted(tiny, "gradients_reach_every_parameter", "inert")
    own = [InertRule("exception", why, re.compile(pattern), proof=None) for pattern, why in excepted.items()]
    names = {name for name, _ in tiny.model.named_parameters(remove_duplicate=False)}
    fed = set(_fed(tiny.inputs()))
    by_name = {
        name: next((rule for rule in (*own, *inert_rules()) if rule.matches(name, names, fed)), None)
        for name in suspects
    }
    return {name: rule for name, rule in by_name.items() if rule is not None}


def _fed(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of arguments, those of each model of a bundle too."""
    for name, value in inputs.items():
        yield name
        if isinstance(value, Mapping):
            yield from _fed(value)


def _differs_by_float_error(tiny: TinyModel, name: str, old: Tensor, new: Tensor) -> bool:
    difference = relative_difference(old, new)
    # float error is measured only where it could be what they differ by
    return difference <= FLOAT_ERROR or (difference <= CAP and difference <= allowed(tiny, name))


# Proof -> how far the parameter is moved, and which outputs count as left where they were.
_PROOFS: dict[str, tuple[float, Callable[[TinyModel, str, Tensor, Tensor], bool]]] = {
    "any size": (1.0, _differs_by_float_error),
    "small step": (1e-4, lambda _, __, old, new: same_bits(old, new)),
}


def unproven(tiny: TinyModel, claims: Mapping[str, InertRule], among: Collection[str] | None = None) -> dict[str, str]:
    """Return of the claimed parameters those that move an output, of those `among` or any, each with what it moved.

    The parameters of one proof are moved together first, since as a rule all claims are true, and halved until
    those that are not are found. What a rule says to act through a choice must act: all such parameters of one holder,
    moved by their own size, move an output.
    """
    if not claims:
        return {}
    outputs = {name: tensor for name, tensor in reference(tiny).items() if among is None or name in among}

    def moves(names: Collection[str], proof: str, stored: Pattern | None) -> str | None:
        step, left_alone = _PROOFS[proof]
        with perturbed(tiny.model, names, step):
            # clones, since an output may be a parameter
            new = {name: tensor.clone() for name, tensor in outputs_of(tiny).items()}
        return next(
            (
                name
                for name in outputs
                if not (stored and stored.fullmatch(name))
                and (
                    name not in new
                    or outputs[name].shape != new[name].shape
                    or not left_alone(tiny, name, outputs[name], new[name])
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
    parameters = [name for name, _ in tiny.model.named_parameters()]
    choosing: dict[tuple[InertRule, str], list[str]] = {}
    for name, rule in claims.items():
        if rule.proof == "small step" and name not in refutations:
            choosing.setdefault((rule, rule.holder(name)), []).append(name)
    for (rule, holder), names in choosing.items():
        beside = [name for name in parameters if rule.parameter.fullmatch(name) and rule.holder(name) == holder]
        if moves(beside, "any size", rule.stored) is None:
            refutations |= dict.fromkeys(names, "nothing, by its own size either, so it chooses nothing")
    return refutations


def _accepted(rule: InertRule) -> tuple[str, ...]:
    return tuple(_PROOFS) if rule.proof is None else (rule.proof,)
