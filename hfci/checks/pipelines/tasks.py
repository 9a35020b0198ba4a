"""The table of pipeline tasks: what each takes and gives."""

from __future__ import annotations

from collections.abc import Mapping

from hfci.checks.pipelines.generating import GENERATING_TASKS
from hfci.checks.pipelines.hearing import HEARING_TASKS
from hfci.checks.pipelines.serving import Task
from hfci.checks.pipelines.text import TEXT_TASKS
from hfci.checks.pipelines.vision import VISION_TASKS

__all__ = ["TASKS"]

TASKS: Mapping[str, Task] = {**TEXT_TASKS, **GENERATING_TASKS, **VISION_TASKS, **HEARING_TASKS}
