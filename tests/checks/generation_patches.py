"""What is done to models to break what they generate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

__all__ = ["forgets"]


def forgets(argument: str) -> Callable[[nn.Module], None]:
    """Return a patch by which a model is called as though it had not been given an argument."""

    def hook(_: nn.Module, given: Any, options: dict[str, Any]) -> Any:
        return given, {name: value for name, value in options.items() if name != argument}

    def patch(model: nn.Module) -> None:
        model.register_forward_pre_hook(hook, with_kwargs=True)

    patch.__name__ = f"forgets_{argument}"
    return patch
