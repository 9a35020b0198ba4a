"""The stages of preflight, in their order: what each finds, what must have passed before it, and how long it may take.

To add a stage, three things, and nothing else is touched:

1. A module named for it, `hfci/preflight/NAME.py`, with the structure of its findings (a `msgspec.Struct` of numbers,
   texts and further structures, whose docstring lists its fields) and a function `(Context) -> findings`. The module
   must not import torch or transformers but in its functions: the parent reads the structures, and imports neither.
2. A field of that name in `Found`, with the structure as its type, None before it passed.
3. A row in `STAGES`.

The function runs in a child process that is killed when its time is up. It reads `context.configuration` and what
earlier stages found, `context.found.access.commit` say, which is there if the row's `needs` say so. Where the
checkpoint will not do, it raises `Diagnosed(CODE, evidence, fact=…)` with a code of data/diagnoses.toml; an exception
of a library is diagnosed by the table in diagnosis.py. `context.progress("text", done, total)` tells where it stands.
What only one process can hold, a loaded model say, is put into `context.held` for a later stage: those run in the same
process, unless it had to be killed. What it prints, and what libraries print, goes to the log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hfci.preflight.access import Access, access
from hfci.preflight.configuration import (
    Configuration,
    Request,
    evaluation_command,
    from_pretrained_arguments,
    resolve,
    tokenizer_arguments,
)
from hfci.preflight.download import Download, download
from hfci.preflight.hello import Hello, hello
from hfci.preflight.keys import Keys, keys
from hfci.preflight.load import Load, load
from hfci.preflight.rehearsal import Rehearsal, rehearsal
from hfci.preflight.size import Size, size
from hfci.preflight.versions import installed_versions

__all__ = ["STAGES", "Context", "Found", "Resolved", "Stage", "stage_names"]


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """What `configuration` finds.

    - `configuration`: the one that was asked for, with every default; `command`: the evaluation's command line
    - `from_pretrained`, `tokenizer`: the arguments of the model's and of the tokenizer's `from_pretrained`
    - `versions`: of Python and the packages that matter, where the stages run
    """

    configuration: Configuration
    command: str
    from_pretrained: dict[str, Any]
    tokenizer: dict[str, Any]
    versions: dict[str, str]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the stages found that passed."""

    configuration: Resolved | None = None
    access: Access | None = None
    size: Size | None = None
    keys: Keys | None = None
    rehearsal: Rehearsal | None = None
    download: Download | None = None
    load: Load | None = None
    hello: Hello | None = None


@dataclass(frozen=True)
class Context:
    """What a stage is given.

    `progress(text, done, total)` says what is being done, `done` of `total` where they are known; `held` is what this
    process holds for later stages.
    """

    request: Request
    found: Found
    progress: Callable[[str, float | None, float | None], None]
    held: dict[str, Any] = field(default_factory=dict)

    @property
    def configuration(self) -> Configuration:
        """The configuration, once that stage has passed."""
        assert self.found.configuration is not None, "no configuration yet"
        return self.found.configuration.configuration


def _configuration(context: Context) -> Resolved:
    """Resolve what was asked for."""
    configuration = resolve(context.request)
    return Resolved(
        configuration=configuration,
        command=evaluation_command(configuration),
        from_pretrained=from_pretrained_arguments(configuration),
        tokenizer=tokenizer_arguments(configuration),
        versions=installed_versions(),
    )


@dataclass(frozen=True)
class Stage:
    """One stage.

    `needs` must have passed; what comes after one that failed, and does not need it, runs all the same. `limit_s` ends
    it, None where only `silence_s` does: so long may it go without progress, and is tried once more then if
    `second_try` says with which variables of the environment.
    """

    name: str
    run: Callable[[Context], msgspec.Struct]
    needs: tuple[str, ...] = ()
    limit_s: float | None = 120.0
    silence_s: float | None = None
    second_try: Mapping[str, str] | None = None


STAGES: tuple[Stage, ...] = (
    Stage("configuration", _configuration, limit_s=30.0),
    Stage("access", access, needs=("configuration",), limit_s=60.0),
    Stage("size", size, needs=("access",), limit_s=300.0),
    Stage("keys", keys, needs=("size",), limit_s=600.0),
    Stage("rehearsal", rehearsal, needs=("size",), limit_s=600.0),
    Stage(
        "download",
        download,
        needs=("size", "keys", "rehearsal"),
        limit_s=None,
        silence_s=120.0,
        second_try={"HF_HUB_DISABLE_XET": "1"},
    ),
    Stage("load", load, needs=("download",), limit_s=3_600.0),
    Stage("hello", hello, needs=("load",), limit_s=600.0),
)


def stage_names() -> tuple[str, ...]:
    """Return the names of the stages, and of the report at the end."""
    return (*(stage.name for stage in STAGES), "report")
