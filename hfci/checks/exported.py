"""Does what a backend makes of a model compute what the model does?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from transformers import Cache

from hfci.backends.exporters import registered
from hfci.backends.registry import backends_installed
from hfci.catalog import transformers_version
from hfci.checks.agreement import disagreements
from hfci.checks.applicability import NotApplicable
from hfci.checks.made_by_backend import given_by, making
from hfci.checks.running import copied, outputs_of, set_everywhere
from hfci.checks.table import CHECKS
from hfci.errors import Deviates
from hfci.tiny.bundles import is_bundle

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["exported_equals_eager"]

# What a layer of a cache keeps; a model may have several caches.
_OF_A_CACHE = re.compile(r"\.layers\[\d+\]\.(?:keys|values)$")

# What transformers' exporters refuse, since it is for a loss: inputs, and a field of a configuration.
_FOR_A_LOSS = ("labels", "future_values")
_LOSS_BY_DEFAULT = "return_loss"
# What it is made for, and as many other rows, which it has not seen.
_ROWS = {"": (0, 1), ", of rows that it was not made with,": (2, 3)}


def exported_equals_eager(tiny: TinyModel, *, backend: str) -> None:
    """Assert that what `backend` makes of the model and its inputs gives what the model gives.

    Of those inputs and, where they have the same shapes, of others: numbers of the first must not stay in it. It is
    asked as for inference, without what a loss is made of. Raises StageError where it stops: `forward` where the model
    itself does, else `export`, `compile` or `run`; NotApplicable where the installed transformers has no such exporter
    (there were none before 5.23), or where the model has no forward, or one that takes what has a state of its own.
    """
    usual = CHECKS[exported_equals_eager.__name__].axes["backend"]
    if backend in usual and backend not in {*registered(), *backends_installed()}:
        raise NotApplicable(f"transformers {transformers_version()} has no exporter {backend!r}")
    if backend in registered() and not is_bundle(tiny.model) and type(tiny.model).forward is nn.Module.forward:
        raise NotApplicable("it has no forward, which is what transformers' exporters export")
    if backend in registered() and (kept := next(filter(_is_state, tree_leaves(tiny.inputs())), None)) is not None:
        raise NotApplicable(f"its forward takes a {type(kept).__name__}, whose state no exporter takes for an input")
    if getattr(tiny.config, _LOSS_BY_DEFAULT, False):
        tiny = copied(tiny)
        set_everywhere(tiny.model, **{_LOSS_BY_DEFAULT: False})
    other = copied(tiny)
    outputs = [outputs_of(tiny, _for_inference(tiny, rows)) for rows in _ROWS.values()]
    run = making(other, backend, _for_inference(other))
    shapes = None
    for (told, rows), wanted in zip(_ROWS.items(), outputs, strict=True):
        inputs = _for_inference(tiny, rows)
        if shapes not in (None, shapes := {name: tensor.shape for name, tensor in wanted.items()}):
            return
        with torch.no_grad():
            got = given_by(other, run, inputs)
        if backend in registered():
            got |= _within_windows(got, wanted)
        if problems := disagreements(tiny, got, wanted, lambda: outputs_of(tiny, _for_inference(tiny, rows))):  # noqa: B023
            raise Deviates(f"by {backend}{told} it gives another {'; '.join(map(str, problems[:5]))}", problems[0])


def _is_state(leaf: Any) -> bool:
    """Say whether an input is neither a tensor nor a constant nor made of those: it keeps what a model has seen.

    Of a cache transformers' exporters know what it is made of, and of a dataclass torch's can be told.
    """
    return not isinstance(leaf, (Tensor, Cache, int, float, str, type(None))) and not is_dataclass(leaf)


def _for_inference(tiny: TinyModel, rows: tuple[int, ...] = (0, 1)) -> dict[str, Any]:
    """Return the inputs without those that are for a loss."""
    return {name: value for name, value in tiny.inputs(rows).items() if name not in _FOR_A_LOSS}


def _within_windows(got: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return of each cache the latest tokens, as many as the model keeps.

    transformers' exporters trace a layer that keeps its sliding window as one that keeps everything, and the mask hides
    what is beyond it (exporter_dynamo.py, 5.24.0, L233): that is no other output.
    """
    kept = {}
    for name in filter(_OF_A_CACHE.search, wanted.keys() & got.keys()):
        tensor, shape = got[name], wanted[name].shape
        if tensor.dim() == len(shape) == 4 and tensor.shape[2] > shape[2]:  # rows, heads, tokens, numbers
            kept[name] = tensor[:, :, -shape[2] :]
    return kept
