"""Does every trainable parameter learn?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.checks.directions import direction
from hfci.checks.exceptions import reason
from hfci.checks.frozen_parameters import LIFTS, Cuts, frozen_in, lifted
from hfci.checks.inert_parameters import unexplained
from hfci.checks.perturbing import perturbed
from hfci.checks.running import discard_derived_state, seeded
from hfci.checks.tensors import MASKED, floating, named_tensors

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["gradients_reach_every_parameter"]

CHECK = "gradients_reach_every_parameter"

# A gradient this small beside the model's largest could be rounding error, and is looked at again. Measured
# over 23,000 parameters of 303 tiny models, rounding errors reach 3e-6 of the largest; 2e-4 where
# activations of 1e3 saturate an attention (detr on a backbone that amplifies).
_SUSPICIOUS = 1e-3
# It is looked at again with every parameter moved by this fraction of its size: far more than float32
# resolves (6e-8), so that all rounding falls out anew, and far less than a gradient would notice.
_NUDGE = 1e-6
_NUDGES = ("first nudge", "second nudge")
# A gradient that changes by more than this fraction under a nudge is rounding error. Measured over the 35
# tiny models whose gradients had seemed least steady: real ones change by at most 0.1, rounding errors by
# 0.67 and more. (Left out: univnet and mobilebert, filled such that they amplify a nudge a million times.)
_UNSTABLE = 0.3
# A gradient is also too small when it is less than this beside the model's largest and, besides, says that
# moving the parameter by its own size would move the objective (whose fields have length 1) by less than
# this. Measured over 303 tiny models: rounding errors reach 1.3e-6, while the faintest gradients of
# parameters that take part, those of the routers of mixtures of experts, begin at 8.8e-6.
_INVISIBLE = 3e-6


def gradients_reach_every_parameter(tiny: TinyModel) -> None:
    """Assert that every trainable parameter gets a gradient that is more than that gradient's float error.

    The objective is the sum over all differentiable outputs of their product with a fixed random direction,
    each output scaled to length 1. (A plain sum has no gradient behind a layer norm.) A parameter without a
    gradient is accepted where a rule in `data/inert.toml` or an exception says why, and moving it indeed
    leaves the outputs as they are.

    A parameter that an exception says the model itself has frozen must get no gradient, and one as good as any other's
    where the model's own `no_grad` and `detach` are made to do nothing. A model that one says is trained in
    train mode alone is differentiated in that, and must fail in eval mode.

    Raises `NotApplicable` with the exception's reason where the forward is for inference only, and indeed runs so, or
    gives codes only, none of which is indeed differentiable.
    """
    if (why := reason(tiny, "forward_is_finite", "codes_only")) is not None:
        _assert_no_gradient(tiny)
        raise NotApplicable(why)
    if (why := reason(tiny, CHECK, "inference_only")) is not None:
        _assert_inference_only(tiny)
        raise NotApplicable(why)
    parameters = {name: p for name, p in tiny.model.named_parameters() if p.requires_grad}
    if not parameters:
        raise AssertionError(f"{tiny.architecture} has no trainable parameter")
    if reason(tiny, CHECK, "train_mode") is not None:
        _assert_fails_in_eval_mode(tiny)
    gradients = _gradients(tiny, parameters)
    broken = [name for name, gradient in gradients.items() if not bool(torch.isfinite(gradient).all())]
    if broken:
        raise AssertionError(f"gradients are not finite: {', '.join(broken)}")

    largest = max(_size(gradient) for gradient in gradients.values())
    suspects = _rounding_errors(tiny, parameters, gradients, largest)
    lines = [
        f"{name}: largest {_size(gradients[name]):.1e}, {suspects[name]}{claim}"
        for name, claim in unexplained(tiny, suspects).items()
    ]
    if lines:
        raise AssertionError(
            f"{len(lines)} of {len(parameters)} parameters get no gradient "
            f"(the largest in the model is {largest:.1e}):\n" + "\n".join(lines)
        )


def _gradients(tiny: TinyModel, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the objective's gradient for each parameter; zeros where it does not depend on it.

    A frozen parameter's is the one it gets where the model's own cuts are lifted.
    """
    train = reason(tiny, CHECK, "train_mode") is not None
    gradients = _differentiated(tiny, parameters, train=train)
    frozen = frozen_in(tiny, parameters)
    if thawed := [name for name in frozen if gradients[name] is not None]:
        raise AssertionError(
            f"an exception says that these are frozen, and a gradient reaches them: {', '.join(thawed)}"
        )
    for cuts in LIFTS:
        if left := {name: parameters[name] for name in frozen if gradients[name] is None}:
            again = _differentiated(tiny, left, train=train, cuts=cuts)
            # What a lifted cut gives nothing, as rounding behind a straight-through estimator does, another may.
            gradients |= {name: gradient for name, gradient in again.items() if gradient is not None and gradient.any()}
    return {
        name: torch.zeros_like(parameters[name]) if gradient is None else gradient
        for name, gradient in gradients.items()
    }


