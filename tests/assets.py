"""The dashboard's libraries in templates/report/vendor, copied from what `npm ci` installs; `--check` only compares.

The files and their licences are as npm has them; package-lock.json pins their bytes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hfci.templating import templates_dir

__all__ = ["FILES", "VENDOR", "differing", "install", "main"]

VENDOR = templates_dir() / "report" / "vendor"

FILES = (
    "@kurkle/color/LICENSE.md",  # inside chart.js
    "chart.js/LICENSE.md",
    "chart.js/dist/chart.umd.min.js",
    "tabulator-tables/LICENSE",
    "tabulator-tables/dist/css/tabulator_simple.min.css",
    "tabulator-tables/dist/js/tabulator.min.js",
)


def install(folder: Path) -> Path:
    """Install the pinned packages below `folder`; return where they are."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is missing: it comes with Node.js")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(VENDOR / name, folder)
    subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
    return folder / "node_modules"


def differing(installed: Path) -> list[str]:
    """Return the names of the files that are not as installed, or are too many."""
    present = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    surplus = present - {*FILES, "package.json", "package-lock.json"}
    changed = [
        name for name in FILES if name not in present or (VENDOR / name).read_bytes() != (installed / name).read_bytes()
    ]
    return sorted([*changed, *surplus])


def main(arguments: list[str]) -> int:
    """Copy, or compare; return the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python tests/assets.py [--check]")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        installed = install(Path(folder))
        if not arguments:
            for name in FILES:
                (VENDOR / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(installed / name, VENDOR / name)
        wrong = differing(installed)
    for name in wrong:
        print(f"not as npm has it: {VENDOR / name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
