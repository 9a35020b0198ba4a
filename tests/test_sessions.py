"""What the sessions promise before they run anything."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def sessions(name: str) -> set[str]:
    """Return the names of the sessions that `nox -s NAME` means."""
    options = ["--noxfile", str(ROOT / "noxfile.py"), "--sessions", name, "--list-sessions", "--json"]
    done = subprocess.run([sys.executable, "-m", "nox", *options], capture_output=True, text=True, check=True)
    return {row["session"] for row in json.loads(done.stdout)}


def test_every_supported_transformers_has_a_session_of_its_own() -> None:
    pinned = re.findall(r"^transformers==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert sessions("versions") == {f"versions({version})" for version in ("5.17.0", "5.18.0", *pinned)}
