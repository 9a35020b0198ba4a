"""A case: model type, architecture, check and further axes; its ID depends on nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfci.cases.variant import AXES, Variant, inside
from hfci.errors import UsageError, nearest

__all__ = ["LAYOUTS", "SETTINGS", "Case", "case_from_marker", "case_id", "run_command", "unusual"]

# What the marker must and may say; and what a parameter of a test may, where `check` has its axes with it.
REQUIRED = ("model_type", "architecture", "family", "tier")
OPTIONAL = ("requires", *AXES, "parent")
PARAMETERS = ("check", "architecture", *AXES)


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
    axes = inside((("task", task), ("device", device), ("backend", backend), ("dtype", dtype)))
    return f"{model_type}/{architecture or '-'}/{check or '-'}[{axes}]"


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
    def variant(self) -> Variant:
        """The check with its axes, without the device; the check must not be None."""
        return Variant(self.check or "", self.task, self.backend, self.dtype)

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

    `known` are the fields that do not come from the marker: device, file, and the check, where no parameter names it.
    Raises UsageError for a marker with positional arguments, a missing or an unknown field, a value of the wrong type,
    or an axis that is said twice.
    """
    wrong = "the hfci marker"
    if positional:
        raise UsageError(f"{wrong} takes keyword arguments only, not {positional!r}")
    for name in fields:
        if name not in REQUIRED + OPTIONAL:
            raise UsageError(f"{wrong} has no field {name!r}.{nearest(name, REQUIRED + OPTIONAL)}")
    stray = [name for name in parameters if name not in PARAMETERS]
    if stray:
        raise UsageError(f"a case has no axis {stray[0]!r}; a test's parameters may be {', '.join(PARAMETERS)}")
    values = {**fields, **parameters}
    if "check" in values:
        variant = Variant.parse(str(values.pop("check")))
        axes = {name: value for name in AXES if (value := getattr(variant, name)) is not None}
        if twice := axes.keys() & values.keys():
            raise UsageError(f"{wrong} and its check {variant} both say {', '.join(sorted(twice))}")
        values |= axes
        known = {**known, "check": variant.check}
    missing = [name for name in REQUIRED if name not in values]
    if missing:
        raise UsageError(f"{wrong} lacks {', '.join(missing)}; it needs {', '.join(REQUIRED)}")
    requires = values.pop("requires", ())
    if not isinstance(requires, (tuple, list)) or not all(isinstance(name, str) for name in requires):
        raise UsageError(f"{wrong}: requires must be a tuple of package names, not {requires!r}")
    for name, value in values.items():
        if (name, value) == ("architecture", None):  # of a model type as a whole
            continue
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
    options = ((name, settings[name]) for name, usual in SETTINGS.items() if settings.get(name, usual) != usual)
    return [word for name, value in options for word in (f"{prefix}{name}", str(value))]


def run_command(
    case: Case,
    *,
    varied: Collection[str] = (),
    source: Path | None = None,
    imports: Sequence[str] = (),
    backend: str | None = None,
    **settings: Any,
) -> str:
    """Return the command that runs this one case anywhere, with the same settings.

    Anywhere, tests are found or rendered: no folder is named. `varied` are the checks that are asked with axes too, so
    that their name alone would mean more than the case. `source` is a checkout of transformers; `imports` are the
    options that name what else is imported; `backend` is the one that the run was about. A model type without a test
    has nothing to run: rendering it says why.
    """
    if case.check is None:
        return shlex.join(["hfci", "generate", case.model_type, *imports])
    name = case.model_type if case.tier == "smoke" else case.architecture or case.model_type
    check = case.variant.exact if case.check in varied else str(case.variant)
    is_of_run = backend is not None and case.backend == backend
    command = ["hfci", "run", name, "--check", case.check if is_of_run else check, "--device", case.device]
    command += ["--backend", backend] if backend is not None and is_of_run else []
    command += ["--tier", case.tier] if case.tier != "smoke" else []
    command += unusual(settings)
    command += ["--source", str(source)] if source is not None else []
    return shlex.join([*command, *imports])
