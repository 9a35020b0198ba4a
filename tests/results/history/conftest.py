from __future__ import annotations

from pathlib import Path

import pytest

from hfci.results.history import History


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.sqlite"
    with History.open(path, create=True):
        pass
    return path
