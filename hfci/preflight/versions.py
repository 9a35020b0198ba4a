"""What is installed where the stages run, of the packages that an evaluation depends on."""

from __future__ import annotations

import platform
from importlib import metadata

__all__ = ["PACKAGES", "installed_versions"]

PACKAGES = (
    "transformers",
    "torch",
    "huggingface_hub",
    "hf_xet",
    "tokenizers",
    "safetensors",
    "accelerate",
    "bitsandbytes",
    "kernels",
    "lm_eval",
    "zenml",
)


def installed_versions() -> dict[str, str]:
    """Return name → version of Python and of those packages that are there; none is imported."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
