"""What exists: model types, architectures, tasks, processors and families, read from transformers' registries."""

from hfci.catalog.families import Family, families, family_of
from hfci.catalog.registries import model_type_names, transformers_version
from hfci.catalog.rows import Architecture, Catalog, ModelType, read_catalog, read_row

__all__ = [
    "Architecture",
    "Catalog",
    "Family",
    "ModelType",
    "families",
    "family_of",
    "model_type_names",
    "read_catalog",
    "read_row",
    "transformers_version",
]
