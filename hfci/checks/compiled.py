"""Does a model that torch.compile compiles compute, and learn, what it does uncompiled?"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch._dynamo.exc import RecompileError
from torch._dynamo.utils import counters
from torch.fx.experimental import _config

from hfci.backends.registry import Backend
from hfci.catalog.facts import entry_point
from hfci.checks.agreement import disagreements
from hfci.checks.directions import direction
from hfci.checks.exceptions import reason
from hfci.checks.made_by_backend import Run, given_by, making, stopping_at
from hfci.checks.running import copied, outputs_of
from hfci.checks.tensors import floating, named_tensors
from hfci.errors import Deviates, StageError

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["compiled_equals_eager", "compiles_fullgraph", "uncompiled"]

# Of which torch says no types.
_SHAPES: Any = _config
_KEYS: Any = torch._C._ForceDispatchKeyGuard

# What a graph is made of, and a batch of another size.
_ROWS = ((0, 1), (0, 1, 2))


@contextmanager
def uncompiled() -> Iterator[None]:
    """Let nothing that was compiled before count, nor what is compiled within count afterwards, nor how it stopped.

    What is compiled within a forward in inference mode, and stops, would leave this thread without any operator: torch
    puts back what its dispatcher was while it compiled, and that not until the frames of the error are gone.
    """
    torch._dynamo.reset()
    counters.clear()
    with _KEYS(torch._C._dispatch_tls_local_include_set(), torch._C._dispatch_tls_local_exclude_set()):
        try:
            yield
        except Exception as error:
            _forget_frames(error)
            raise
        finally:
            torch._dynamo.reset()


def _forget_frames(error: BaseException | None) -> None:
    """Empty the frames, but for those that run, of an error and of what it comes of."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def compiled_equals_eager(tiny: TinyModel, *, backend: str) -> None:
    """Assert that compiled by a `backend` of torch.compile, a model gives the same outputs and the same gradients.

    What agrees is what `disagreements` says. Raises StageError where it stops: `forward` where the model itself does,
    else `compile` or `run`.
    """
    with uncompiled():
        other, wanted = copied(tiny), _learned(tiny, tiny.forward)
        got = _learned(other, making(other, backend, other.inputs(), first="compile"))
        if problems := disagreements(tiny, got, wanted, lambda: _learned(tiny, tiny.forward)):
            raise Deviates(f"compiled by {backend} it gives another {'; '.join(map(str, problems[:5]))}", problems[0])


def compiles_fullgraph(tiny: TinyModel) -> None:
    """Assert that the forward is one graph, which does for other sizes of a batch too.

    Its shapes are taken as dynamic: three rows must not have it compiled again, and what the graph gives is what the
    model gives, of two rows and of three. Where an exception says so, only those are that grow with the rows. Sizes
    that happen to be equal are not taken for the same. Graphs are run as they are: what a compiler makes of them is
    `compiled_equals_eager`'s to ask. Raises StageError where it stops: `forward` where the model itself does,
    `compile` where something cannot be in one.
    """
    rows_alone = reason(tiny, "compiles_fullgraph", "rows_alone") is not None
    make = functools.partial(_as_one_graph, dynamic=None if rows_alone else True)
    with uncompiled(), _SHAPES.patch(use_duck_shape=False):
        other, outputs = copied(tiny), [_outputs(tiny, rows) for rows in _ROWS]
        batches = [tiny.inputs(rows) for rows in _ROWS]
        if rows_alone:
            _mark_rows(*batches)
        run = making(other, Backend("fullgraph", make, "torch.compile"), other.inputs(), first="compile")
        for rows, batch, wanted in zip(_ROWS, batches, outputs, strict=True):
            with torch.no_grad(), torch._dynamo.config.patch(error_on_recompile=rows is not _ROWS[0]):
                try:
                    got = given_by(other, run, batch)
                except StageError as error:
                    if not isinstance(error.__cause__, RecompileError):
                        raise
                    why = _failed_guard(error.__cause__)
                    raise AssertionError(f"{len(rows)} rows have it compiled again: {why}") from error
            if problems := disagreements(tiny, got, wanted, functools.partial(_outputs, tiny, rows)):
                said = "; ".join(map(str, problems[:5]))
                raise Deviates(f"as one graph, of {len(rows)} rows, it gives another {said}", problems[0])


def _failed_guard(error: RecompileError) -> str:
    """Return which guard of the graph does not hold, with the line that has put it there, where torch says that."""
    said = str(error).strip().splitlines()
    return next((line.strip(" -") for line in said if line.lstrip().startswith("- ")), said[0] if said else "?")


def _as_one_graph(model: Any, _: Mapping[str, Any], *, dynamic: bool | None) -> Callable[..., Any]:
    compiled: Callable[..., Any] = torch.compile(entry_point(model), backend="eager", fullgraph=True, dynamic=dynamic)
    return compiled


def _mark_rows(*batches: Mapping[str, Any]) -> None:
    """Tell torch's compiler of each tensor which sizes are dynamic: those that differ from batch to batch."""
    for same in zip(*(named_tensors(batch).values() for batch in batches), strict=True):
        for place, sizes in enumerate(zip(*(tensor.shape for tensor in same), strict=True)):
            for tensor in same if len({*sizes}) > 1 else ():
                torch._dynamo.maybe_mark_dynamic(tensor, place)


def _outputs(tiny: TinyModel, rows: tuple[int, ...]) -> dict[str, Tensor]:
    return outputs_of(tiny, tiny.inputs(rows))


def _learned(tiny: TinyModel, run: Run) -> dict[str, Tensor]:
    """Return outputs, and the gradient of each parameter of a fixed sum of them, where there is one in eval mode.

    Where there is none, none may be asked for: a compiler traces the way back with the forward.
    """
    trained_alone = reason(tiny, "gradients_reach_every_parameter", "train_mode") is not None
    tiny.model.zero_grad(set_to_none=True)
    with torch.set_grad_enabled(not trained_alone):
        outputs = given_by(tiny, run, tiny.inputs())
        parts = {name: part for name, part in floating(outputs).items() if part.requires_grad}
        if parts:
            with stopping_at(tiny, "run"):
                torch.autograd.backward([(part * direction(name, part.detach())).sum() for name, part in parts.items()])
    gradients = {
        f"the gradient of {name}": parameter.grad.clone()
        for name, parameter in tiny.model.named_parameters()
        if parameter.grad is not None
    }
    tiny.model.zero_grad(set_to_none=True)
    return {name: tensor.detach() for name, tensor in outputs.items()} | gradients
