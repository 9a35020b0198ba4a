"""Which release of transformers was the first to have a model type, read from its wheels on the package index.

`python -m tests.first_releases` writes hfci/releases/data/first_releases.toml; of a wheel, nothing is run.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from packaging.version import Version

from hfci.releases.first_releases import FILE, read_first_releases
from tests.warm import COLD

__all__ = ["main", "model_types"]

HEAD = """\
#:schema first_releases.schema.json
# The model types of transformers by the first release that has them; `nox -s first-releases` adds new releases.
# What release `since` had already stands in no row.

since = "{since}"
"""
TABLE = "CONFIG_MAPPING_NAMES"
FOLDER = "transformers/models/auto/"


def model_types(wheel: Path) -> list[str]:
    """Return the keys of the table of configurations, as the wheel's source has them."""
    found: list[str] = []
    with zipfile.ZipFile(wheel) as archive:
        for name in ("auto_mappings.py", "configuration_auto.py"):
            for node in ast.walk(ast.parse(archive.read(FOLDER + name))):
                targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # it is added to
                    targets = [node.func.value] if node.func.attr == "update" else []
                if any(isinstance(target, ast.Name) and target.id == TABLE for target in targets):
                    found += keys(node)
    return found


def keys(table: ast.AST) -> list[str]:
    """Return the keys of the dictionaries in `table`, and the first of its pairs."""
    dictionaries = [key for each in ast.walk(table) if isinstance(each, ast.Dict) for key in each.keys]
    pairs = [each.elts[0] for each in ast.walk(table) if isinstance(each, ast.Tuple) and len(each.elts) == 2]
    return [each.value for each in (*dictionaries, *pairs) if isinstance(each, ast.Constant)]


def releases(since: Version) -> list[Version]:
    """Return the newest patch of each minor release from `since` on."""
    pip = [COLD, "-m", "pip"]
    told = subprocess.run(
        [*pip, "index", "versions", "transformers"], capture_output=True, text=True, check=True
    ).stdout
    (listed,) = re.findall(r"Available versions: (.*)", told)
    newest: dict[tuple[int, ...], Version] = {}
    for version in sorted(map(Version, listed.split(", "))):
        if version >= since:
            newest.setdefault(version.release[:2], version)  # the first of them had its model types
    return list(newest.values())


def main() -> int:
    """Write what the wheels say."""
    known = read_first_releases()
    rows = {str(row.version): list(row.model_types) for row in known.release}
    with tempfile.TemporaryDirectory() as folder:
        seen: set[str] = set()
        for version in releases(known.since):
            pip = [COLD, "-m", "pip", "download", "-q", "--no-deps", "--dest", folder]
            subprocess.run([*pip, f"transformers=={version}"], check=True)
            (wheel,) = Path(folder).glob(f"transformers-{version}-*.whl")
            types = model_types(wheel)
            if version > known.since:
                rows[str(version)] = sorted({*types} - seen)
            seen |= {*types}
            wheel.unlink()
    text = HEAD.format(since=known.since)
    for name, types in rows.items():
        listed = "".join(f'    "{each}",\n' for each in types)
        text += f'\n[[release]]\nversion = "{name}"\nmodel_types = [\n{listed}]\n'
    Path(str(FILE)).write_text(text, encoding="utf-8")
    print(f"{FILE}: {len(rows)} releases after {known.since}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
