"""What sees both images and videos is asked of both: the checks of media ask each again of a video, and say so."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hfci import checks
from hfci.cases.manifest import load_manifest
from hfci.checks.running import outputs_of
from hfci.errors import StageError
from hfci.tiny import build_tiny

from .input_patches import videos_unseen
from .sight import see

ROOT = Path(__file__).parents[2]
_METHOD = "get_video_features"


def seeing_both() -> list[tuple[str, str]]:
    """Return the base architectures whose source takes images and videos, and makes features of the latter."""
    return [
        (row.model_type, row.base)
        for row in load_manifest(ROOT / "generated" / "manifest.json").model_types
        if row.base is not None
        and row.architecture(row.base).was_built  # some want a package that the pinned environment lacks
        and (cls := see().get(row.base)) is not None
        and {"pixel_values", "pixel_values_videos"} <= cls.parameters
        and any(cls.methods(_METHOD))
    ]


def test_whatever_sees_both_really_makes_features_of_the_video_that_it_is_shown() -> None:
    asked, unseen = 0, []
    for model_type, architecture in seeing_both():
        tiny = build_tiny(model_type, architecture)
        shown = replace(tiny, shown="video")
        calls = counted(tiny.model, _METHOD)
        outputs_of(shown)
        asked += 1
        if not (tiny.sees_videos and calls) or "pixel_values" in shown.inputs():
            unseen.append(f"{model_type}/{architecture}")
    assert not unseen
    assert asked >= 35


def counted(model: Any, method: str) -> list[None]:
    """Return a list that grows with each call of a method of a model."""
    calls: list[None] = []
    whole = getattr(model, method)

    @functools.wraps(whole)
    def noted(*given: Any, **options: Any) -> Any:
        calls.append(None)
        return whole(*given, **options)

    setattr(model, method, noted)
    return calls


def test_what_is_wrong_of_a_video_alone_says_that_a_video_was_shown() -> None:
    tiny = build_tiny("qwen2_vl")
    videos_unseen(tiny.model)
    with pytest.raises(AssertionError, match=r"^shown a video: .*another video changes nothing"):
        checks.cross_modal_inputs_matter(tiny)
    assert tiny.shown == "image"


def test_an_error_beside_a_video_has_a_note_of_it() -> None:
    def stops(*_: Any, **__: Any) -> None:
        raise RuntimeError("no video is understood")

    tiny = build_tiny("qwen2_vl")
    tiny.model.get_video_features = stops
    with pytest.raises(StageError, match="no video is understood") as caught:
        checks.cross_modal_inputs_matter(tiny)
    assert caught.value.__notes__ == ["It was shown a video in the place of an image."]
