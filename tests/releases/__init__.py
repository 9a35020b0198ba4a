"""A release of transformers of a test's own: the installed one, with some of its files changed. Nothing is copied."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

__all__ = ["release"]


def release(folder: Path, changes: Mapping[str, Callable[[str], str]], version: str | None = None) -> dict[str, str]:
    """Make it in `folder`, and return the environment in which Python imports it; `changes` are by path.

    Without `version` it says that it is the installed one.
    """
    spec = find_spec("transformers")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent
    for place, _, names in os.walk(installed):
        here = folder / "transformers" / Path(place).relative_to(installed)
        here.mkdir(parents=True)
        for name in names:
            (here / name).symlink_to(Path(place, name))
    for path, change in changes.items():
        file = folder / "transformers" / path
        text = file.read_text(encoding="utf-8")
        changed = change(text)
        assert changed != text, path
        file.unlink()
        file.write_text(changed, encoding="utf-8")
    if version is not None:
        metadata = folder / f"transformers-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        own = distribution("transformers")
        said = str(own.read_text("METADATA")).replace(f"Version: {own.version}", f"Version: {version}", 1)
        metadata.write_text(said, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}
