"""What a run took: how long one waited for it, and how many minutes of machines it used."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from hfci.cases.records import Count, Seconds
from hfci.results.tally import JobTimes

__all__ = ["Spent", "spent"]


class Spent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Time and cost of a run, as far as its records say it.

    - `jobs`: how many files of records there are, each of one job
    - `longest_s`: seconds of the job that took longest, from its set-up to its last case
    - `machine_minutes`: of all jobs, each rounded up to whole minutes, as hosted runners are billed
    """

    jobs: Count
    longest_s: Seconds
    machine_minutes: Count

    def __str__(self) -> str:
        """Return both in one line."""
        jobs = f"{self.jobs:,} job{'s' * (self.jobs != 1)}"
        minutes = f"{self.machine_minutes:,} machine minute{'s' * (self.machine_minutes != 1)}"
        return f"{jobs}, {minutes}; the longest took {self.longest_s / 60:,.1f} min"


def spent(jobs: Iterable[JobTimes]) -> Spent:
    """Return what the jobs of a run took: their set-up, where it was measured, and their busiest worker."""
    seconds = [job.before_s + job.longest_s for job in jobs]
    minutes = sum(math.ceil(second / 60) for second in seconds)
    return Spent(len(seconds), max(seconds, default=0.0), minutes)
