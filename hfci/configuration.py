"""What a repository that uses hfci says in its `pyproject.toml`: the table `[tool.hfci]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta
from msgspec.structs import asdict, force_setattr

from hfci.errors import nearest
from hfci.parsing import Filled, Text, convert, read_toml

__all__ = [
    "DEVICES",
    "RUNNERS",
    "TIERS",
    "Configuration",
    "Device",
    "Runner",
    "RunnerGroup",
    "Table",
    "Tier",
    "load_configuration",
    "require_device",
]

FILE = "pyproject.toml"
# The kinds that somebody rents or owns a runner of; torch's name for another, which a vendor's package brings, is a
# device too, unless it is these misspelt.
DEVICES = ("cpu", "cuda", "mps", "xpu", "tpu")
Tier = Literal["smoke", "functional", "deep"]
TIERS: tuple[Tier, ...] = get_args(Tier)

# A runner's name stands in names of jobs and artifacts, in paths and in matrices: nothing there may mean anything. One
# word each: a shell splits the requirements of a job into words, and what begins with a dash is an option of pip.
# In Python `$` alone would let a line feed follow.
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)"
Name = Annotated[
    str, Meta(pattern=_NAME, title="a name of letters, digits, dots, dashes and underscores, at most 64, no sign first")
]
Image = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_./:@-]{0,255}$(?!\n)",
        title="the name of an image, such as ghcr.io/owner/image:tag",
    ),
]
Requirement = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][!-~]{0,255}$(?!\n)",
        title="a pip requirement without spaces and no option, such as timm>=1.0",
    ),
]
Index = Annotated[
    str, Meta(pattern=r"^https://[A-Za-z0-9][!-~]{0,255}$(?!\n)", title="an address that begins with https://")
]
_DEVICE = r"^[a-z][a-z0-9_]{0,31}$(?!\n)"
Device = Annotated[str, Meta(pattern=_DEVICE, title=f"a kind of device, such as {', '.join(DEVICES)}")]
Positive = Annotated[float, Meta(gt=0, le=1e12, title="a number above 0")]
Whole = Annotated[int, Meta(ge=1, le=2**60, title="a whole number of at least 1")]
Place = Annotated[Text, Meta(title="a path")]
Package = Annotated[
    str,
    Meta(
        pattern=r"^(?=.{1,200}$(?!\n))[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$(?!\n)",
        title="a package's dotted name, such as my_package",
    ),
]
Labels = Annotated[tuple[Text, ...], Meta(min_length=1)]

# Not Text, but Filled: of a text with a pattern or a list msgspec 0.22 frees what is not its own.


def require_device(kind: str) -> None:
    """Raise ValueError for what is no kind of device, or is one of DEVICES misspelt or by another name."""
    near = nearest(kind, DEVICES)
    if kind not in DEVICES and (near or not re.fullmatch(_DEVICE, kind)):
        raise ValueError(f"no device {kind!r:.60}; there are {', '.join(DEVICES)}, and what torch has beside.{near}")


def _label(text: str) -> str:
    if not text.strip():
        raise ValueError(f"a label must be a text with something in it, not {text!r:.60}")
    return text


class RunnerGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Those of a group of runners that have all of these labels."""

    group: Annotated[Text, Meta(title="a group's name")]
    labels: Annotated[Filled | Labels, Meta(title="a label or a list of labels")] = ()

    def __post_init__(self) -> None:
        """Make a list of a single label; ValueError for a blank one."""
        if isinstance(self.labels, str):
            force_setattr(self, "labels", (_label(self.labels),))

    def __str__(self) -> str:
        """Return it as a person reads it: `group gpus, a10`."""
        return ", ".join((f"group {self.group}", *self.labels))


class RunnerTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"runs_on": "runs-on"}):
    """A kind of machine, as `[tool.hfci.runners.NAME]` says.

    - `runs-on`: the label, the labels, or the group, by which an engine finds it; the only key that has no default
    - `device`: a case of a plan runs on this
    - `memory`: GiB of the device: RAM for the CPU, of one accelerator otherwise
    - `workers`: processes that share it
    - `tiers`: those that it runs
    - `shards`: at most so many jobs in one plan
    - `cost`: of one job, relative to the other runners: the cheapest that can take a file gets it, and a dear one is
      given fewer shards
    - `container`: the image in which its jobs run; empty for none
    - `packages`: further pip requirements of its jobs
    - `index`: the address of a package index of their own, of CUDA or ROCm builds for instance; empty for none
    - `concurrency`: of all jobs that bear this name one runs at a time, the others wait; for a scarce machine
    """

    runs_on: Annotated[
        Filled | Labels | RunnerGroup,
        Meta(title='a label or a list of labels, such as "ubuntu-24.04", or {group = "NAME", labels = ["LABEL"]}'),
    ]
    device: Device = "cpu"
    memory: Positive = 16.0
    workers: Whole = 4
    tiers: Annotated[tuple[Tier, ...], Meta(min_length=1, title=f"a list of {', '.join(TIERS)}")] = TIERS
    shards: Whole = 8
    cost: Positive = 1.0
    container: Image = ""
    packages: Annotated[tuple[Requirement, ...], Meta(title="a list of pip requirements")] = ()
    index: Index = ""
    concurrency: Name = ""

    def __post_init__(self) -> None:
        """Put its tiers in order; ValueError for a blank label, or a device that is another one misspelt."""
        require_device(self.device)
        if isinstance(self.runs_on, str):
            _label(self.runs_on)
        force_setattr(self, "tiers", tuple(tier for tier in TIERS if tier in self.tiers))


class Runner(RunnerTable, frozen=True, kw_only=True):
    """A kind of machine, with its name."""

    name: str


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[tool.hfci]`. Paths are relative to the file.

    - `ledger`: a ledger of known failures, added to hfci's own
    - `accepted`: a file of accepted losses, added to hfci's own
    - `environments`: GiB of disk that the environments of other releases may take together, in the user's cache
    - `imports`: packages that register configurations and models of their own beside transformers'
    - `recipes`, `exceptions`: folders of recipes, and of exceptions to checks, added to hfci's own
    - `golden`, `changes`: folders for what is imported: its golden outputs, and what changes of its configurations do
    - `runners`: the kinds of machines by name
    """

    ledger: Place | None = None
    accepted: Place | None = None
    environments: Positive | None = None
    imports: Annotated[tuple[Package, ...], Meta(title="a list of packages")] = ()
    recipes: Place | None = None
    exceptions: Place | None = None
    golden: Place | None = None
    changes: Place | None = None
    runners: (
        Annotated[
            dict[Name, Annotated[RunnerTable, Meta(title="a table")]],
            Meta(min_length=1, title="tables [tool.hfci.runners.NAME], one or more"),
        ]
        | None
    ) = None


_TABLE: Any = Annotated[Table, Meta(title="a table")]

# GitHub's standard runner for public repositories: 4 cores, 16 GB.
RUNNERS: Mapping[str, Runner] = MappingProxyType({"cpu": Runner(name="cpu", runs_on="ubuntu-24.04")})


@dataclass(frozen=True)
class Configuration:
    """What the table says, with what holds where it says nothing; the runners in the file's order.

    `folder` is that of the file; None where there is none.
    """

    folder: Path | None = None
    ledger: Path | None = None
    accepted: Path | None = None
    environments: float | None = None
    imports: tuple[str, ...] = ()
    recipes: Path | None = None
    exceptions: Path | None = None
    golden: Path | None = None
    changes: Path | None = None
    runners: Mapping[str, Runner] = field(default_factory=lambda: RUNNERS)


def load_configuration(folder: Path) -> Configuration:
    """Read the nearest `pyproject.toml` of `folder` and those above it; without one, everything is at its default.

    Raises UsageError for a file that is no TOML, an unknown key (with the nearest known one) or a wrong value.
    """
    folder = folder.resolve()
    file = next((place / FILE for place in (folder, *folder.parents) if (place / FILE).is_file()), None)
    if file is None:
        return Configuration()
    tool = read_toml(file, dict[str, Any], "the configuration").get("tool")
    settings = tool.get("hfci", {}) if isinstance(tool, dict) else {}
    table: Table = convert(settings, _TABLE, f"{file}: [tool.hfci]")
    runners = {name: Runner(name=name, **asdict(runner)) for name, runner in (table.runners or {}).items()}

    def place(path: str | None) -> Path | None:
        return file.parent / path if path else None

    return Configuration(
        folder=file.parent,
        ledger=place(table.ledger),
        accepted=place(table.accepted),
        environments=table.environments,
        imports=table.imports,
        recipes=place(table.recipes),
        exceptions=place(table.exceptions),
        golden=place(table.golden),
        changes=place(table.changes),
        runners=MappingProxyType(runners) if runners else RUNNERS,
    )
