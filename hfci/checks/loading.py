"""Loading a checkpoint as transformers does it, with its report of what was missing or left over."""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from hfci.tiny.model import save_model

__all__ = ["assert_clean", "has_its_own", "loaded", "reloaded", "reported", "saved_weights"]


def loaded(cls: type[Any], folder: str | None, **options: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return what transformers' general `from_pretrained` makes of the checkpoint in `folder`, and its report.

    Not what one of the class's own makes of it, which may want further files. Without a folder `options` have the
    configuration and the `state_dict`.
    """
    model_and_report: tuple[Any, Mapping[str, Any]] = _general()(
        cls, folder, output_loading_info=True, local_files_only=True, **options
    )
    return model_and_report


def reloaded(model: Any, cls: type[Any] | None = None, **options: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return `model` saved and loaded again, as a `cls` if that is given, and the report of loading."""
    with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
        save_model(model, folder)
        return loaded(cls or type(model), folder, **options)


def assert_clean(report: Mapping[str, Any]) -> None:
    """Assert that loading reported nothing."""
    if problems := reported(report):
        raise AssertionError(f"loading what was just saved reports {problems}")


def reported(report: Mapping[str, Any]) -> str:
    """Return what loading reported, in words; empty where every list of keys or messages in its report is."""
    return "; ".join(
        f"{kind.replace('_', ' ')}: {', '.join(sorted(map(str, entries)))}"
        for kind, entries in report.items()
        if entries
    )


def has_its_own(cls: type[Any]) -> bool:
    """Tell whether `cls` has a `from_pretrained` of its own."""
    return inspect.getattr_static(cls, "from_pretrained").__func__ is not _general()


def saved_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and persistent buffers that `model` saves, by every name they have."""
    patterns = getattr(model, "_keys_to_ignore_on_save", None) or ()
    return {
        name: tensor
        for name, tensor in model.state_dict().items()
        if isinstance(tensor, Tensor) and not any(re.search(pattern, name) for pattern in patterns)
    }


def _general() -> Any:
    return inspect.getattr_static(PreTrainedModel, "from_pretrained").__func__
