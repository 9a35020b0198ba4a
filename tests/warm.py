"""A warm interpreter: a program that runs `-c CODE` or `-m MODULE` in a fork of a process that has imported libraries.

A process would import torch and transformers anew, for some four processor-seconds. To whoever starts it this is an
interpreter as any other, which has its pipes, takes its signals, ends with its status, and is gone when it is killed.
What is read of the environment when an interpreter or a library begins has been read, though: where that is another one
now, and for options that a fork cannot have, the program is Python itself, and cold. So it is where PYTHONPATH names a
folder with what has been imported from elsewhere, or has been looked for and was not there.

Run as a program, `warm.py ADDRESS … -c CODE …` asks the process that listens at ADDRESS for that fork.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import FrameType

__all__ = ["COLD", "READ_AT_IMPORT", "WarmInterpreter", "interpreter", "serve"]

# Python itself. In tests `sys.executable` is a warm one: see tests/conftest.py.
COLD = sys.executable

ROOT = Path(__file__).parents[1]
SERVER = "import sys; from tests.warm import serve; serve(*sys.argv[1:])"
LONGEST, MOST_FILES = 1 << 20, 16

# What is read at the start, by the beginning of its name, but for what is read whenever it is needed.
READ_AT_IMPORT = ("HF_", "HUGGING", "TRANSFORMERS_")
READ_AT_START = (*READ_AT_IMPORT, "PYTHON", "LANG", "LC_", "OMP_", "MKL_", "KMP_", "ATEN_", "TORCH", "CUDA", "LD_")
READ_LATER = (
    "HF_TOKEN",
    "HF_DEACTIVATE_ASYNC_LOAD",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "TORCHINDUCTOR_CACHE_DIR",
)

# What a library has read of it that is true or false, and a fork reads again: the module that keeps it by that name.
READ_AGAIN = {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "huggingface_hub.constants"}

# What hfci's workers import first, once they are offline; no module of hfci's, which pytest may want to rewrite. None
# of it starts a thread, which a fork would lack.
LIBRARIES = """
import torch, transformers.modeling_utils, transformers.models.auto.modeling_auto
import transformers.models.bert.modeling_bert
"""

# What Python imports when it begins, where it is found.
AT_START = {"sitecustomize", "usercustomize"}

# Options of Python's that a fork can have.
OPTIONS = ("-P", "-u")


class WarmInterpreter:
    """The interpreter `python`, a file in `folder`, which has run `imports`, for as long as the block lasts.

    It is for an `environment`, that of this process if none is said. What `given` names is set by whoever asks before
    it imports, to what `imports` has set: it is not compared.
    """

    def __init__(
        self, folder: Path, imports: str, given: tuple[str, ...] = (), environment: Mapping[str, str] = os.environ
    ) -> None:
        self.python = str(folder / "python")
        self._address = str(folder / "socket")
        self._imports, self._given = imports, given
        self._read = read_at_start(environment, given)
        self._path = {"PYTHONPATH": environment["PYTHONPATH"]} if "PYTHONPATH" in environment else {}

    def __enter__(self) -> WarmInterpreter:
        import shlex
        import subprocess  # here, since the program is to begin in a moment

        about = json.dumps([self._address, self.python, COLD, self._given, self._read])
        command = shlex.join([COLD, "-IS", __file__, about])
        Path(self.python).write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        Path(self.python).chmod(0o755)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._address)
        listener.listen()
        with listener:
            serving = [COLD, "-c", SERVER, str(listener.fileno()), self._imports]
            others = {name: value for name, value in os.environ.items() if not name.startswith(READ_AT_START)}
            files, variables = (listener.fileno(),), {**others, **self._read, **self._path}
            self._server = subprocess.Popen(serving, cwd=ROOT, env=variables, stdin=subprocess.PIPE, pass_fds=files)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.wait()


def interpreter(environment: Mapping[str, str] = os.environ) -> str:
    """Return the path of an interpreter that has imported what hfci's workers do; it ends with this process.

    It is for an `environment`, that of this process if none is said.
    """
    from hfci.testing.process_setup import OFFLINE

    given = tuple(OFFLINE)
    imports = f"import os; os.environ.update({OFFLINE}){LIBRARIES}"
    now = json.dumps(read_at_start(environment, given))
    if now not in _INTERPRETERS:
        import atexit
        import tempfile

        folder = tempfile.TemporaryDirectory(prefix="hfci-warm-")  # the address of a socket has a hundred characters
        warm = _INTERPRETERS[now] = WarmInterpreter(Path(folder.name), imports, given, environment).__enter__()
        atexit.register(folder.cleanup)
        atexit.register(warm.__exit__)
    return _INTERPRETERS[now].python


_INTERPRETERS: dict[str, WarmInterpreter] = {}


def read_at_start(environment: Mapping[str, str], given: Collection[str]) -> dict[str, str]:
    """Return what of an environment is read when an interpreter begins and libraries are imported."""
    passed_over = (*READ_LATER, *READ_AGAIN, *given)
    names = [name for name in environment if name.startswith(READ_AT_START) and name not in passed_over]
    return {name: environment[name] for name in sorted(names)}


def serve(descriptor: str, imports: str) -> None:
    """Fork for each that connects to the socket, until killed or whoever began it has ended.

    It runs `imports` when the first one does: where none does, as in most files of tests, it costs nothing.
    """
    import select

    listener = socket.socket(fileno=int(descriptor))
    looked_for = LookedFor()
    is_warm = False
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        if 0 in ready:  # nobody writes there: it has been closed
            return
        if not is_warm:
            sys.meta_path.append(looked_for)
            exec(imports, {})
            sys.meta_path.remove(looked_for)
            is_warm = True
        caller, _ = listener.accept()
        if between := os.fork():  # which only forks, so that nobody here waits for the one that works
            caller.close()
            os.waitpid(between, 0)
        elif os.fork():
            os._exit(0)
        else:
            listener.close()
            keep(caller, looked_for.names | AT_START)
            return


class LookedFor:
    """The last finder of modules, which finds none: it is asked for those that no other finds."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def find_spec(self, name: str, *_: object) -> None:
        """Keep the name of the package."""
        self.names |= tops([name])


