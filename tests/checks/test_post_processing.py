"""What image processors do to a model's outputs is red where height and width change places."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from transformers import (
    DPTImageProcessorPil,
    SegformerImageProcessorPil,
    SuperPointImageProcessorPil,
    YolosImageProcessorPil,
)

from hfci import checks
from hfci.tiny import build_tiny


@pytest.mark.parametrize(
    ("check", "processor", "kind", "model_type", "architecture"),
    [
        (
            "detection_postprocess_within_image",
            YolosImageProcessorPil,
            "object_detection",
            "yolos",
            "YolosForObjectDetection",
        ),
        (
            "segmentation_postprocess_sizes",
            SegformerImageProcessorPil,
            "semantic_segmentation",
            "segformer",
            "SegformerForSemanticSegmentation",
        ),
        ("depth_and_keypoint_scales", DPTImageProcessorPil, "depth_estimation", "dpt", "DPTForDepthEstimation"),
        (
            "depth_and_keypoint_scales",
            SuperPointImageProcessorPil,
            "keypoint_detection",
            "superpoint",
            "SuperPointForKeypointDetection",
        ),
    ],
)
def test_sizes_told_the_other_way_round_are_red(
    check: str, processor: Any, kind: str, model_type: str, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = getattr(processor, f"post_process_{kind}")

    def turned(self: Any, outputs: Any, target_sizes: Any, **options: Any) -> Any:
        return whole(self, outputs, target_sizes=[size[::-1] for size in target_sizes], **options)

    monkeypatch.setattr(processor, whole.__name__, functools.wraps(whole)(turned))
    with pytest.raises(AssertionError, match="row 0"):
        checks.assert_holds(build_tiny(model_type, architecture), check)
