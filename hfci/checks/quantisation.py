"""Does a model that is loaded with eight bits a weight compute what rounding its weights so lets it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hfci.checks.floor import misshapen
from hfci.checks.half_precision import distance
from hfci.checks.loading import loaded
from hfci.checks.running import copied, outputs_of
from hfci.checks.tensors import floating
from hfci.errors import Deviates, Deviation

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["quantised_load_stays_close"]

# The steps of eight bits, with a sign, from zero to the largest weight of a row.
_STEPS = 127
# What a model may be off by is so many times what rounding was measured to do to it, a step included, and nothing is
# compared that would have to be allowed more than _CAP: as in half precision, whose rounding is of that size too.
_FACTOR, _CAP = 8.0, 0.5


def quantised_load_stays_close(tiny: TinyModel) -> None:
    """Assert that loaded with eight bits for each weight of its linear layers, a model gives the same, up to rounding.

    What rounding does is measured on a copy whose linear layers have each row of weights rounded to eight bits.
    Something must have been quantised. Raises ImportError where there is no torchao, which does it on a CPU too.
    """
    from torchao.quantization import Int8WeightOnlyConfig
    from transformers import TorchAoConfig

    exact = outputs_of(tiny)
    asked: Any = TorchAoConfig(Int8WeightOnlyConfig())
    model, _ = loaded(type(tiny.model), tiny.checkpoint, quantization_config=asked, dtype=torch.float32)
    quantised = [name for name, weight in model.named_parameters() if type(weight) not in (nn.Parameter, Tensor)]
    if not quantised:
        raise AssertionError("asked for weights of eight bits it loads, and none of them is")
    other = copied(tiny)
    other.model = model.to(tiny.device).eval()
    got = outputs_of(other)
    rounded = copied(tiny)
    with torch.no_grad():
        for layer in rounded.model.modules():
            if isinstance(layer, nn.Linear):
                step = layer.weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / _STEPS
                layer.weight.copy_((layer.weight / step).round() * step)
    near = outputs_of(rounded)
    problems = list(_problems(floating(exact), got, near))
    if problems:
        raise Deviates(f"in eight bits it gives another {'; '.join(map(str, problems[:5]))}", problems[0])


def _problems(exact: dict[str, Tensor], got: dict[str, Tensor], near: dict[str, Tensor]) -> Iterator[Deviation]:
    for name, wanted in exact.items():
        if (unlike := misshapen(name, got.get(name), wanted)) is not None:
            yield unlike
        elif name in near and near[name].shape == wanted.shape:
            limit = _FACTOR * (distance(near[name], wanted) + 1 / _STEPS)
            if (off := distance(got[name], wanted)) > limit and limit < _CAP:
                yield Deviation(name, "", off, limit)
