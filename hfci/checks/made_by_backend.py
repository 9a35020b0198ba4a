"""A tiny model's stand-in, made by a backend: what runs in its place, and at which stage it stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import Tensor

from hfci.backends.registry import Backend, BackendBroken, find_backend
from hfci.backends.stages import Stopped, at_stage
from hfci.catalog.requirements import absent_packages
from hfci.checks.running import seeded
from hfci.checks.tensors import named_tensors
from hfci.errors import Deviates, StageError
from hfci.tiny.bundles import standing_in

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["given_by", "making", "stopping_at"]

Run = Callable[[Mapping[str, Any]], Any]


@contextmanager
def _told(tiny: TinyModel) -> Iterator[None]:
    """Have what stops a backend be an error of its stage; a package that is missing stays one."""
    try:
        yield
    except Stopped as error:
        cause = error.__cause__ or error
        if isinstance(cause, ImportError) and absent_packages(cause):
            raise cause from None
        raise StageError(error.stage, tiny.model_type, tiny.architecture, cause) from cause


@contextmanager
def stopping_at(tiny: TinyModel, stage: str) -> Iterator[None]:
    """Have what is raised within, of a backend or of what it made, be an error of `stage`: StageError."""
    with _told(tiny), at_stage(stage):
        yield


def making(tiny: TinyModel, asked: Backend | str, inputs: Mapping[str, Any], first: str = "run") -> Run:
    """Return what runs in the place of the model of `tiny`, as the backend `asked` makes it of that and `inputs`.

    What it gets is the model itself: hand it a copy. Where nothing but its first call compiles it, `first` says
    `compile`. Raises StageError (`export`, `compile` or `run`), then too where that is called; ImportError where a
    package is missing.
    """

    with stopping_at(tiny, "compile"):
        backend = find_backend(asked) if isinstance(asked, str) else asked

    def make(model: Any, arguments: Mapping[str, Any]) -> Callable[..., Any]:
        with at_stage("compile"):
            made = backend.make(model, arguments)
            if not callable(made):
                said = f"the backend {backend.name} ({backend.origin}) returns a {type(made).__qualname__}"
                raise BackendBroken(f"{said}, which cannot be called")
        return made

    with _told(tiny):
        made = standing_in(tiny.model, inputs, make)
    called = iter((first,))

    def run(arguments: Mapping[str, Any]) -> Any:
        with stopping_at(tiny, next(called, "run")):
            return made(**arguments)

    return run


def given_by(tiny: TinyModel, run: Run, inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the tensors that `run` gives of `inputs`, from the seed of `tiny`, by name.

    Raises `Deviates` where it is no output that hfci can look into, or the inputs themselves, as they were before: a
    video's session keeps what the model gives of a frame.
    """
    before = named_tensors(inputs)  # held, so that nothing else comes to lie where one of them does
    given = {tensor.data_ptr(): name for name, tensor in before.items() if tensor.numel()}
    with seeded(tiny):
        outputs = run(inputs)
    try:
        tensors = named_tensors(outputs)
    except TypeError as error:
        raise Deviates(f"it gives what no model does: {error}") from error
    back = [given[tensor.data_ptr()] for tensor in tensors.values() if tensor.numel() and tensor.data_ptr() in given]
    if outputs is inputs or (tensors and len(back) == len(tensors)):
        raise Deviates(f"it gives back its inputs: {', '.join(back) or type(outputs).__qualname__}")
    return tensors
