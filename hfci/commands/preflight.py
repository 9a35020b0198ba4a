"""Ask whether a checkpoint will run with an evaluation's configuration, mostly before its weights are downloaded."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfci.commands.options import add_json

if TYPE_CHECKING:
    from hfci.preflight.result import Result

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "will this checkpoint run? asked before the evaluation"
EXAMPLE = "hfci preflight MODEL --model-args dtype=float16,max_length=4096 --until size"

FOLDER = Path("preflight")
RESULT, LOG, PAGE = "preflight.json", "preflight.log", "preflight.md"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help="a repository of the Hub, or a folder")
    parser.add_argument("--config", metavar="FILE", help="the evaluation's YAML: `model:`, `performance:`")
    parser.add_argument(
        "--model-args",
        nargs="+",
        action="extend",
        default=[],
        metavar="ARGS",
        help="as lm_eval takes them: KEY=VALUE,KEY2=VALUE2, or JSON; repeatable",
    )
    parser.add_argument("--use-accelerate", action="store_true", default=None, help="as under `accelerate launch`")
    parser.add_argument("--num-gpus", type=int, metavar="N", help="for so many devices; 0 is the CPU")
    parser.add_argument("--batch-size", metavar="N", help="a number, or auto")
    parser.add_argument("--device", metavar="DEVICE", help="cpu, cuda, cuda:1, mps, xpu (default: the first there is)")
    parser.add_argument("--memory", metavar="SIZE", help="of one device that is not here, such as 24GiB")
    parser.add_argument("--until", default="report", metavar="STAGE", help="stop after this stage")
    parser.add_argument(
        "--limit",
        type=_limit,
        action="append",
        default=[],
        metavar="STAGE=SECONDS",
        help="how long a stage may take; repeatable",
    )
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="the interpreter that will evaluate")
    parser.add_argument(
        "--out", type=Path, default=FOLDER, metavar="DIR", help=f"for what is written (default: {FOLDER})"
    )
    add_json(parser)


def _limit(text: str) -> tuple[str, float]:
    name, _, seconds = text.partition("=")
    try:
        value = float(seconds)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e7:
        raise ArgumentTypeError(f"{text!r} is no STAGE=SECONDS, such as load=900")
    return name, value


# Options that are settings of the performance.
PERFORMANCE = ("use_accelerate", "num_gpus", "batch_size", "device", "memory")


def run(arguments: Namespace) -> int:
    """Run the stages, write what they found, and tell it."""
    from hfci.errors import UsageError
    from hfci.preflight.configuration import Request
    from hfci.preflight.report import Live
    from hfci.preflight.running import Interrupted, preflight

    if arguments.model is None and arguments.config is None:
        raise UsageError("name a MODEL, or the evaluation's YAML with --config")
    given: dict[str, Any] = {name: getattr(arguments, name) for name in PERFORMANCE}
    if isinstance(size := given["batch_size"], str) and size.isdecimal():
        given["batch_size"] = int(size)
    request = Request(
        model=arguments.model,
        file=arguments.config,
        model_args=tuple(arguments.model_args),
        performance={name: value for name, value in given.items() if value is not None},
    )
    try:
        result = preflight(
            request,
            until=arguments.until,
            limits=dict(arguments.limit),
            log=arguments.out / LOG,
            listener=Live(),
            python=arguments.python,
        )
    except Interrupted as interrupted:
        _tell(interrupted.result, arguments)
        raise
    _tell(result, arguments)
    return result.exit_code


def _tell(result: Result, arguments: Namespace) -> None:
    """Write preflight.json and the page of the job, and print the report."""
    from hfci.preflight.masking import Masking, known_secrets
    from hfci.preflight.report import markdown, print_report
    from hfci.preflight.result import write_result
    from hfci.workflow import summary_file
    from hfci.writing import replacing

    masking = Masking(known_secrets())
    write_result(arguments.out / RESULT, result, masking)
    page = markdown(result, masking)
    with replacing(arguments.out / PAGE) as file:
        file.write(page.encode())
    if (summary := summary_file()) is not None:
        with summary.open("a", encoding="utf-8") as appended:
            appended.write(page)
    if arguments.json:
        sys.stdout.write((arguments.out / RESULT).read_text(encoding="utf-8"))
    else:
        print_report(result, masking)
