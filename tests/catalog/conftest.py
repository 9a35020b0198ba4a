"""What tests of the catalog share: the whole of it, read once a process."""

from __future__ import annotations

import pytest

from hfci.catalog import Catalog, read_catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Every row, which takes some fifteen seconds."""
    return read_catalog()
