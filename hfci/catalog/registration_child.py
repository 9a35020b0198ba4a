"""The process that imports what registers models, once, and tells what came of it: see `hfci.imports`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from hfci.catalog.environment import OFFLINE, check_environment, import_libraries
from hfci.catalog.imported import digest, load_imports
from hfci.errors import EnvironmentUnfit, HfciError
from hfci.imports import Registration

__all__ = ["tell"]


def tell() -> None:
    """Import, and write what comes of it where the first argument of this process says: it was begun for that."""
    os.environ.update(OFFLINE)
    try:
        check_environment()
        import_libraries()
        answer = Registration(load_imports(), digest())
    except HfciError as error:
        answer = Registration(error=str(error), unfit=isinstance(error, EnvironmentUnfit))
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(answer))
