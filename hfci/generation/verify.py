"""Verification: does the tiny model of an architecture build and forward here? Asked in processes of their own.

A model that segfaults, runs out of memory or never comes back takes only its own process with it: that is
recorded as its error and the rest goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import IO, TYPE_CHECKING

from hfci.cases.manifest import short_module
from hfci.errors import FOREIGN, in_one_line
from hfci.testing.process_setup import prepare

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["Verification", "serve", "verify", "verify_all"]

# Model type, architecture and, where the model type is but a part, the one whose architecture it is.
Target = tuple[str, str, str | None]

WORKERS = 2
TIMEOUT_S = 120.0
# Hundreds of imported models and what torch keeps of them add up: a worker is replaced after this many.
MODELS_A_WORKER = 100


@dataclass(frozen=True)
class Verification:
    """How far one architecture comes: the parameters of its tiny model, or the stage and error that stop it.

    `requires` are the optional packages whose absence stopped it; `modules` and `parts` say what a model that was
    built is made of, as the manifest does.
    """

    model_type: str
    architecture: str
    parameters: int | None = None
    stage: str | None = None
    error: str | None = None
    requires: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether the tiny model built and forwarded."""
        return self.error is None


def verify(model_type: str, architecture: str, parent: str | None = None) -> Verification:
    """Build the tiny model of an architecture, of `parent` where `model_type` is a part of that, and run it once."""
    import torch

    from hfci.catalog.requirements import absent_packages
    from hfci.errors import StageError
    from hfci.tiny import build_tiny
    from hfci.tiny.parts import part_inputs

    verification, tiny = Verification(model_type, architecture), None
    try:
        tiny = build_tiny(parent or model_type, architecture)
        modules, parts = _made_of(tiny, is_part=parent is not None)
        verification = replace(verification, modules=modules, parts=parts)
        with torch.no_grad():
            tiny.forward(part_inputs(tiny, model_type) if parent else None)
    except StageError as error:
        cause = error.__cause__ or error
        return replace(verification, stage=error.stage, error=in_one_line(cause), requires=absent_packages(cause))
    except FOREIGN as error:  # the recipe's fault, or a model that ends the process: told of that row, the rest goes on
        return replace(verification, stage="build", error=in_one_line(error))
    return replace(verification, parameters=tiny.parameters)


def verify_all(
    targets: Iterable[Target], *, workers: int = WORKERS, timeout_s: float = TIMEOUT_S
) -> Iterator[Verification]:
    """Yield the verification of each of `targets`, as they come in."""
    waiting = deque(targets)
    crew = [_Worker(timeout_s) for _ in range(min(workers, len(waiting)))]
    try:
        while waiting or any(worker.asked for worker in crew):
            for worker in crew:
                if waiting and not worker.asked:
                    worker.give(*waiting.popleft())
            busy = [worker for worker in crew if worker.asked]
            select.select([worker.answers for worker in busy], [], [], 1.0)
            yield from (verification for worker in busy if (verification := worker.take()) is not None)
    finally:
        for worker in crew:
            worker.stop()


class _Worker:
    """A process that verifies an architecture at a time; replaced when it dies, hangs or has done its share."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self.asked: tuple[str, str] | None = None
        self._given = 0
        self._given_at = 0.0
        self._process = self._started()

    @property
    def answers(self) -> IO[bytes]:
        """The pipe that becomes readable when there is something to `take`, be it that the process died."""
        assert self._process.stdout is not None
        return self._process.stdout

    def give(self, model_type: str, architecture: str, parent: str | None = None) -> None:
        if self._given >= MODELS_A_WORKER:
            self._restart()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # `take` tells of a process that died
            self._process.stdin.write(json.dumps([model_type, architecture, parent]).encode() + b"\n")
        self.asked = (model_type, architecture)
        self._given += 1
        self._given_at = time.monotonic()

    def take(self) -> Verification | None:
        """Return the verification of what was given, or None while the process is at work on it."""
        target = self.asked
        assert target is not None
        if select.select([self.answers], [], [], 0)[0]:
            line = self.answers.readline()
            if line.endswith(b"\n"):  # one that is cut off is the last word of a process that died
                self.asked = None
                answer = json.loads(line)
                lists = {name: tuple(answer[name]) for name in ("requires", "modules", "parts")}
                return Verification(**{**answer, **lists})
            error = _death(self._process.wait())
        elif time.monotonic() - self._given_at > self._timeout_s:
            error = f"TimeoutError: not done after {self._timeout_s:.0f} s"
        else:
            return None
        self._restart()
        return Verification(*target, stage="build", error=error)

    def stop(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):  # not read to its end: a child of it may hold it open
            assert pipe is not None
            pipe.close()
        self._process.wait()

    def _restart(self) -> None:
        self.stop()
        self.asked, self._given = None, 0
        self._process = self._started()

    @staticmethod
    def _started() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", "from hfci.generation.verify import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the warnings of 800 models tell nobody anything
            bufsize=0,
        )


def serve() -> None:
    """Answer each line `["bert", "BertModel", null]` of standard input with a line of its verification."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it ends this process
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what a model prints is no answer
        prepare("cpu")
        for line in sys.stdin:
            print(json.dumps(asdict(verify(*json.loads(line)))), file=answers, flush=True)


def _made_of(tiny: TinyModel, is_part: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the modules of models' code of what the model holds, as the manifest names them, and its parts' types.

    The class's own module and the configuration's beside it are left out where the test imports the class: not where
    it is about a part of the model.

    The parts of the default configuration count too: transformers makes them to tell what a configuration changes.
    """
    from hfci.catalog.registered import is_model_code, registered
    from hfci.catalog.registries import module_name
    from hfci.tiny.inputs.context import configs

    parts, defaults = list(configs(tiny.config)), []
    with contextlib.suppress(Exception):  # it has no default
        defaults = list(configs(type(tiny.config)()))
    own, config = type(tiny.model).__module__, type(tiny.config).__module__
    package = own.rpartition(".")[0]
    named = {type(piece).__module__ for piece in (*tiny.model.modules(), *parts, *defaults)}
    if not is_part and tiny.model_type not in registered().configs:
        named -= {own, *([config] if config.rpartition(".")[0] == package else [])}
    if (listed := module_name(tiny.model_type)) != package:
        named.add(listed)
    modules = {short_module(name) for name in named if is_model_code(name)}
    return tuple(sorted(modules)), tuple(sorted({part.model_type for part in parts} - {tiny.model_type, ""}))


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        return f"the process died of {signal.Signals(-code).name}"
    return f"the process ended with exit code {code}"
