"""A warm interpreter: a program that runs `-P -c CODE` in a fork of a process that has imported torch and transformers.

A child of a preflight would import them anew, for some four seconds. To the preflight this is an interpreter as any
other, which has its pipes, takes its signals and ends with its status. What libraries read of the environment when they
are imported has been read, though: where that is another one now, the program is Python itself, and cold.

Run as a program, `warm.py ADDRESS … -P -c CODE DESCRIPTOR …` asks the process that listens at ADDRESS for that fork.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

__all__ = ["READ_AT_IMPORT", "WarmInterpreter", "serve"]

ROOT = Path(__file__).parents[2]
SERVER = "import sys; from tests.preflight.warm import serve; serve(sys.argv[1])"
LONGEST = 1 << 20

# What is read at the import, by the beginning of its name, but for what is read whenever it is needed.
READ_AT_IMPORT = ("HF_", "HUGGING", "TRANSFORMERS_")
READ_LATER = ("HF_TOKEN",)

# What stages import; none of it starts a thread, which a fork would lack.
IMPORTS = """
import torch, transformers.modeling_utils, transformers.pipelines, transformers.quantizers.auto, transformers.generation
import transformers.models.llama.modeling_llama, transformers.tokenization_utils_tokenizers, yaml
import huggingface_hub.hf_api, huggingface_hub.file_download, huggingface_hub.utils
import hfci.preflight.worker, hfci.preflight.activations, hfci.preflight.memory, hfci.preflight.twin
import hfci.catalog.registries, hfci.tiny.shrink, hfci.checks.pipelines.media
"""


class WarmInterpreter:
    """The interpreter `python`, a file in `folder`, for as long as the block lasts."""

    def __init__(self, folder: Path) -> None:
        self.python = str(folder / "python")
        self._address = str(folder / "socket")

    def __enter__(self) -> WarmInterpreter:
        import shlex
        import subprocess  # here, since the program is to begin in a moment

        command = shlex.join([sys.executable, "-IS", __file__, self._address, sys.executable, read_at_import()])
        Path(self.python).write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        Path(self.python).chmod(0o755)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._address)
        listener.listen()
        with listener:
            self._server = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(listener.fileno())], cwd=ROOT, pass_fds=(listener.fileno(),)
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.wait()


def read_at_import() -> str:
    """Return what of the environment is read when libraries are imported."""
    names = [name for name in os.environ if name.startswith(READ_AT_IMPORT) and name not in READ_LATER]
    return json.dumps({name: os.environ[name] for name in sorted(names)})


def serve(descriptor: str) -> None:
    """Import what stages do, and fork for each that connects to the socket, until killed."""
    exec(IMPORTS, {})
    listener = socket.socket(fileno=int(descriptor))
    while True:
        caller, _ = listener.accept()
        if between := os.fork():  # which only forks, so that nobody here waits for the one that works
            caller.close()
            os.waitpid(between, 0)
        elif os.fork():
            os._exit(0)
        else:
            listener.close()
            keep(caller)


def keep(caller: socket.socket) -> None:
    """Run what `caller` asks for in a fork, and tell its number, and how it ended."""
    message, descriptors, _, _ = socket.recv_fds(caller, LONGEST, 4)
    request = json.loads(message)
    child = os.fork()
    if child:
        for descriptor in descriptors:
            os.close(descriptor)
        caller.sendall(b"%d\n" % child)
        caller.sendall(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        os._exit(0)
    caller.close()
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["variables"])
    code, *arguments = request["arguments"]
    targets = (0, 1, 2, int(arguments[0]))
    high = [os.dup2(descriptor, 200 + place) for place, descriptor in enumerate(descriptors)]
    for target, descriptor in zip(targets, high, strict=True):
        os.dup2(descriptor, target)
    os.closerange(max(targets) + 1, 256)
    sys.argv = ["-c", *arguments]
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    sys.stdout.flush()
    os._exit(0)


def launch(address: str, python: str, was_read: str, *arguments: str) -> None:
    """Have the process at `address` run what `python` is asked to, `-P -c CODE DESCRIPTOR …`, and end as that does."""
    if read_at_import() != was_read:
        os.execv(python, [python, *arguments])
    request = {"arguments": arguments[2:], "variables": dict(os.environ), "folder": str(Path.cwd())}
    descriptors = [0, 1, 2, int(arguments[3])]
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [json.dumps(request).encode()], descriptors)
        for descriptor in descriptors:  # whoever reads learns that the other end has closed them
            os.close(descriptor)
        answer = server.makefile("rb")
        child = int(answer.readline())

        def pass_on(number: int, _: FrameType | None) -> None:
            os.killpg(child, number)

        signal.signal(signal.SIGTERM, pass_on)
        status = int(answer.readline() or b"1")
    if status < 0:
        if -status != signal.SIGKILL:  # which nobody can handle
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    launch(*sys.argv[1:])
