"""Another transformers: the installed one with some lines changed, as a checkout that links to all else of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hfci.origin import find_transformers


def make_variant(folder: Path, changes: Mapping[str, tuple[tuple[str, str], ...]]) -> Path:
    """Make a checkout below `folder`, whose files of these names have each old text replaced by the new; return it."""
    installed, package = find_transformers(), folder / "src" / "transformers"
    _link(installed, package, {name.split("/")[0] for name in changes})
    for name, replacements in changes.items():
        parts = name.split("/")
        for depth in range(1, len(parts)):
            place = "/".join(parts[:depth])
            if (package / place).is_symlink():
                (package / place).unlink()
                below = {other.split("/")[depth] for other in changes if other.startswith(f"{place}/")}
                _link(installed / place, package / place, below)
        text = (installed / name).read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new, 1)
        (package / name).unlink(missing_ok=True)
        (package / name).write_text(text, encoding="utf-8")
    return folder


def _link(source: Path, target: Path, without: set[str]) -> None:
    """Make a folder with a link to each entry of `source`; those that something below is changed of are links too."""
    target.mkdir(parents=True)
    for entry in source.iterdir():
        if entry.name != "__pycache__" and not (entry.name in without and entry.is_file()):
            (target / entry.name).symlink_to(entry)
