"""Do the flags that ask for more outputs give them, and change nothing else?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.module import register_module_forward_hook
from transformers import PreTrainedModel
from transformers.utils.generic import ModelOutput

from hfci.catalog.facts import forward_parameters
from hfci.catalog.outputs import output_fields
from hfci.checks.applicability import NotApplicable
from hfci.checks.attention import Calls, attending
from hfci.checks.floor import different
from hfci.checks.running import reference, run
from hfci.checks.tensors import named_tensors

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["every_output_flag_fills_its_field"]

# A model, and an output of it.
_Made = tuple[PreTrainedModel, ModelOutput]

# Flag → the fields of the outputs that it is to fill.
_FLAGS = {
    "output_hidden_states": ("hidden_states", "encoder_hidden_states", "decoder_hidden_states"),
    "output_attentions": ("attentions", "encoder_attentions", "decoder_attentions", "cross_attentions"),
    "output_router_logits": ("router_logits", "encoder_router_logits", "decoder_router_logits"),
}


def every_output_flag_fills_its_field(tiny: TinyModel) -> None:
    """Assert that each `output_…` flag fills the fields that the outputs declare for it, and changes no other.

    A field is due where a model within says that it records such things, and runs the layers that make them, or where
    forward has the flag as a parameter. What the model itself records there is of each layer that ran, once. Where its
    outputs hold those of a model within (`image_outputs`), the flag is to fill their fields too. Maps of attention come
    out of attention that is computed step by step only, so there they are asked for; other outputs stay as they were in
    the model as it was built.

    Raises `NotApplicable` where no field is due.
    """
    fields = output_fields(type(tiny.model))
    problems, asked = [], 0
    for flag, names in _FLAGS.items():
        declared = [name for name in names if name in fields]
        if not declared:
            continue
        outputs, due, counts, left = _asked_for(tiny, flag, declared)
        asked += len(due)
        problems += [f"{flag} leaves {name} empty" for name in left]
        for name in due:
            kept, counted = outputs.get(fields[name]), counts.get(name)
            if not named_tensors(kept):
                problems.append(f"{flag} leaves {name} empty")
            elif counted and len(kept) not in counted:
                problems.append(f"{flag} gives {len(kept)} {name}, and {min(counted)} layers that make them ran")
        if due:
            own = tuple(fields[name] for name in declared)
            rest = {name: tensor for name, tensor in reference(tiny).items() if not name.startswith(own)}
            with_flag = named_tensors(run(tiny, tiny.inputs() | {flag: True}))
            problems += [f"{flag} changes {difference}" for difference in different(tiny, with_flag, rest)]
    if not asked:
        raise NotApplicable("no model within it says that it records what its outputs have a field for")
    if problems:
        raise AssertionError("; ".join(problems))


def _asked_for(tiny: TinyModel, flag: str, fields: list[str]) -> tuple[Any, list[str], dict[str, set[int]], list[str]]:
    """Return the outputs with `flag`, which of `fields` are due there, and how many there may be of each.

    And which fields of outputs within them are due there, and empty.
    """
    if flag == "output_attentions":  # some say that they can switch, and cannot; or are another once they have run
        tiny = attending(tiny, "eager", anew=True)
    with _layers_that_run() as (ran, made):
        outputs = run(tiny, tiny.inputs() | {flag: True})
    left = list(_left_empty(outputs, _FLAGS[flag][0], ran, made))
    counts: dict[str, set[int]] = {}
    due = []
    for name in fields:
        kind = name.removeprefix("encoder_").removeprefix("decoder_")
        if kind != name and not getattr(tiny.config, "is_encoder_decoder", False):
            continue  # a decoder alone shares its output class with the whole
        makers = {frozenset(_layers(part, kind)) for part in tiny.model.modules()} - {frozenset()}
        if any(ran[layer] for layers in makers for layer in layers) or _has_parameter(tiny, kind, flag):
            due.append(name)
        if kind == name and len(makers) == 1 and not _takes_in_a_part(tiny.model, flag):
            times = [ran[layer] for layer in next(iter(makers)) if ran[layer]]
            counts[name] = {len(times), sum(times)}  # some run their layers several times, and keep them once
            if name == "hidden_states":  # before them, at times, what the first layer gets
                counts[name] |= {number + 1 for number in counts[name]}
    return outputs, due, counts, left


def _left_empty(outputs: Any, kind: str, ran: Counter[nn.Module], made: Mapping[int, _Made]) -> Iterator[str]:
    """Yield the fields of outputs within `outputs` that the model which made these says it records, and left empty."""
    for name, given in outputs.items() if isinstance(outputs, ModelOutput) else ():
        maker, _ = made.get(id(given), (None, None))
        if maker is None or kind not in output_fields(type(maker)) or named_tensors(given.get(kind)):
            continue
        if any(ran[layer] for layer in _layers(maker, kind)):
            yield f"{name}.{kind}"


@contextmanager
def _layers_that_run() -> Iterator[tuple[Counter[nn.Module], dict[int, _Made]]]:
    """Count the calls of every module, those too that a forward itself puts in place of others.

    And say of each output of a model, by its `id`, which model it is of; it is held, so that no other gets that `id`.
    """
    ran: Counter[nn.Module] = Counter()
    made: dict[int, _Made] = {}

    def note(module: nn.Module, _: Any, output: Any) -> None:
        ran.update([module])
        if isinstance(module, PreTrainedModel) and isinstance(output, ModelOutput):
            made[id(output)] = module, output

    handle = register_module_forward_hook(note)
    try:
        yield ran, made
    finally:
        handle.remove()


def _layers(model: nn.Module, kind: str) -> Iterator[nn.Module]:
    """Yield the layers of `model` of which it says that it records `kind`."""
    specs = (getattr(model, "_can_record_outputs", None) or {}).get(kind, [])
    for spec in specs if isinstance(specs, list) else [specs]:
        layer_type = getattr(spec, "target_class", spec)
        ending = spec if isinstance(spec, str) else getattr(spec, "class_name", None)
        within = getattr(spec, "layer_name", None)
        for name, layer in model.named_modules():
            is_one = isinstance(layer_type, (type, tuple)) and isinstance(layer, layer_type)
            if (is_one or (ending is not None and name.endswith(ending))) and (
                within is None or f".{within.strip('.')}." in f".{name}."
            ):
                yield layer


def _takes_in_a_part(model: nn.Module, flag: str) -> bool:
    """Tell whether a part within, that does not say what it records, takes the flag: what it keeps may be given.

    Where the model itself says nothing of what it records, that may be any module (oneformer's decoder); else a model.
    """
    kind = PreTrainedModel if model._can_record_outputs else nn.Module
    return any(
        isinstance(part, kind)
        and part is not model
        and not getattr(part, "_can_record_outputs", None)
        and flag in forward_parameters(type(part))
        for part in model.modules()
    )


def _has_parameter(tiny: TinyModel, kind: str, flag: str) -> bool:
    """Tell whether forward has the flag as a parameter, and computes what it asks for."""
    if flag not in forward_parameters(type(tiny.model)) or kind in ("cross_attentions", "router_logits"):
        return False
    with Calls(functional.softmax, torch.softmax, Tensor.softmax) as softmax:
        run(tiny)
    return kind != "attentions" or softmax.count > 0
