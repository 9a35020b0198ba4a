"""What exporting asks of a transformers that has no such exporter, and of what no exporter takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hfci.checks.applicability import NotApplicable
from hfci.checks.exported import exported_equals_eager
from hfci.tiny import build_tiny
from hfci.tiny.bundles import standing_in


def test_an_exporter_that_the_release_lacks_is_no_failure_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    auto = pytest.importorskip("transformers.exporters.auto")
    monkeypatch.delitem(auto.EXPORT_BACKENDS, "dynamo")
    with pytest.raises(NotApplicable, match=r"transformers .* has no exporter 'dynamo'"):
        exported_equals_eager(build_tiny("bert"), backend="dynamo")


def test_what_keeps_a_state_is_no_input_of_an_exporter() -> None:
    with pytest.raises(NotApplicable, match="takes a Sam2VideoInferenceSession"):
        exported_equals_eager(build_tiny("sam2_video"), backend="dynamo")


def test_a_bundle_within_a_bundle_is_made_of_each_that_they_hold() -> None:
    tiny = build_tiny("qwen2_5_omni")
    made: list[str] = []

    def make(model: Any, inputs: Mapping[str, Any]) -> Callable[..., str]:
        made.append(type(model).__name__)
        return lambda **given: " ".join(given) if given.keys() == inputs.keys() else "?"

    given = standing_in(tiny.model, tiny.inputs(), make)(**tiny.inputs())
    assert len(made) == 4
    assert given["talker"] == "input_ids thinker_reply_part"
    assert given["token2wav"].keys() == {"code2wav_dit_model", "code2wav_bigvgan_model"}
    assert "?" not in (*given["token2wav"].values(), given["thinker"])
