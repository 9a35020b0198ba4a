"""What a repository that uses hfci says in its `pyproject.toml`: the table `[tool.hfci]`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hfci.errors import UsageError, nearest

__all__ = ["DEVICES", "RUNNERS", "TIERS", "Configuration", "Runner", "RunnerGroup", "load_configuration"]

FILE = "pyproject.toml"
DEVICES = ("cpu", "cuda", "mps", "xpu")
TIERS = ("smoke", "functional", "deep")

# A runner's name stands in names of jobs and artifacts, in paths and in matrices: nothing there may mean anything.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# One word each: a shell splits the requirements of a job into words, and what begins with a dash is an option of pip.
IMAGE = re.compile(r"[A-Za-z0-9][\w./:@-]{0,255}", re.ASCII)
REQUIREMENT = re.compile(r"[A-Za-z0-9][!-~]{0,255}")
INDEX = re.compile(r"https://[A-Za-z0-9][!-~]{0,255}")


@dataclass(frozen=True)
class RunnerGroup:
    """Those of a group of runners that have all of these labels."""

    group: str
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as a person reads it: `group gpus, a10`."""
        return ", ".join((f"group {self.group}", *self.labels))


@dataclass(frozen=True)
class Runner:
    """A kind of machine, as `[tool.hfci.runners.NAME]` says.

    - `runs_on`: the label, the labels, or the group, by which an engine finds it; the only key that has no default
    - `device`: one of DEVICES; a case of a plan runs on this
    - `memory`: GiB of the device: RAM for the CPU, of one accelerator otherwise
    - `workers`: processes that share it
    - `tiers`: those of TIERS that it runs
    - `shards`: at most so many jobs in one plan
    - `cost`: of one job, relative to the other runners: the cheapest that can take a file gets it, and a dear one is
      given fewer shards
    - `container`: the image in which its jobs run; empty for none
    - `packages`, `index`: further pip requirements of its jobs, and the address of an index of their own, of CUDA or
      ROCm builds for instance
    - `concurrency`: of all jobs that bear this name one runs at a time, the others wait; for a scarce machine
    """

    name: str
    runs_on: str | tuple[str, ...] | RunnerGroup
    device: str = "cpu"
    memory: float = 16.0
    workers: int = 4
    tiers: tuple[str, ...] = TIERS
    shards: int = 8
    cost: float = 1.0
    container: str = ""
    packages: tuple[str, ...] = ()
    index: str = ""
    concurrency: str = ""


# GitHub's standard runner for public repositories: 4 cores, 16 GB.
RUNNERS: Mapping[str, Runner] = MappingProxyType({"cpu": Runner("cpu", "ubuntu-24.04")})


@dataclass(frozen=True)
class Configuration:
    """The table's keys, with what holds where they are left out. Paths are relative to the file.

    - `ledger`: a ledger of known failures, added to hfci's own
    - `accepted`: a file of accepted losses, added to hfci's own
    - `runners`: the kinds of machines by name, in the file's order
    """

    ledger: Path | None = None
    accepted: Path | None = None
    runners: Mapping[str, Runner] = field(default_factory=lambda: RUNNERS)


def load_configuration(folder: Path) -> Configuration:
    """Read the nearest `pyproject.toml` of `folder` and those above it; without one, everything is at its default.

    Raises UsageError for a file that is no TOML, an unknown key (with the nearest known one) or a wrong value.
    """
    folder = folder.resolve()
    file = next((place / FILE for place in (folder, *folder.parents) if (place / FILE).is_file()), None)
    if file is None:
        return Configuration()
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot read {file}: {error}") from error
    tool = content.get("tool")
    table = tool.get("hfci", {}) if isinstance(tool, dict) else {}

    def path(value: Any, where: str) -> Path:
        return file.parent / _text(value, where, "a path")

    parsers: dict[str, Parser] = {"ledger": path, "accepted": path, "runners": _runners}
    return Configuration(**_parse(table, parsers, f"{file}: [tool.hfci]"))


Parser = Callable[[Any, str], Any]


