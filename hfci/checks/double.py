"""A tiny model in float64, whose float error is half a billion times smaller than that of float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch

from hfci.checks.running import copied
from hfci.checks.tensors import cast
from hfci.tiny import TinyModel

__all__ = ["in_double"]


@dataclass
class _Double(TinyModel):
    """A tiny model that computes in float64, on the inputs of the one that it was made of, which asks that for some."""

    single: TinyModel | None = None

    def inputs(self, rows: Sequence[int] = (0, 1)) -> dict[str, Any]:
        assert self.single is not None
        made: dict[str, Any] = cast(self.single.inputs(rows), torch.float64)
        return made


def in_double(tiny: TinyModel) -> TinyModel:
    """Return a copy of `tiny` that computes in float64; whether its forward runs in it is not tried."""
    model = copied(tiny).model.double()
    model.set_experts_implementation("eager")  # the grouped kernels know no float64
    own = {each.name: getattr(tiny, each.name) for each in fields(TinyModel) if each.init}
    return _Double(**{**own, "model": model, "single": tiny})
