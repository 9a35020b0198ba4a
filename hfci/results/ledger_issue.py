"""A known failure as an issue for transformers: what its bug report asks for, as Markdown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from hfci.cases.ledger import Entry
from hfci.errors import EnvironmentUnfit, HfciError, UsageError
from hfci.origin import find_transformers
from hfci.results.text import clean, shorten
from hfci.templating import environment, templates_dir
from hfci.testing.process_setup import OFFLINE
from hfci.testing.reproducer import PROGRAM, TIMEOUT_S, Ending, Reproducers, faults

__all__ = ["issue_of"]

# What transformers' bug report wants to be pasted: https://github.com/huggingface/transformers/issues/new/choose
ENVIRONMENT = "from transformers.cli.transformers import main; import sys; sys.argv[1:] = ['env']; main()"
TO_FILL_IN = "<fill in>"

SOURCE = "https://github.com/huggingface/transformers/blob"
FRAME = re.compile(r'^  File "(transformers/[^"]+)", line (\d+)', re.MULTILINE)
MODELS_NAMED = 3  # in a title


def issue_of(entry: Entry, version: str) -> str:
    """Return the issue; its reproducer is run on the installed transformers, of `version`.

    Raises UsageError where the entry speaks of other versions, or its reproducer cannot be run; HfciError where that
    ends otherwise than the entry says, which is nothing to report; EnvironmentUnfit where transformers cannot describe
    this machine.
    """
    if not entry.is_for(version):
        raise UsageError(f"{entry.title} speaks of transformers {entry.transformers}, and {version} is installed")
    if wrong := list(faults(entry.reproducer)):
        raise UsageError(f"{entry.title}: {wrong[0]}")
    with Reproducers() as reproducers:
        ending = reproducers.run(entry.reproducer)
    if not ending.is_as(entry.error):
        raise HfciError(f"{entry.title}: its reproducer ends otherwise than it says: {clean(str(ending))}")
    trace = _portable(ending)
    return (
        environment(templates_dir() / "report")
        .get_template("ledger-issue.md.jinja")
        .render(
            entry=entry,
            title=_title(entry),
            reason=clean(entry.reason),
            where=_where(trace, version) or entry.link,
            program=entry.reproducer.strip(),
            trace=trace,
            fence="`" * max(3, 1 + max(map(len, re.findall("`+", entry.reproducer + trace)), default=0)),
            system=_system(),
        )
    )


def _title(entry: Entry) -> str:
    names = entry.architectures or entry.model_types
    others = f" and {len(names) - MODELS_NAMED} others" if len(names) > MODELS_NAMED else ""
    whom = f"{', '.join(names[:MODELS_NAMED])}{others}: " if names else ""
    return whom + shorten(entry.reason, 120)


def _portable(ending: Ending) -> str:
    """Return the traceback with the paths of packages and of the program alone, whatever machine this is."""
    packages = f"{find_transformers().parent}{os.sep}"
    return (
        re.sub(rf'(?m)^  File "[^"]*[/\\]{re.escape(PROGRAM)}"', f'  File "{PROGRAM}"', ending.trace)
        .replace(packages, "")
        .strip()
    )


def _where(trace: str, version: str) -> str | None:
    """Return the address of the innermost line of transformers in a traceback; None where there is none."""
    frames = FRAME.findall(trace)
    if not frames:
        return None
    path, line = frames[-1]
    revision = "main" if "dev" in version else f"v{version}"
    return f"{SOURCE}/{revision}/src/{Path(path).as_posix()}#L{line}"


def _system() -> str:
    """Return what `transformers env` says of this machine, without what it wants to be filled in."""
    command = [sys.executable, "-c", ENVIRONMENT]
    surroundings = {**os.environ, **OFFLINE}
    try:
        done = subprocess.run(  # noqa: S603 -- a text of this module
            command, env=surroundings, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentUnfit(f"`transformers env` does not end within {TIMEOUT_S:g} s") from error
    lines = [line for line in done.stdout.splitlines() if line.startswith("- ") and TO_FILL_IN not in line]
    if done.returncode or not lines:
        raise EnvironmentUnfit(f"`transformers env` ends with {done.returncode}: {shorten(done.stderr[-500:], 300)}")
    return "\n".join(lines)