def _differentiated(
    tiny: TinyModel, parameters: Mapping[str, Tensor], *, train: bool, cuts: Cuts = frozenset()
) -> dict[str, Tensor | None]:
    """Return the objective's gradient for each parameter; None where the graph, `cuts` lifted, does not reach it."""
    discard_derived_state(tiny.model)
    tiny.model.train(train)
    try:
        with torch.enable_grad(), seeded(tiny):
            with lifted(cuts):
                outputs = {name: tensor for name, tensor in _outputs(tiny).items() if tensor.requires_grad}
            if not outputs:
                raise AssertionError(f"no output of {tiny.architecture} is differentiable")
            # `backward`, not `autograd.grad`: a reversible layer (reformer) writes its parameters' gradients itself.
            torch.autograd.backward([_projection(name, tensor) for name, tensor in outputs.items()])
        return {name: parameter.grad for name, parameter in parameters.items()}
    finally:
        tiny.model.zero_grad(set_to_none=True)
        tiny.model.eval()


def _outputs(tiny: TinyModel) -> dict[str, Tensor]:
    return floating(named_tensors(tiny.forward(tiny.inputs())))


def _assert_inference_only(tiny: TinyModel) -> None:
    """Assert that, although gradients are on, every floating output was made in torch's inference mode."""
    with torch.enable_grad(), seeded(tiny):
        outputs = _outputs(tiny)
    if others := [name for name, tensor in outputs.items() if not tensor.is_inference()]:
        raise AssertionError(
            f"an exception says that the forward is for inference only, and outside inference mode it makes "
            f"{', '.join(others)}"
        )


def _assert_no_gradient(tiny: TinyModel) -> None:
    with torch.enable_grad(), seeded(tiny):
        outputs = named_tensors(tiny.forward(tiny.inputs()))
    if learned := [name for name, tensor in outputs.items() if tensor.requires_grad]:
        raise AssertionError(
            f"an exception says that it gives codes only, and a gradient starts at {', '.join(learned)}"
        )


def _assert_fails_in_eval_mode(tiny: TinyModel) -> None:
    try:
        _differentiated(tiny, {}, train=False)
    except (AssertionError, RuntimeError):
        return
    raise AssertionError("an exception says that train mode alone can be differentiated, and eval mode can")


def _projection(name: str, output: Tensor) -> Tensor:
    """Return the output's product with its direction over the output's length, in float64 on the CPU."""
    along = direction(name, output.detach())
    if output.is_complex():
        output, along = torch.view_as_real(output), torch.view_as_real(along)
    detached = output.detach()
    length = _length(detached[torch.isfinite(detached) & (detached > MASKED)]) or 1.0
    projection: Tensor = (output * along).sum().double() / length
    return projection.cpu()


def _rounding_errors(
    tiny: TinyModel, parameters: Mapping[str, Tensor], gradients: Mapping[str, Tensor], largest: float
) -> dict[str, str]:
    """Return the parameters whose gradient is nothing but rounding error, each with how that was seen."""
    suspects = [name for name, gradient in gradients.items() if _size(gradient) < _SUSPICIOUS * largest]
    evidence = {name: "none at all" for name in suspects if not _size(gradients[name])}
    small = [name for name in suspects if name not in evidence]
    everything = {name for name, _ in tiny.model.named_parameters()}
    for nudge in _NUDGES if small else ():
        with perturbed(tiny.model, everything, _NUDGE, nudge):
            again = _gradients(tiny, {name: parameters[name] for name in small})
        for name in small:
            change = _length(again[name] - gradients[name]) / _length(gradients[name])
            if change > _UNSTABLE:
                evidence[name] = f"rounding error: {change:.1e} of it changes when the weights move by {_NUDGE:.0e}"
    for name, gradient in gradients.items():
        effect = _length(gradient) * _length(parameters[name]) / max(1, gradient.numel()) ** 0.5
        if name not in evidence and max(effect, _size(gradient) / largest) < _INVISIBLE:
            evidence[name] = f"moving it by its own size would change the outputs by {effect:.1e}, below float error"
    return {name: evidence[name] for name in gradients if name in evidence}


def _size(gradient: Tensor) -> float:
    return float(gradient.abs().max()) if gradient.numel() else 0.0


def _length(tensor: Tensor) -> float:
    # In float64, where the square of the smallest float32 is not yet 0.
    return float(torch.linalg.vector_norm(tensor.detach().double()))
