"""Asking a check of a tiny model: by its name, with its exceptions, noting that it was asked to the end."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hfci.cases.variant import Variant
from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import excused
from hfci.checks.table import CHECKS
from hfci.errors import UsageError, nearest

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["assert_holds", "load_check"]


@functools.cache
def load_check(name: str) -> Callable[..., None]:
    """Import the function of a check; an unknown name is wrong use and names the nearest.

    It raises `NotApplicable` for whom an exception says that it is not asked. It notes on the tiny model that it ran to
    its end: a test that passes without did not ask what it is named after.
    """
    if name not in CHECKS:
        raise UsageError(f"there is no check {name!r}.{nearest(name, CHECKS)}")
    from hfci.checks.running import discard_recorders

    function: Any = getattr(importlib.import_module(CHECKS[name].module), name)

    @functools.wraps(function)
    def noted(tiny: TinyModel, *arguments: Any, **options: Any) -> None:
        if (why := excused(tiny, name)) is not None:
            raise NotApplicable(why)
        discard_recorders(tiny.model)
        function(tiny, *arguments, **options)
        if CHECKS[name].videos and tiny.sees_videos:
            _ask_of_a_video(lambda shown: function(shown, *arguments, **options), tiny)
        tiny.checked.add(name)

    return noted


def _ask_of_a_video(ask: Callable[[TinyModel], None], tiny: TinyModel) -> None:
    """Ask a check of a model that is shown a video in the place of an image, and say so in what it raises."""
    try:
        ask(replace(tiny, shown="video"))
    except NotApplicable:
        pass  # it was asked of an image
    except AssertionError as error:
        raise AssertionError(f"shown a video: {error}") from error
    except Exception as error:
        error.add_note("It was shown a video in the place of an image.")
        raise


def assert_holds(tiny: TinyModel, check: str) -> None:
    """Assert that a check holds of a tiny model; `check` may say its axes too, as in `NAME[dtype=bfloat16]`.

    Of the axes the function is told the task and the backend: the model has the others. A model that is to be asked
    with another backend has that, too.
    """
    variant = Variant.parse(check)
    told = {"task": variant.task, "backend": variant.backend and (tiny.backend or variant.backend)}
    load_check(variant.check)(tiny, **{name: value for name, value in told.items() if value is not None})
