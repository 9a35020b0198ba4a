"""The name of a model type's test file: pretty, a valid module name, never shared by two model types.

A model type is any string (`blip-2`, `kosmos-2.5`, `EvollaModel`). A stem is lower case letters, digits and
`_` only: it can be imported, and lives on a file system that ignores case.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

__all__ = ["file_name", "model_types_by_stem", "plain_stem", "stems"]

_SUFFIXES = ("_functional", "_deep")  # of the names of the files of those tiers
_PLAIN = re.compile(r"[^a-z0-9_]", re.ASCII)


def plain_stem(model_type: str) -> str:
    """Return `model_type` in lower case and every other character as `_`: `kosmos-2.5` → `kosmos_2_5`."""
    return _PLAIN.sub("_", model_type.lower())


def stems(model_types: Iterable[str]) -> dict[str, str]:
    """Return model type → stem, injective over any set of model types and independent of their order.

    A stem is the plain one unless another model type would have it too. Then the model type that *is* its own
    plain stem keeps it and the others get a digest of their name appended, as long as needed to be unique. So does
    one that ends like the files of another tier do.
    """
    known = sorted(set(model_types))
    shared = Counter(plain_stem(name) for name in known)
    taken = set(shared)  # so that no digest takes the plain stem of another model type
    stem_of: dict[str, str] = {}
    for name in known:
        stem = plain_stem(name)
        if (name != stem and shared[stem] > 1) or stem.endswith(_SUFFIXES):
            stem = _with_digest(stem, name, taken)
            taken.add(stem)
        stem_of[name] = stem
    return stem_of


def model_types_by_stem(model_types: Iterable[str]) -> dict[str, str]:
    """Return stem → model type, the inverse of `stems`."""
    forward = stems(model_types)
    inverse = {stem: name for name, stem in forward.items()}
    if len(inverse) != len(forward):
        raise AssertionError("two model types share a file name: hfci.generation.names is wrong")
    return inverse


def file_name(stem: str, tier: str = "smoke") -> str:
    """Return the name of the test file: `bert` → `test_bert.py`, or `test_bert_functional.py` in that tier."""
    return f"test_{stem}.py" if tier == "smoke" else f"test_{stem}_{tier}.py"


def _with_digest(stem: str, name: str, taken: set[str]) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    lengths = range(6, len(digest) + 1)
    return next(candidate for length in lengths if (candidate := f"{stem}_{digest[:length]}") not in taken)