def keep(caller: socket.socket, absent: set[str]) -> None:
    """Run what `caller` asks for in a fork, tell its number and how it ended; kill it if the caller ends before."""
    os.setsid()
    message, descriptors, _, _ = socket.recv_fds(caller, LONGEST, MOST_FILES)
    request = json.loads(message)
    child = os.fork()
    if not child:
        caller.close()
        become(request, descriptors, absent)
        return
    for descriptor in descriptors:
        os.close(descriptor)
    caller.sendall(b"%d\n" % child)
    if hasattr(os, "pidfd_open"):
        import select

        ended = os.pidfd_open(child)
        ready, _, _ = select.select([ended, caller], [], [])
        if ended not in ready:
            os.killpg(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        caller.sendall(b"%d\n" % status)
    finally:
        os._exit(0)


def become(request: dict[str, object], descriptors: list[int], absent: set[str]) -> None:
    """Be the process that was asked for: its files, its environment, its folder, its program."""
    import runpy
    from importlib.metadata import entry_points

    os.setpgid(0, 0)
    targets, options, kind, what, arguments, variables, folder, python = request.values()
    high = [os.dup2(descriptor, 200 + place) for place, descriptor in enumerate(descriptors)]
    for target, descriptor in zip(targets, high, strict=True):
        os.dup2(descriptor, target)
    for other in {*range(3, 256)} - {*targets}:
        try:
            os.close(other)
        except OSError:
            continue
    before = places_in(os.environ)
    os.chdir(folder)
    places = places_in(variables)
    added = [place for place in places if place not in before]
    if [place for place in places if place in before] != before or holds(added, absent | tops(sys.modules)):
        os.execve(COLD, [COLD, *options, kind, what, *arguments], variables)
    os.environ.clear()
    os.environ.update(variables)
    for name, module in READ_AGAIN.items():
        if module in sys.modules:
            setattr(sys.modules[module], name, variables.get(name, "").upper() in ("1", "ON", "YES", "TRUE"))
    sys.executable = python
    sys.dont_write_bytecode = bool(variables.get("PYTHONDONTWRITEBYTECODE"))
    sys.orig_argv = [python, *options, kind, what, *arguments]
    sys.argv = [kind, *arguments]
    sys.stdout.reconfigure(write_through="-u" in options)
    # What a program begins with is nobody's tests; and pytest says so where a plugin of its own has been imported.
    plugins = entry_points(group="pytest11") if kind == "-m" else ()
    unknown = {"tests", *tops(plugin.module for plugin in plugins)}
    for name in [name for name in sys.modules if name.partition(".")[0] in unknown]:
        del sys.modules[name]
    sys.path[:] = places + [place for place in sys.path[1:] if place not in before]
    if "-P" not in options:
        sys.path.insert(0, "" if kind == "-c" else str(Path.cwd()))
    if kind == "-c":
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    else:
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    sys.exit(0)


def places_in(environment: Mapping[str, str]) -> list[str]:
    """Return the folders in which an environment has Python look for modules first, as Python has them in its path."""
    named = environment.get("PYTHONPATH")
    return list(dict.fromkeys(map(os.path.abspath, named.split(os.pathsep)))) if named else []


def holds(places: Iterable[str], names: set[str]) -> bool:
    """Tell whether a module by one of the `names` lies in one of the `places`."""
    entries = (path.name for place in map(Path, places) if place.is_dir() for path in place.iterdir())
    return not tops(entries).isdisjoint(names)


def tops(names: Iterable[str]) -> set[str]:
    """Return the packages, or modules, that modules are in."""
    return {name.partition(".")[0] for name in names}


def launch(about: str, *arguments: str) -> None:
    """Have a fork run what an interpreter is asked to, and end as that does."""
    import select

    address, python, cold, given, was_read = json.loads(about)
    begin = next((place for place, option in enumerate(arguments) if option not in OPTIONS), len(arguments))
    kind, what, *rest = [*arguments[begin:], "", ""]
    if kind not in ("-c", "-m") or read_at_start(os.environ, given) != was_read:
        os.execv(cold, [cold, *arguments])
    files = sorted(file for path in Path("/dev/fd").iterdir() if is_inherited(file := int(path.name)))
    request = {
        "files": files,
        "options": arguments[:begin],
        "kind": kind,
        "what": what,
        "arguments": rest[:-2],
        "variables": dict(os.environ),
        "folder": str(Path.cwd()),
        "python": python,
    }
    passed_on = (signal.SIGTERM, signal.SIGINT)
    # Python would see a signal that comes just before it waits only when it no longer does.
    woken, waking = socket.socketpair()
    waking.setblocking(False)
    signal.set_wakeup_fd(waking.fileno())
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)  # until there is somebody to pass them on to
        socket.send_fds(server, [json.dumps(request).encode()], files)
        for file in files:  # whoever reads learns that the other end has closed them
            os.close(file)
        answer = server.makefile("rb")
        child = int(answer.readline())

        def pass_on(number: int, _: FrameType | None) -> None:
            os.killpg(child, number)

        for number in passed_on:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, pass_on)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
        while server not in select.select([server, woken], [], [])[0]:
            woken.recv(LONGEST)
        status = int(answer.readline() or b"1")
    if status < 0:
        if -status != signal.SIGKILL:  # which nobody can handle
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def is_inherited(file: int) -> bool:
    """Tell whether a file is open, and a program that this one starts has it."""
    try:
        return os.get_inheritable(file)
    except OSError:  # that of the folder in which the files were looked for
        return False


if __name__ == "__main__":
    launch(*sys.argv[1:])
