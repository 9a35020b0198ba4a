"""Backends: what makes of a model, and of inputs for it, what runs in its place.

A backend is a function of a model and its example inputs (a dictionary of the forward's arguments) that returns a
callable with the model's forward contract: the same keyword arguments, the same outputs. There are those built in,
those that transformers' exporters register, and those of installed packages, by an entry point of the group
`hfci.backends`.
"""

from __future__ import annotations

from hfci.backends.registry import GROUP, Backend, asked_by, backends_installed, find_backend, require_backend
from hfci.backends.stages import at_stage, operator_in

__all__ = [
    "GROUP",
    "Backend",
    "asked_by",
    "at_stage",
    "backends_installed",
    "find_backend",
    "operator_in",
    "require_backend",
]
