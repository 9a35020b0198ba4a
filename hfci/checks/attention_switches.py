"""Is attention that is switched while a model is in use what it is in a model that was built so?"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING

from transformers import PreTrainedModel

from hfci.checks.applicability import NotApplicable
from hfci.checks.attention import attended, switched
from hfci.checks.floor import different
from hfci.checks.running import rebuilt

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["attention_switched_at_run_time_equals_built"]

# What is switched on: attention step by step, or torch's kernel; of a whole, or of the part that a field configures.
_Asked = str | Mapping[str, str]


def attention_switched_at_run_time_equals_built(tiny: TinyModel) -> None:
    """Assert that `set_attn_implementation` makes of a model what it is where it is built so.

    As often calls torch's kernel, and gives the same. From the attention that it has to attention step by step, from
    there to torch's kernel, and to step by step in each model within that has a configuration of its own, while the
    others stay as they are. Models within that cannot switch, as their class says, are nothing to ask about.

    Raises `NotApplicable` where its class, or that of a model within, says that it cannot switch, and where no kernel
    is called in any way.
    """
    parts = [part for part in tiny.model.modules() if isinstance(part, PreTrainedModel)]
    if fixed := {type(part).__name__ for part in parts if not part._can_set_attn_implementation()}:
        raise NotApplicable(f"of {', '.join(sorted(fixed))} its class says that attention cannot be switched")
    stepwise = _built(tiny, "eager")
    asked: list[tuple[str, TinyModel, _Asked]] = [("eager", tiny, "eager")]
    if all(part._supports_sdpa for part in parts):  # another refuses, and so does the whole
        asked.append(("sdpa", stepwise, "sdpa"))
    own = [id(part.config) for part in parts]
    for name in tiny.config.sub_configs:
        if id(getattr(tiny.config, name, None)) in own:
            asked.append((f"{name} eager", tiny, {name: "eager"}))
    problems, called = [], 0
    for what, start, implementation in asked:
        built = stepwise if implementation == "eager" else _built(tiny, implementation)
        count, wanted = attended(built)
        other, got = attended(switched(start, implementation))
        if count != other:
            problems.append(f"switched to {what} it calls torch's kernel {other} times, and built so {count}")
        else:
            problems += [f"switched to {what} it changes {problem}" for problem in different(tiny, got, wanted)]
        called = max(called, count, other)
    if not called:
        raise NotApplicable("its forward does not call torch's kernel")
    if problems:
        raise AssertionError("; ".join(problems))


def _built(tiny: TinyModel, asked: _Asked) -> TinyModel:
    return rebuilt(tiny, copy.deepcopy(tiny.config), attn_implementation=asked)
