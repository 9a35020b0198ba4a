"""Do routers among experts tell what they chose by, and is the loss that balances them what its definition says?"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedModel

from hfci.catalog.facts import forward_parameters, input_modalities
from hfci.catalog.outputs import output_fields
from hfci.checks.applicability import NotApplicable
from hfci.checks.running import rebuilt, run
from hfci.checks.sequences import PADDED, padded, reads_texts
from hfci.checks.tensors import FLOAT_ERROR, named_tensors
from hfci.tiny.inputs.context import configs

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["router_logits_and_auxiliary_loss_match_definition"]

# Of what encodes and decodes, each half has fields of its own.
_HALVES = ("", "encoder_", "decoder_")
# How far a loss may be from its definition, computed in float64 of the same logits: the rounding of means in float32.
_ROUNDING = 1e-5


def router_logits_and_auxiliary_loss_match_definition(tiny: TinyModel) -> None:
    """Assert that a model gives, asked for them, the logits of each choice among experts once, and the loss of them.

    A router is known by what it does: a module that finds, for each token, the largest of as many numbers as there are
    experts. For each token that it did so for there must be one row of logits, and those are no probabilities. Weights
    of the chosen add up to the same for each token where the configuration has them renormalised.

    The auxiliary loss is that of equations (4) to (6) of Switch Transformers (arXiv:2101.03961), recomputed in float64
    of those rows that are no padding, the z-loss that of equation (5) of ST-MoE (arXiv:2202.08906), and both add to the
    loss as much as the configuration says.

    Raises `NotApplicable` where no layer chooses among experts.
    """
    calls = _calls_of(tiny)
    choices = [choice for call in calls for choice in call.choices()]
    outputs = run(tiny, output_router_logits=True)
    logits = {half: _logits(outputs, half) for half in _HALVES}
    numbers = {rows.shape[-1] for parts in logits.values() for rows in parts} or _numbers_of_experts(tiny)
    routed = [choice for choice in choices if choice.experts in numbers]
    if not routed and not any(logits.values()):
        raise NotApplicable("no layer of its tiny model chooses among experts")
    _assert_once(logits, routed)
    _assert_renormalised(tiny, calls)
    _assert_losses(tiny, routed[0].chosen)


@dataclass(frozen=True)
class _Choice:
    """That in a call of a module `chosen` of so many `experts` were found for each of `tokens`."""

    experts: int
    tokens: int
    chosen: int


@dataclass(eq=False)
class _Call:
    """A call of a module: what it was given, what it looked for the largest in, and how many it took, if it said so."""

    module: nn.Module
    given: tuple[Any, ...]
    looked: list[tuple[Tensor, int | None]] = field(default_factory=list)

    def choices(self) -> Iterator[_Choice]:
        """Yield what was chosen among; of several steps (first groups, then of those) the last says how many."""
        for experts in {tensor.shape[-1] for tensor, _ in self.looked}:
            steps = {id(tensor): (tensor, best) for tensor, best in self.looked if tensor.shape[-1] == experts}
            tensor, best = list(steps.values())[-1]
            yield _Choice(experts, tensor.numel() // experts, len(steps) if best is None else best)


class _Looking(TorchFunctionMode):
    """Notes, as long as it is entered, with the innermost of the calls that are `running`, what it looks in."""

    def __init__(self, running: Sequence[_Call]) -> None:
        """Note with the last of `running`."""
        super().__init__()
        self.running = running

    def __torch_function__(self, function: Any, types: Any, args: Any = (), options: Any = None) -> Any:
        """Run the function, and note what it looked in, and how many it found for each row."""
        result = function(*args, **(options or {}))
        name = getattr(function, "__name__", "")
        if self.running and name in ("topk", "argmax", "max") and isinstance(args[0], Tensor) and args[0].ndim > 1:
            self.running[-1].looked.append((args[0], result[0].shape[-1] if name == "topk" else None))
        return result


@contextmanager
def _calls() -> Iterator[tuple[list[_Call], list[_Call]]]:
    """Give the calls of modules that were made, and those that are running, as long as it is entered."""
    made: list[_Call] = []
    running: list[_Call] = []

    def begin(module: nn.Module, given: tuple[Any, ...]) -> None:
        running.append(_Call(module, given))
        made.append(running[-1])

    def end(*_: Any) -> None:
        running.pop()

    handles = [register_module_forward_pre_hook(begin), register_module_forward_hook(end, always_call=True)]
    try:
        yield made, running
    finally:
        for handle in handles:
            handle.remove()


def _calls_of(tiny: TinyModel) -> list[_Call]:
    """Return the calls of modules in a forward, in the parts that read texts: a tower has experts of its own."""
    with _calls() as (made, running), _Looking(running):
        run(tiny)
    elsewhere = {
        module
        for part in tiny.model.modules()
        if isinstance(part, PreTrainedModel) and "text" not in input_modalities(type(part))
        for module in part.modules()
    }
    return [call for call in made if call.module not in elsewhere]


def _logits(outputs: Any, half: str) -> list[Tensor]:
    return list(named_tensors(outputs.get(f"{half}router_logits")).values())


def _numbers_of_experts(tiny: TinyModel) -> set[int]:
    """Return the numbers in its configuration that may be those of experts."""
    fields = (pair for part in configs(tiny.config) for pair in vars(part).items())
    return {value for name, value in fields if name.endswith("experts") and type(value) is int and value > 1}


def _assert_once(logits: Mapping[str, Sequence[Tensor]], routed: Sequence[_Choice]) -> None:
    wanted, got = sum(choice.tokens for choice in routed), 0
    for half, parts in logits.items():
        rows = [part.numel() // part.shape[-1] for part in parts]
        got += sum(rows)
        if len(set(rows)) > 1:
            raise AssertionError(f"{half}router_logits are of {rows} tokens, not of the same in each layer")
        for number, part in enumerate(parts):
            if bool((part >= 0).all()) and bool(torch.allclose(part.sum(-1).double(), torch.ones(1).double())):
                raise AssertionError(f"{half}router_logits[{number}] holds probabilities, no logits")
    if got != wanted:
        raise AssertionError(
            f"its routers chose {len(routed)} times, for {wanted} tokens in all, and with output_router_logits=True "
            f"there are {sum(map(len, logits.values()))} router logits, of {got}"
        )


def _assert_renormalised(tiny: TinyModel, calls: Sequence[_Call]) -> None:
    """Assert that, where `norm_topk_prob` is true, the weights that experts are handed add up to one sum everywhere."""
    if not any(getattr(part, "norm_topk_prob", False) is True for part in configs(tiny.config)):
        return
    for call in calls:
        if list(inspect.signature(call.module.forward).parameters)[2:3] == ["top_k_weights"]:
            sums = call.given[2].sum(-1)
            if float(sums.max() - sums.min()) > FLOAT_ERROR * float(sums.max()):
                where = next(name for name, module in tiny.model.named_modules() if module is call.module)
                raise AssertionError(
                    f"norm_topk_prob: weights for {where} add up to {sums.min():.4g} … {sums.max():.4g}"
                )


@dataclass(frozen=True)
class _Loss:
    """A loss of router logits: its field of the outputs, the field of the configuration that weighs it, and its value.

    That is made, in float64, of the logits (layers, tokens, experts), or (layers, texts, tokens, experts) where each
    text is by itself, of whether each token is none that pads, and of the number of experts chosen for each.
    """

    name: str
    weight: re.Pattern[str]
    value: Callable[[Tensor, Tensor, int], Tensor]


def _balance(logits: Tensor, real: Tensor, chosen: int) -> Tensor:
    """Return the experts' number times the sum, over experts, of the tokens sent to it by its mean probability."""
    experts = logits.shape[-1]
    probabilities = logits.softmax(-1)
    sent = functional.one_hot(probabilities.topk(chosen).indices, experts).sum(-2).double()
    means = [
        (part * real[..., None]).sum((0, -2)) / (real.sum(-1, keepdim=True) * len(logits))
        for part in (sent, probabilities)
    ]
    return experts * (means[0] * means[1]).sum(-1).mean()


