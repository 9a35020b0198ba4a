"""Is dropout what it is configured to be: nothing in eval mode, and something in train mode?"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import reason
from hfci.checks.floor import different
from hfci.checks.running import NO_SPEC_AUGMENT, outputs_of, rebuilt, reference, set_everywhere
from hfci.checks.tensors import same_bits
from hfci.tiny.inputs.context import configs

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["drawing_nothing", "dropout_is_off_in_eval_and_on_in_train", "in_train_mode"]

CHECK = "dropout_is_off_in_eval_and_on_in_train"

# The fields of a configuration that say how much is dropped: `attention_dropout`, `attn_pdrop`, `drop_path_rate`.
_FIELD = re.compile(r"dropout|drop_?(prob|path|rate|out)|pdrop")
# These, and those that say how else train mode is random: which layers are left out, how routers are shaken.
_DRAWN = re.compile(rf"{_FIELD.pattern}|layer_?drop|jitter")
_MUCH = 0.5


def dropout_is_off_in_eval_and_on_in_train(tiny: TinyModel) -> None:
    """Assert that with much dropout in its configuration a model gives in eval mode what it gives with none.

    And that in train mode two forwards that start from other seeds differ. Where an exception says that they do not,
    they must not.

    Raises `NotApplicable` where no field of its configuration says how much is dropped.
    """
    fields = [name for part in configs(tiny.config) for name in _fields(part, _FIELD)]
    if not fields:
        raise NotApplicable("no field of its configuration says how much is dropped")
    much = rebuilt(tiny, _with(tiny.config, _FIELD, _MUCH))
    settings = f"{', '.join(dict.fromkeys(fields))} = {_MUCH}"
    problems = different(tiny, outputs_of(much), reference(tiny))
    if reason(tiny, CHECK, "scales") is not None:
        if not problems:
            raise AssertionError(f"an exception says that in eval mode {settings} is seen, and it is not")
    elif problems:
        raise AssertionError(f"in eval mode {settings} changes {'; '.join(problems)}")
    unread = reason(tiny, CHECK, "unread") is not None
    if _draws(much) == unread:
        raise AssertionError(
            f"in train mode {'something' if unread else 'nothing'} is dropped with {settings}"
            + (", of which an exception says that nobody reads it" if unread else "")
        )


def drawing_nothing(tiny: TinyModel) -> TinyModel:
    """Return a copy that is random in no mode, as far as its configuration says how much it is."""
    still = rebuilt(tiny, _with(tiny.config, _DRAWN, 0.0))
    set_everywhere(still.model, **NO_SPEC_AUGMENT)  # not before: by it some tell whether they have a mask's embedding
    return still


def in_train_mode(model: nn.Module) -> None:
    """Put a model in train mode, but for what looks at all of a batch there."""
    for module in model.train().modules():
        if isinstance(module, _BatchNorm):
            module.eval()


def _with(config: Any, pattern: re.Pattern[str], share: float) -> Any:
    """Return a copy of a configuration with each field that `pattern` finds, a share, set to `share`."""
    config = copy.deepcopy(config)
    for part in configs(config):
        for name in list(_fields(part, pattern)):
            if getattr(part, name) != share:  # some take whole numbers alone
                setattr(part, name, share)
    return config


def _fields(config: Any, pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield the fields of one configuration that hold a share, and whose names `pattern` finds."""
    for name, value in vars(config).items():
        if pattern.search(name) and isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            yield name


def _draws(tiny: TinyModel) -> bool:
    """Tell whether in train mode two forwards of the same inputs, of two seeds, differ; masks of sounds aside."""
    set_everywhere(tiny.model, **NO_SPEC_AUGMENT)
    tiny.model.train()
    inputs = tiny.inputs()
    one, two = (outputs_of(replace(tiny, seed=seed), copy.deepcopy(inputs)) for seed in (1, 2))
    tiny.model.eval()
    return any(not same_bits(one[name], two[name]) for name in one.keys() & two.keys())
