"""Which kind of machine may run what: those that a plan has, and those that it has not, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hfci.configuration import DEVICES, TIERS, Runner, RunnerGroup
from hfci.errors import UsageError, nearest

__all__ = ["LIMIT", "Absence", "Place", "cheapest_first", "find_places", "is_hosted", "pick"]

# GitHub's: "A matrix will generate a maximum of 256 jobs per workflow run", and of 260 it ran none.
LIMIT = 256

# The labels of GitHub's standard runners. A larger runner has one of its owner's choice, a self-hosted one its own.
HOSTED = re.compile(
    r"ubuntu-(latest|slim|\d\d\.\d\d(-arm)?)|windows-(latest|20\d\d|11-arm)|macos-(latest|\d\d)(-intel)?"
)


@dataclass(frozen=True)
class Place:
    """A tier on a device, and the runners that can take it: the cheapest first, of equals the one with most memory."""

    tier: str
    device: str
    runners: tuple[Runner, ...]


@dataclass(frozen=True)
class Absence:
    """What a plan has no shard for: a runner that is left out, or, where `runner` is None, a device without one."""

    runner: str | None
    device: str
    reason: str


def pick(runners: Mapping[str, Runner], names: Sequence[str]) -> dict[str, Runner]:
    """Return the runners of these names, all where there is none; UsageError for one that is not configured."""
    for name in names:
        if name not in runners:
            known = f"[tool.hfci.runners] has {', '.join(runners)}"
            raise UsageError(f"no runner {name!r} is configured: {known}.{nearest(name, runners)}")
    return {name: runner for name, runner in runners.items() if not names or name in names}


def cheapest_first(runners: Iterable[Runner]) -> list[Runner]:
    """Return them in the order in which they are given work; of equally cheap ones that with most memory is first."""
    return sorted(runners, key=lambda runner: (runner.cost, -runner.memory, runner.name))


def is_hosted(runner: Runner) -> bool:
    """Tell whether it is one of GitHub's standard CPU runners: fresh for each job, free of cost and of secrets."""
    if isinstance(runner.runs_on, RunnerGroup):
        return False  # whose machines they are, only its owner knows
    labels = (runner.runs_on,) if isinstance(runner.runs_on, str) else runner.runs_on
    return runner.device == "cpu" and len(labels) == 1 and HOSTED.fullmatch(labels[0]) is not None


def find_places(
    runners: Iterable[Runner], tiers: Sequence[str] = (), *, fork: bool = False
) -> tuple[tuple[Place, ...], tuple[Absence, ...]]:
    """Return the tiers (none is all) on the devices that runners have, and what is absent and why.

    `fork`: whoever wrote the code that runs is not trusted, so only GitHub's standard CPU runners may run it.
    """
    runners = tuple(runners)
    wanted = tiers or TIERS
    absent = [
        Absence(runner.name, runner.device, reason)
        for runner in runners
        if (reason := _why_not(runner, wanted, fork=fork)) is not None
    ]
    left_out = {absence.runner for absence in absent}
    usable = cheapest_first(runner for runner in runners if runner.name not in left_out)
    absent += [Absence(None, device, _without(device)) for device in DEVICES if device not in _devices(runners)]
    return tuple(
        Place(tier, device, able)
        for tier in TIERS
        if tier in wanted
        for device in dict.fromkeys((*DEVICES, *(runner.device for runner in usable)))
        if (able := tuple(runner for runner in usable if runner.device == device and tier in runner.tiers))
    ), tuple(absent)


def _why_not(runner: Runner, tiers: Sequence[str], *, fork: bool) -> str | None:
    if fork and not is_hosted(runner):
        return f"runner {runner.name}: a fork's code runs on GitHub's standard CPU runners only"
    if not set(runner.tiers).intersection(tiers):
        return f"runner {runner.name}: it runs {', '.join(runner.tiers)}, and {', '.join(tiers)} was asked for"
    return None


def _devices(runners: Iterable[Runner]) -> set[str]:
    return {runner.device for runner in runners}


def _without(device: str) -> str:
    cases = {"cpu": "CPU", "cuda": "GPU"}.get(device, device)
    return f"no runner for {device}: {cases} cases are absent"