def _size(logits: Tensor, _: Tensor, __: int) -> Tensor:
    return logits.logsumexp(-1).square().mean()


_LOSSES = (
    _Loss("aux_loss", re.compile(r"(aux_loss_coef|moe_loss_weight)$"), _balance),
    _Loss("z_loss", re.compile(r"router_z_loss_coef$"), _size),
)


def _assert_losses(tiny: TinyModel, chosen: int) -> None:
    """Assert that each loss that the outputs have a field for, and the configuration a weight, is what it should be."""
    config, fields = copy.deepcopy(tiny.config), output_fields(type(tiny.model))
    due = []
    for loss in _LOSSES:
        owners = [(part, name) for part in configs(config) for name in vars(part) if loss.weight.search(name)]
        if owners and any(f"{half}{loss.name}" in fields for half in _HALVES):
            due.append(loss)
        for part, name in owners:
            setattr(part, name, 1.0)  # a smaller one would hide what a rounding of the whole loss hides
    if due:
        weighed = rebuilt(tiny, config)
        for side in ("", *(PADDED if reads_texts(tiny) else ())):
            inputs = padded(tiny, side)[0] if side else tiny.inputs()
            _assert_recomputed(weighed, inputs, due, chosen, f"padded on the {side}, " if side else "")


def _assert_recomputed(
    tiny: TinyModel, inputs: Mapping[str, Any], due: Sequence[_Loss], chosen: int, where: str
) -> None:
    labels = {}
    if "labels" in forward_parameters(type(tiny.model)):
        labels["labels"] = inputs["decoder_input_ids" if "decoder_input_ids" in inputs else "input_ids"]
    outputs, total, fields = (
        run(tiny, inputs, **labels, output_router_logits=True),
        0.0,
        output_fields(type(tiny.model)),
    )
    for half in _HALVES:
        if not (parts := _logits(outputs, half)):
            continue
        logits = torch.stack([part.double() for part in parts])
        mask = inputs.get("decoder_attention_mask" if half == "decoder_" else "attention_mask")
        real = torch.ones(logits.shape[1:-1]) if mask is None else mask.reshape(logits.shape[1:-1])
        for loss in due:
            if (name := f"{half}{loss.name}") not in fields:
                continue
            wanted = float(loss.value(logits, real.double(), chosen))
            total += wanted
            if not isinstance(value := outputs.get(name), Tensor):
                raise AssertionError(f"{where}{name} is {value!r:.40}, by its definition {wanted:.7g}")
            _assert_close(f"{where}{name}", float(value), wanted)
    if labels:
        plain, whole = (run(tiny, inputs, **labels, output_router_logits=flag).loss for flag in (False, True))
        _assert_close(f"{where}what the loss gains by it", float(whole - plain), total)


def _assert_close(what: str, value: float, wanted: float) -> None:
    if not abs(value - wanted) <= _ROUNDING * max(1.0, abs(wanted)):
        raise AssertionError(f"{what} is {value:.7g}, by its definition {wanted:.7g}")
