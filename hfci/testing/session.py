"""A pytest session over generated tests, as `hfci run` starts it: by workers, with hfci's plugins and settings only."""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfci import workflow
from hfci.cases.case import SETTINGS
from hfci.interruption import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from hfci.cases.case import Case
    from hfci.testing.recorder import Recorder

__all__ = ["own_environment", "run_session"]

# What pytest is configured with, whatever the configuration of the folder it is called in says.
CONFIGURATION = Path(__file__).parent / "data" / "pytest.ini"

# Only these: what else an environment has installed must neither change a run nor slow its start.
PLUGINS = ("xdist.plugin", "pytest_timeout", "hfci.testing.plugin")
# No warnings plugin: to hand a warning on, xdist imports the module of its class, which may be torch. Without it those
# of exceptions that nobody raised say nothing, and go through all objects again and again. transformers' own log goes
# to stderr, which is captured anyhow.
UNUSED = ("cacheprovider", "warnings", "unraisableexception", "threadexception", "logging")
FLAGS = ("-q", "--no-header", "--continue-on-collection-errors")


def run_session(
    folder: Path,
    cases: Sequence[Case],
    recorder: Recorder,
    *,
    device: str = "cpu",
    backend: str = "",
    settings: Mapping[str, Any] = SETTINGS,
    timeout: float = 300.0,
    workers: int | None = None,
    executed_lines: bool = False,
    measure: bool = False,
) -> int:
    """Run `cases`, whose files are in `folder`, and return pytest's exit status; `recorder` records them.

    `settings` are those of SETTINGS; `timeout` is in seconds, for each case. There are as many `workers` as cores, if
    it is not said, and never more than files. With a `backend` the checks that take any are asked with that. With
    `executed_lines` those are measured, with `measure` the speed of architectures. Nothing is collected here: each file
    is imported by workers only.
    """
    import pytest

    from hfci.testing.process_setup import available_cores

    files = dict.fromkeys(case.file for case in cases if case.file is not None)
    options = {
        "-c": CONFIGURATION,
        "--rootdir": folder,
        "--confcutdir": folder,
        "--import-mode": "importlib",
        "--numprocesses": min(workers or available_cores(), len(files)),
        "--dist": "loadfile",
        "--max-worker-restart": len(cases),
        "--tb": "short",
        "--hfci-device": device,
        **({"--hfci-backend": backend} if backend else {}),
        **{f"--hfci-{name}": value for name, value in settings.items()},
        "--hfci-timeout": timeout,
    }
    own = own_environment()
    for name in os.environ.keys() - own:
        del os.environ[name]
    os.environ.update(own)  # workers inherit it
    plugins = (*PLUGINS, *(f"no:{name}" for name in UNUSED))
    measured = [
        option for option, asked in (("--hfci-executed-lines", executed_lines), ("--hfci-measure", measure)) if asked
    ]
    flags = [*FLAGS, *measured, *(part for plugin in plugins for part in ("-p", plugin))]
    pairs = [part for name, value in options.items() for part in (name, str(value))]
    # Folders, of which workers take the planned files: given a file, pytest goes through its whole folder, each time.
    folders = dict.fromkeys(str((folder / file).parent) for file in files)
    # Not pytest's usual temporary folder: at its end it removes there what the user's own runs have left.
    with tempfile.TemporaryDirectory(prefix="hfci-", ignore_cleanup_errors=True) as scratch, _no_commands():
        place = ("--basetemp", str(Path(scratch, "tests")))
        try:
            return int(pytest.main([*flags, *pairs, *place, *folders], plugins=[recorder]))
        except KeyboardInterrupt:
            recorder.interrupt()
            return EXIT_INTERRUPTED


def own_environment() -> dict[str, str]:
    """Return the environment without what it tells pytest: that, and its plugins, are for the user's own tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@contextlib.contextmanager
def _no_commands() -> Iterator[None]:
    """Keep GitHub's runner from taking what a test prints for a command of the workflow ("Workflow commands")."""
    token = uuid.uuid4().hex  # which a test cannot know
    is_workflow = workflow.is_job()
    if is_workflow:
        print(f"::stop-commands::{token}", flush=True)  # noqa: T201
    try:
        yield
    finally:
        if is_workflow:
            print(f"\n::{token}::", flush=True)  # noqa: T201
