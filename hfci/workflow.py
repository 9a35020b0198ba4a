"""What a job of GitHub Actions tells those who run in it, by the variables of its environment.

Their names and meanings: GitHub Docs, "Default environment variables" and "Workflow commands".
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from hfci.errors import UsageError

__all__ = [
    "OUTPUT",
    "SUMMARY",
    "branch",
    "is_foreign",
    "is_job",
    "output_file",
    "run_address",
    "run_attempt",
    "summary_file",
]

OUTPUT, SUMMARY = "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"

# Set by whoever runs a stranger's commit: nothing that it says about hfci itself is honoured.
FOREIGN = "HFCI_FOREIGN"

# Of a pull request the branch that is to be merged, else the one that was pushed.
BRANCHES = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME")

# Of what the address of a run's page is made, in this order, and what each must be to stand in a link.
ADDRESS = {
    "GITHUB_SERVER_URL": re.compile(r"https?://[\w.-]{1,200}(?::[0-9]{1,5})?", re.ASCII),
    "GITHUB_REPOSITORY": re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}", re.ASCII),
    "GITHUB_RUN_ID": re.compile(r"[0-9]{1,20}", re.ASCII),
}

ATTEMPT = "GITHUB_RUN_ATTEMPT"
NUMBER = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


def is_foreign() -> bool:
    """Tell whether what is checked out may be a stranger's: a fork's pull request, or one of which nobody says whose.

    So it is too where who has started the job says it, by FOREIGN.
    """
    if os.environ.get(FOREIGN):
        return True
    if not os.environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        return False
    try:
        event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_bytes())
        head, base = (event["pull_request"][side]["repo"]["full_name"] for side in ("head", "base"))
    except (OSError, ValueError, LookupError, TypeError):
        return True
    return bool(head != base)


def is_job() -> bool:
    """Tell whether this is a job of GitHub Actions, whose runner reads commands in what it prints."""
    return bool(os.environ.get("GITHUB_ACTIONS"))


def output_file() -> Path | None:
    """Return the file that takes the outputs of this step; None where there is none."""
    return _file(OUTPUT)


def summary_file() -> Path | None:
    """Return the file that takes this step's page of the job summary; None where there is none."""
    return _file(SUMMARY)


def run_attempt() -> int:
    """Return which attempt at its run this job is, 1 where nobody says; UsageError where what is said is no number."""
    attempt = os.environ.get(ATTEMPT) or "1"
    if not NUMBER.fullmatch(attempt):
        raise UsageError(f"{ATTEMPT} must be the number of this attempt at the job, not {attempt!r:.60}: unset it")
    return int(attempt)


def run_address() -> str | None:
    """Return the address of this run's page, with its summaries and artifacts; None where no workflow says it."""
    said = {name: os.environ.get(name, "") for name in ADDRESS}
    if not all(form.fullmatch(said[name]) for name, form in ADDRESS.items()):
        return None
    server, repository, run = said.values()
    return f"{server}/{repository}/actions/runs/{run}"


def branch() -> str | None:
    """Return the branch that is built; None where no workflow says it."""
    return next(filter(None, (os.environ.get(name) for name in BRANCHES)), None)


def _file(variable: str) -> Path | None:
    path = os.environ.get(variable)
    return Path(path) if path else None
