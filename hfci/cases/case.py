"""A case: model type, architecture, check and further axes; its ID depends on nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfci.errors import UsageError, nearest

__all__ = ["LAYOUTS", "SETTINGS", "Case", "case_from_marker", "case_id", "run_command", "unusual"]

# What the marker must and may say. The optional axes can also come from a parameter of the test.
REQUIRED = ("model_type", "architecture", "family", "tier")
AXES = ("architecture", "task", "backend", "dtype")
OPTIONAL = ("requires", "task", "backend", "dtype", "parent")


def case_id(
    model_type: str,
    architecture: str | None,
    check: str | None,
    *,
    device: str = "cpu",
    task: str | None = None,
    backend: str | None = None,
    dtype: str | None = None,
) -> str:
    """Return the stable ID, e.g. `bert/BertModel/forward_is_finite[device=cpu]`; `-` stands for none."""
    if task is backend is dtype is None:  # as of nearly all; a plan has a hundred thousand
        return f"{model_type}/{architecture or '-'}/{check or '-'}[device={device}]"
    axes = {"task": task, "device": device, "backend": backend, "dtype": dtype}
    inside = ",".join(f"{name}={value}" for name, value in axes.items() if value is not None)
    return f"{model_type}/{architecture or '-'}/{check or '-'}[{inside}]"


@dataclass(frozen=True)
class Case:
    """One test: what it tests. `file` is relative to the folder of generated tests, or to pytest's root.

    `parent` is the model type whose architecture it is, where the case is about a part of that.
    """

    model_type: str
    architecture: str | None
    family: str | None
    check: str | None
    tier: str
    device: str
    task: str | None = None
    backend: str | None = None
    dtype: str | None = None
    file: str | None = None
    requires: tuple[str, ...] = ()
    parent: str | None = None

    @property
    def id(self) -> str:
        """The stable ID of the case."""
        return case_id(
            self.model_type,
            self.architecture,
            self.check,
            device=self.device,
            task=self.task,
            backend=self.backend,
            dtype=self.dtype,
        )


def case_from_marker(
    fields: Mapping[str, Any], positional: tuple[Any, ...], parameters: Mapping[str, Any], **known: Any
) -> Case:
    """Make the case of a test from its `hfci` marker and its parameters.

    `known` are the fields that do not come from the marker: check, device, file. Raises UsageError for a
    marker with positional arguments, a missing or an unknown field, or a value of the wrong type.
    """
    wrong = "the hfci marker"
    if positional:
        raise UsageError(f"{wrong} takes keyword arguments only, not {positional!r}")
    for name in fields:
        if name not in REQUIRED + OPTIONAL:
            raise UsageError(f"{wrong} has no field {name!r}.{nearest(name, REQUIRED + OPTIONAL)}")
    stray = [name for name in parameters if name not in AXES]
    if stray:
        raise UsageError(f"a case has no axis {stray[0]!r}; a test's parameters may be {', '.join(AXES)}")
    values = {**fields, **parameters}
    missing = [name for name in REQUIRED if name not in values]
    if missing:
        raise UsageError(f"{wrong} lacks {', '.join(missing)}; it needs {', '.join(REQUIRED)}")
    requires = values.pop("requires", ())
    if not isinstance(requires, (tuple, list)) or not all(isinstance(name, str) for name in requires):
        raise UsageError(f"{wrong}: requires must be a tuple of package names, not {requires!r}")
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            raise UsageError(f"{wrong}: {name} must be a non-empty string, not {value!r}")
    return Case(**values, requires=tuple(requires), **known)


# Where weights and inputs lie in memory. `natural`: where torch puts what it makes; `misaligned`: one number further,
# where nothing is aligned.
LAYOUTS = ("natural", "misaligned")

# What decides how a run computes its cases, and the usual value of each; options of `hfci run` and, as --hfci-NAME, of
# pytest.
SETTINGS: Mapping[str, Any] = {"seed": 0, "threads": 1, "layout": "natural"}


def unusual(settings: Mapping[str, Any], prefix: str = "--") -> list[str]:
    """Return the options that give those of `settings` that are not the usual ones."""
    told = ((name, settings[name]) for name, usual in SETTINGS.items() if settings.get(name, usual) != usual)
    return [word for name, value in told for word in (f"{prefix}{name}", str(value))]


def run_command(case: Case, *, source: Path | None = None, **settings: Any) -> str:
    """Return the command that runs this one case anywhere, with the same settings.

    Anywhere, tests are found or rendered: no folder is named. `source` is a checkout of transformers. A model type
    without a test has nothing to run: rendering it says why.
    """
    if case.check is None:
        return shlex.join(["hfci", "generate", case.model_type])
    name = case.model_type if case.tier == "smoke" else case.architecture or case.model_type
    command = ["hfci", "run", name, "--check", case.check, "--device", case.device]
    command += ["--tier", case.tier] if case.tier != "smoke" else []
    command += unusual(settings)
    command += ["--source", str(source)] if source is not None else []
    return shlex.join(command)
