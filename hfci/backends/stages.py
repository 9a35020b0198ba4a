"""Where on its way from a model to outputs a backend stops, and at which operator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from hfci.errors import FOREIGN, StageError

__all__ = ["STOPS", "Stopped", "at_stage", "operator_in"]

# The stages that a backend may stop at, in their order; what it gives is then compared.
STOPS = ("export", "compile", "run")

# How torch, its exporters and ONNX's name an operator in what they raise. The first that is found is told.
_OPERATORS = re.compile(
    r"OpOverload\(op='(?P<overload>[\w.]+)'"  # ONNX: No decompositions registered for <OpOverload(op='aten.eig', …)>
    r"|(?P<dotted>\b(?:torch\.ops\.)?(?:aten|prims|prim|quantized|torchvision|higher_order)\.\w+(?:\.\w+)?)"
    r"|(?P<colons>\b(?:aten|prims|prim|quantized|torchvision|onnx|com\.microsoft)::\w+(?:\.\w+)?)"
    r"|Caused by: \(?(?P<caused>torch\.[\w.]+|_?[\w.]+)\("  # torch.export: Could not guard on data-dependent expression
    r"|call_(?:function|method) (?:<[^>]*?\b(?:method|function) )?(?P<called>\w+)"
    r"|running (?P<node>\w+) node\b"  # ONNX Runtime: Non-zero status code returned while running Gather node
)


class Stopped(Exception):
    """A backend stopped at a stage; `__cause__` is what it raised."""

    def __init__(self, stage: str, cause: BaseException) -> None:
        """Keep the stage."""
        self.stage = stage
        super().__init__(f"{type(cause).__name__}: {cause}")


@contextmanager
def at_stage(stage: str) -> Iterator[None]:
    """Have what is raised within say at which of `STOPS` it was; what says that already goes through.

    For the functions of backends too, whose making of a callable is `compile` as long as they say nothing else.
    """
    if stage not in STOPS:
        raise ValueError(f"no stage {stage!r}: a backend stops at one of {', '.join(STOPS)}")
    try:
        yield
    except (Stopped, StageError):
        raise
    except FOREIGN as error:
        raise Stopped(stage, error) from error


def operator_in(message: str) -> str | None:
    """Return the operator that the message of an exception names; None where it names none."""
    match = _OPERATORS.search(message)
    return next(filter(None, match.groups()), None) if match else None
