"""Ways to break one implementation of attention or of experts, and the switch between them."""

from __future__ import annotations

from typing import Any

from torch import nn

__all__ = ["louder_when_batched", "louder_when_eager", "never_switched", "unmasked_when_eager"]


def never_switched(model: Any) -> None:
    model.set_attn_implementation = lambda _: None


def louder_when_batched(experts: Any) -> None:
    gate = type(experts)._apply_gate
    experts._apply_gate = lambda given: 1.1 * gate(experts, given)


def louder_when_eager(module: nn.Module) -> None:
    def hook(attention: Any, _: Any, given: Any) -> Any:
        return (1.1 * given[0], *given[1:]) if attention.config._attn_implementation == "eager" else None

    module.register_forward_hook(hook)


def unmasked_when_eager(module: nn.Module) -> None:
    def hook(attention: Any, given: Any, options: Any) -> Any:
        eager = attention.config._attn_implementation == "eager"
        return given, options | {"attention_mask": None} if eager else options

    module.register_forward_pre_hook(hook, with_kwargs=True)