def _parse(table: Any, parsers: Mapping[str, Parser], where: str) -> dict[str, Any]:
    """Return the values of `table` by key, each parsed by its own; UsageError for a key that has no parser."""
    if not isinstance(table, dict):
        raise UsageError(f"{where} must be a table, not {table!r:.60}")
    for key in table:
        if key not in parsers:
            raise UsageError(f"{where} has no key {key!r}; it takes {', '.join(parsers)}.{nearest(key, parsers)}")
    return {key.replace("-", "_"): parsers[key](value, f"{where} {key}") for key, value in table.items()}


def _runners(table: Any, where: str) -> Mapping[str, Runner]:
    place = where.partition("[")[0]
    if not isinstance(table, dict) or not table:
        raise UsageError(f"{where} must be tables [tool.hfci.runners.NAME], one or more, not {table!r:.60}")
    found = {}
    for name, values in table.items():
        if not NAME.fullmatch(name):
            rule = "a runner's name has letters and digits, after the first also dots, dashes, underscores; at most 64"
            raise UsageError(f"{place}[tool.hfci.runners] has {name!r:.80}; {rule}")
        at = f"{place}[tool.hfci.runners.{name}]"
        known = _parse(values, RUNNER, at)
        if "runs_on" not in known:
            raise UsageError(f'{at} lacks runs-on: the label of its machines, such as "ubuntu-24.04"')
        found[name] = Runner(name, **known)
    return MappingProxyType(found)


def _text(value: Any, where: str, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where} must be {what}, not {value!r:.60}")
    return value


def _labels(value: Any, where: str) -> str | tuple[str, ...]:
    if isinstance(value, list) and value:
        return tuple(_text(label, where, "a label or a list of labels") for label in value)
    return _text(value, where, "a label or a list of labels")


def _machines(value: Any, where: str) -> str | tuple[str, ...] | RunnerGroup:
    if not isinstance(value, dict):
        return _labels(value, where)
    known = _parse(value, {"group": lambda group, at: _text(group, at, "a group's name"), "labels": _labels}, where)
    if "group" not in known:
        raise UsageError(f'{where} lacks group: {{group = "NAME", labels = ["LABEL"]}}, or labels alone')
    labels = known.get("labels", ())
    return RunnerGroup(known["group"], (labels,) if isinstance(labels, str) else labels)


def _word(pattern: re.Pattern[str], what: str) -> Parser:
    def parse(value: Any, where: str) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise UsageError(f"{where} must be {what}, not {value!r:.60}")
        return value

    return parse


def _packages(value: Any, where: str) -> tuple[str, ...]:
    what = 'a list of pip requirements, each without spaces and no option, such as ["timm>=1.0"]'
    if not isinstance(value, list):
        raise UsageError(f"{where} must be {what}, not {value!r:.60}")
    return tuple(_word(REQUIREMENT, what)(one, where) for one in value)


def _among(known: tuple[str, ...]) -> Parser:
    def parse(value: Any, where: str) -> str:
        if value not in known:
            near = nearest(value, known) if isinstance(value, str) else ""
            raise UsageError(f"{where} must be one of {', '.join(known)}, not {value!r:.60}.{near}")
        return str(value)

    return parse


def _tiers(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise UsageError(f"{where} must be a list of {', '.join(TIERS)}, not {value!r:.60}")
    named = {_among(TIERS)(tier, where) for tier in value}
    return tuple(tier for tier in TIERS if tier in named)


def _count(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{where} must be a whole number of at least 1, not {value!r:.60}")
    return value


def _positive(value: Any, where: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise UsageError(f"{where} must be a number above 0, not {value!r:.60}")
    return float(value)


RUNNER: Mapping[str, Parser] = {
    "runs-on": _machines,
    "device": _among(DEVICES),
    "memory": _positive,
    "workers": _count,
    "tiers": _tiers,
    "shards": _count,
    "cost": _positive,
    "container": _word(IMAGE, "the name of an image, such as ghcr.io/owner/image:tag"),
    "packages": _packages,
    "index": _word(INDEX, "an address that begins with https://"),
    "concurrency": _word(NAME, "a name of letters, digits, dots, dashes and underscores, at most 64"),
}
