"""Processors that the registries have none of for a model type, and that its documentation loads.

An auto class loads whichever class a checkpoint names.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

from hfci.catalog import registries
from hfci.catalog.sources import SourceClass, exporter_of, module_text, read_class

__all__ = ["documented_processors"]

# The kinds that an auto class loads of whichever class a checkpoint names → how documentation spells that.
_LOADED = {"image_processor": "AutoImageProcessor.from_pretrained"}

# How code says after whose it is written: a modular file takes its classes over, comments say whence a copy is.
_WRITTEN_AFTER = re.compile(r"from \.\.(\w+)\.modeling_|Copied from transformers\.models\.(\w+)\.")


@functools.cache
def documented_processors(model_type: str) -> dict[str, tuple[str, ...]]:
    """Return kind of processor → the classes of it, where the tables have none and the documentation loads one.

    They are those of the model type in the same package, or of the first one after whose code its own is written.
    """
    tables = registries.processor_tables()
    listed = {name for rows in registries.model_tables().values() for name in rows.get(model_type, ())}
    # A file takes long to be parsed, and few speak of any.
    exporters = {name: exporter_of(name) for name in sorted(listed)}
    texts = {module: module_text(module) for module in {*exporters.values()}}
    speaking = {module for module, text in texts.items() if any(loaded in text for loaded in _LOADED.values())}
    classes = [cls for name, module in exporters.items() if module in speaking and (cls := read_class(name))]
    documents = [ast.get_docstring(forward) or "" for cls in classes if (forward := cls.method("forward"))]
    found = {}
    for kind, loaded in _LOADED.items():
        if model_type not in tables[kind] and any(loaded in document for document in documents):
            by_package = {registries.module_name(other): names for other, names in tables[kind].items()}
            lent = (by_package[package] for cls in classes for package in _packages(cls) if package in by_package)
            found[kind] = next(lent, ())
    return {kind: names for kind, names in found.items() if names}


def _packages(cls: SourceClass) -> Iterator[str]:
    """Yield the package of a class, then those after whose code it is written."""
    package, _, module = cls.module.rpartition(".")
    yield package
    text = module_text(f"{package}.{module.replace('modeling_', 'modular_', 1)}") or module_text(cls.module)
    for match in _WRITTEN_AFTER.finditer(text):
        yield f"{package.rpartition('.')[0]}.{match[1] or match[2]}"
