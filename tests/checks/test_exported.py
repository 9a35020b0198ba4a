"""What exporting asks of a transformers that has no such exporter."""

from __future__ import annotations

import pytest

from hfci.checks.applicability import NotApplicable
from hfci.checks.exported import exported_equals_eager
from hfci.tiny import build_tiny


def test_an_exporter_that_the_release_lacks_is_no_failure_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    auto = pytest.importorskip("transformers.exporters.auto")
    monkeypatch.delitem(auto.EXPORT_BACKENDS, "dynamo")
    with pytest.raises(NotApplicable, match=r"transformers .* has no exporter 'dynamo'"):
        exported_equals_eager(build_tiny("bert"), backend="dynamo")
