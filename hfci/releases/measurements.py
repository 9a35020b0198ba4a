"""What the processes of a comparison tell: how a side is, what an architecture takes and gives, what it computes."""

from __future__ import annotations

import msgspec

__all__ = ["Answer", "Field", "Forwarded", "Function", "Interface", "Question", "Row", "Told"]


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a process is asked.

    - `do`: `tell` what it is; `row` of a model type; `build` its architectures and save them, `load` what was saved,
      `repeat` that where it was saved to learn how far float error goes, `trace` what the forward executes, or `check`
      what a check executes that is asked of them
    - `folder`: of the checkpoints, a folder for each architecture
    - `check`: the name of one
    """

    do: str
    model_type: str = ""
    architectures: tuple[str, ...] = ()
    folder: str = ""
    check: str = ""


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a side is: versions, where its transformers lies and what its digest is, and its model types."""

    transformers: str
    torch: str
    python: str
    path: str
    digest: str
    commit: str | None = None
    model_types: tuple[str, ...] = ()


class Function(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """A function of transformers: its file below the package, and its name with its class."""

    file: str
    name: str


class Interface(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What can be said of an architecture without building it.

    - `arguments`: of its forward, each by the word that is the same in every release → how it is spelled
    - `outputs`: the fields that its outputs declare, in such words
    - `checks`: those that hfci asks of it, in any tier
    - `file`: that defines the class, below the package
    """

    file: str = ""
    family: str = ""
    tasks: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    arguments: dict[str, str] = {}
    outputs: tuple[str, ...] = ()
    error: str | None = None


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model type: its configuration's class, the fields of the default one with their values, its architectures."""

    configured_by: Function | None = None
    config: dict[str, str] = {}
    architectures: dict[str, Interface] = {}
    error: str | None = None


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a field of the outputs is on the second side.

    - `moved`: its largest difference, relative to its largest value; None where that says nothing
    - `what`: another shape or dtype, or other whole numbers
    - `allowed`: what float error may move it by, where it was measured
    """

    name: str
    moved: float | None = None
    what: str = ""
    allowed: float | None = None


class Forwarded(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How far an architecture came on a side, and how it differs from what was saved.

    - `stage`, `error`: where it stopped and why; None where it did not
    - `same`: whether all that it gives on both sides has the bits that were saved
    - `fields`: those that have not
    - `gives`: what it gives on one side alone, a line each
    - `keys`: of its weights that are not as they were: `lm_head.weight gone`
    - `own_inputs`: why it was given inputs of its own, and not those that were saved
    """

    stage: str | None = None
    error: str | None = None
    same: bool = False
    fields: tuple[Field, ...] = ()
    gives: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    own_inputs: str | None = None
    seconds: float = 0.0


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a process answers; what was not asked is empty. `error` where it could not answer at all."""

    told: Told | None = None
    row: Row | None = None
    forwarded: dict[str, Forwarded] = {}
    functions: dict[str, tuple[Function, ...]] = {}
    error: str | None = None
