"""transformers' exporters as backends: each that is registered there, by whomever, under the name of its format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hfci.backends.builtin import Make
from hfci.backends.stages import at_stage
from hfci.catalog.requirements import is_absent
from hfci.errors import UsageError

__all__ = ["exporting", "registered"]


def registered() -> tuple[str, ...]:
    """Return the names of the formats that transformers can export to and run; none before release 5.23."""
    try:
        from transformers.exporters.auto import EXPORT_BACKENDS
    except ImportError:
        return ()
    return tuple(str(name) for name, backend in EXPORT_BACKENDS.items() if backend.runner is not None)


def exporting(name: str) -> Make:
    """Return the function that exports a model to the format `name`, for the shapes of its inputs, and loads it.

    What an exporter computes of inputs beforehand, since no graph can, is computed of those that are run with too.

    It raises ImportError, naming them, where packages of the exporter are missing; and is Stopped at `export`, or at
    `compile`, where its runner takes the program.
    """

    def export(model: Any, inputs: Mapping[str, Any]) -> Callable[..., Any]:
        import torch
        from transformers.exporters.auto import EXPORT_BACKENDS, get_exporter_class
        from transformers.exporters.utils import precompute_export_inputs

        if name not in registered():
            raise UsageError(f"transformers registers no exporter {name!r}")
        exporter = get_exporter_class(name)
        if absent := [package for package in exporter.required_packages if is_absent(package)]:
            raise ImportError(f"{name} needs {', '.join(absent)}")
        with at_stage("export"):
            config: Any = EXPORT_BACKENDS[name].config
            exported = exporter().export(model, dict(inputs), config=config())
        with at_stage("compile"):
            exported.to()

        def run(**arguments: Any) -> Any:
            given = dict(arguments)
            with torch.no_grad():
                precompute_export_inputs(model, given)
            return exported(**given)

        return run

    return export
