"""What image processors are asked beyond what breakages show: answers that differ once loaded."""

from __future__ import annotations

from hfci.checks.processors import _different_answers
from hfci.tiny import build_tiny
from hfci.tiny.processors import build_part


def test_an_answer_that_is_another_once_loaded_is_told() -> None:
    tiny = build_tiny("vit")
    one, again = (build_part(tiny, "image_processor") for _ in range(2))
    assert list(_different_answers(tiny, "image_processor", one, again)) == []
    again.image_mean = (0.1, 0.5, 0.5)
    (told,) = _different_answers(tiny, "image_processor", one, again)
    assert told.startswith("once loaded it gives something else: pixel_values by ")
