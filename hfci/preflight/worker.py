"""The child process in which stages run: takes orders from its standard input, and reports on a pipe of its own.

`main` is told the descriptor of that pipe: a line of JSON goes each way. What libraries print stays on its own outputs.
It ends when its input does, so that it does not outlive who started it.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from io import FileIO
from typing import Any

import msgspec

from hfci.interruption import EXIT_INTERRUPTED
from hfci.preflight.configuration import Request
from hfci.preflight.diagnosis import Diagnosis, diagnose
from hfci.preflight.stages import STAGES, Context, Found

__all__ = ["Absent", "Failed", "Order", "Passed", "Progress", "Report", "main"]


class Order(msgspec.Struct, frozen=True):
    """Run this stage, of this request, after what was found."""

    stage: str
    request: Request
    found: Found


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """Where a stage stands: what it does, and `done` of `total` where they are known."""

    text: str
    done: float | None = None
    total: float | None = None


class Passed(msgspec.Struct, frozen=True, tag="passed"):
    """A stage passed, and this is what has been found by now."""

    found: Found


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A stage failed."""

    diagnosis: Diagnosis


class Absent(msgspec.Struct, frozen=True, tag="absent"):
    """No stage can run, since the interpreter lacks a package that this process is made of."""

    package: str


Report = Progress | Passed | Failed | Absent


def main() -> None:
    """Do what is ordered until there are no more orders; SIGTERM is an interruption, which cleans up."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    reports = os.fdopen(int(sys.argv[1]), "wb", buffering=0)
    held: dict[str, Any] = {}
    try:
        for order in _orders():
            _report(reports, run(order, held, reports))
    except KeyboardInterrupt:
        os._exit(EXIT_INTERRUPTED)  # what there was to clean up has been; a library's thread may never end


def run(order: Order, held: dict[str, Any], reports: FileIO) -> Passed | Failed:
    """Run one stage."""

    lock = threading.Lock()

    def progress(text: str, done: float | None = None, total: float | None = None) -> None:
        with lock:
            _report(reports, Progress(text, done, total))

    (stage,) = (stage for stage in STAGES if stage.name == order.stage)
    context = Context(order.request, order.found, progress, held)
    try:
        findings = stage.run(context)
        return Passed(msgspec.structs.replace(order.found, **{stage.name: findings}))
    except (Exception, SystemExit) as error:
        traceback.print_exc()  # to the log
        return Failed(diagnose(error, stage.name, _about(context)))


def _about(context: Context) -> dict[str, str]:
    """Return what the sentences of a diagnosis may speak of."""
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    if context.found.configuration is None:
        return {"model": context.request.model or "the model", "revision": "main", "endpoint": endpoint}
    model = context.configuration.model
    return {"model": model.name, "revision": model.revision, "endpoint": endpoint}


def _report(reports: FileIO, report: Report) -> None:
    reports.write(msgspec.json.encode(report) + b"\n")


def _orders() -> Iterator[Order]:
    """Yield the orders; the process ends with them, whatever is under way."""
    waiting: queue.Queue[bytes] = queue.Queue()

    def read() -> None:
        for line in sys.stdin.buffer:
            waiting.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    decoder = msgspec.json.Decoder(Order)
    while True:
        yield decoder.decode(waiting.get())
