"""A plan for GitHub Actions: the outputs of a step, of which one is the matrix, and a page for its summary."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hfci.configuration import RunnerGroup
from hfci.errors import EnvironmentUnfit
from hfci.planning.plan import Plan
from hfci.planning.plan_text import COLUMNS, describe, rows

__all__ = ["append", "format_outputs", "matrix", "outputs", "page"]


def matrix(plan: Plan) -> dict[str, Any]:
    """Return `strategy.matrix`: an entry for each shard, whose `runs-on` is a label, a list of them, or a group."""
    return {
        "include": [
            {
                "shard": shard.index,
                "name": shard.name,
                "runs-on": _machines(shard.runs_on),
                "device": shard.device,
                "runner": shard.runner,
                "tier": shard.tier,
                "container": shard.container,
                "packages": " ".join(shard.packages),
                "index": shard.package_index,
                "concurrency": shard.concurrency,
            }
            for shard in plan.shards
        ]
    }


def _machines(runs_on: str | tuple[str, ...] | RunnerGroup) -> Any:
    if isinstance(runs_on, RunnerGroup):
        return {"group": runs_on.group, **({"labels": list(runs_on.labels)} if runs_on.labels else {})}
    return runs_on if isinstance(runs_on, str) else list(runs_on)


def outputs(plan: Plan) -> dict[str, str]:
    """Return the outputs of the step: the matrix as JSON, how many shards and reused cases, and the run's ID."""
    return {
        "matrix": json.dumps(matrix(plan), separators=(",", ":")),
        "shards": str(len(plan.shards)),
        "reused": str(sum(batch.count for batch in plan.reused)),
        "run": plan.run,
    }


def format_outputs(values: Mapping[str, str]) -> str:
    """Return what is appended to the file that GITHUB_OUTPUT names.

    Each value stands between two lines of a delimiter drawn for it, so that no value can end before its end and begin
    another output. Source: GitHub Docs, "Workflow commands", Multiline strings.
    """
    parts = []
    for name, value in values.items():
        delimiter = f"hfci-{secrets.token_hex(16)}"
        parts.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    return "".join(parts)


def page(plan: Plan, shown: Callable[[str], str]) -> str:
    """Return the plan as Markdown; `shown` escapes names, which come from elsewhere."""
    lines = [f"## Plan of {shown(plan.run)}", ""]
    lines += [f"- {sentence}" for sentence in describe(plan, shown)]
    if plan.shards:
        lines += ["", _row(COLUMNS), _row(["---"] * 2 + ["---:"] * (len(COLUMNS) - 2))]
        lines += [_row(cells) for cells in rows(plan, shown)]
    return "\n".join(lines) + "\n\n"


def append(path: Path, text: str) -> None:
    """Append to a file of the step, on a line of its own, as others append too; EnvironmentUnfit where that fails."""
    try:
        with path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                text = text if file.read(1) == b"\n" else f"\n{text}"
            file.write(text.encode("utf-8", "replace"))
    except OSError as error:
        raise EnvironmentUnfit(f"cannot append to {path}: {error.strerror}") from error


def _row(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"
