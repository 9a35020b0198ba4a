"""Preflight as a step of a ZenML pipeline: `pip install 'hfci[zenml]'`.

@pipeline
def evaluation(config: str) -> None:
    evaluate(test_model_download(config=config))

The step that takes what it returns does not begin unless the checkpoint will run.
"""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import msgspec
from rich.console import Console
from rich.text import Text
from zenml import get_step_context, log_metadata, step

from hfci.errors import HfciError
from hfci.preflight.configuration import Request
from hfci.preflight.masking import Masking, known_secrets
from hfci.preflight.report import facts, headline, how_far, print_report, why
from hfci.preflight.result import Result, StageResult
from hfci.preflight.running import preflight
from hfci.preflight.worker import Progress
from hfci.results.text import no_command

__all__ = ["METADATA", "Unfit", "test_model_download"]

METADATA = "preflight"  # under which the run keeps what was found

EVERY_S = 10.0  # how often a stage that goes on is told of


class Unfit(HfciError):
    """The checkpoint will not run as the evaluation would have it; the message holds each cause and remedy."""


@step(enable_cache=False)  # the Hub, the disk and the device are other ones tomorrow
def test_model_download(
    model: str | None = None,
    config: str | None = None,
    model_args: list[str] | None = None,
    performance: dict[str, Any] | None = None,
    until: str = "report",
    limits: dict[str, float] | None = None,
    python: str | None = None,
) -> Annotated[dict[str, Any], "preflight"]:
    """Return what preflight found of a checkpoint, in the form of preflight.json; raise Unfit where it will not run.

    `model` is a repository or a folder, `config` the path of the evaluation's YAML, one of them at least; `model_args`
    and `performance` say what stands in neither. `until`, `limits` and `python` are those of `preflight`. How it goes
    is printed as it goes, and the metadata of the run hold the verdict and all facts, of a bad checkpoint too.
    """
    request = Request(model=model, file=config, model_args=tuple(model_args or ()), performance=performance or {})
    # The interpreter is the one here, where the step runs, and not that of who started the pipeline.
    python = python or sys.executable
    result = preflight(request, until=until, limits=limits, listener=_Printing(), python=python)
    masking = Masking(known_secrets())
    print_report(result, masking)
    metadata = {METADATA: masking.data(_metadata(result))}
    log_metadata(metadata=metadata, run_id_name_or_prefix=get_step_context().pipeline_run.id)
    if result.failures:
        raise Unfit(masking.text(" ".join(f"{each.code}: {each.cause} {each.remedy}" for each in result.failures)))
    found: dict[str, Any] = masking.data(msgspec.to_builtins(result))
    return found


def _metadata(result: Result) -> dict[str, Any]:
    """Return the verdict, the seconds of each stage, and the facts of the report by their labels."""
    return {
        "verdict": headline(result),
        "exit_code": result.exit_code,
        "failures": [
            {"code": each.code, "stage": each.stage, "cause": each.cause, "remedy": each.remedy}
            for each in result.failures
        ],
        "seconds": {stage.stage: stage.duration_s for stage in result.stages if stage.outcome != "not-run"},
        **dict(facts(result.found)),
    }


class _Printing:
    """Prints how each stage goes, which ZenML shows and keeps as the log of the step."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._told = ""
        self._at = 0.0

    def begins(self, stage: str) -> None:
        """Print that it begins."""
        self._print(f"{stage} …")

    def progresses(self, stage: str, progress: Progress) -> None:
        """Print what it does, where that is another thing or some time has passed."""
        now = time.monotonic()
        if progress.text != self._told or now - self._at > EVERY_S:
            self._told, self._at = progress.text, now
            self._print(how_far(stage, progress))

    def ends(self, result: StageResult) -> None:
        """Print how it ended."""
        self._print(f"{result.stage}: {result.outcome} {why(result)}")

    def _print(self, line: str) -> None:
        self._console.print(Text(no_command(line)), soft_wrap=True)
