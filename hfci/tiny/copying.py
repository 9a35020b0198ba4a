"""Deep copies of models."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any, TypeVar

from torch import nn

__all__ = ["copy_of"]

_Module = TypeVar("_Module", bound=nn.Module)

_EMPTY = (dict, OrderedDict, set)


def copy_of(model: _Module) -> _Module:
    """Return what `copy.deepcopy(model)` does, in half its time.

    A module has some fifteen dictionaries, of hooks nearly all, and nearly all empty: to take each apart and put it
    together again is more than half of a tiny model's copy. Theirs are made beforehand, where deepcopy looks for what
    it has copied already.
    """
    copies: dict[int, Any] = {}
    for module in model.modules():
        for value in vars(module).values():
            if type(value) in _EMPTY and not value:
                copies[id(value)] = type(value)()
    return copy.deepcopy(model, copies)
