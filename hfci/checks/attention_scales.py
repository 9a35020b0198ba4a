"""Is an attention scaled by a size of its heads?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from torch import nn

from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import names_excepted
from hfci.tiny.inputs.context import configs

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["scores_are_scaled_by_a_size"]

_LIBRARY = "transformers."
_SCALES = ("scaling", "scale")
# What such a number is called where a configuration has it, and what sizes are called.
_DECLARED = re.compile("scal|multiplier")
_SIZE = re.compile("dim|size")
_HEADS = re.compile("head")


def scores_are_scaled_by_a_size(tiny: TinyModel) -> None:
    """Assert that the scale of an attention is one over the root of a size that it has, or what a field says.

    That is the attribute `scaling`, or `scale`, of a module that has a size of its heads.

    Raises `NotApplicable` where no module has both.
    """
    allowed = [1.0, *_said(tiny.config)]
    found = {name: (module, scale) for name, module, scale in _scaled(tiny.model)}
    if not found:
        raise NotApplicable("no module of it has a number by which it scales scores beside a size of its heads")
    excepted = names_excepted(tiny, scores_are_scaled_by_a_size.__name__, "otherwise")
    wrong = []
    for name, (module, scale) in sorted(found.items()):
        own = [value**-0.5 for value in _sizes(module).values()]
        is_right = any(math.isclose(scale, value, rel_tol=1e-6) for value in (*own, *allowed))
        if is_right == any(re.fullmatch(pattern, name) for pattern in excepted):
            sizes = ", ".join(f"{size} {value}" for size, value in _sizes(module).items())
            wrong.append(f"{name} ({type(module).__name__}) by {scale:.4g}, with {sizes}")
    if wrong:
        raise AssertionError(f"scores are scaled by no size: {'; '.join(wrong[:8])}")


def _scaled(model: nn.Module) -> Iterator[tuple[str, nn.Module, float]]:
    for name, module in model.named_modules():
        if type(module).__module__.startswith(_LIBRARY) and any(map(_HEADS.search, _sizes(module))):
            for attribute in _SCALES:
                if _is_number(scale := vars(module).get(attribute)):
                    yield name, module, float(scale)
                    break


def _said(config: Any) -> Iterator[float]:
    """Yield what fields say of a scale: a number, or one of which it is one over the root."""
    for part in configs(config):
        for name, value in part.to_dict().items():
            if _is_number(value) and _DECLARED.search(name):
                yield float(value)
            if _is_number(value) and value > 0 and (_DECLARED.search(name) or _SIZE.search(name)):
                yield float(value) ** -0.5


def _sizes(module: nn.Module) -> dict[str, int]:
    return {
        name: value
        for name, value in vars(module).items()
        if _SIZE.search(name) and isinstance(value, int) and not isinstance(value, bool) and value > 0
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
