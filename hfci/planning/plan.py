"""A plan: which cases run where, as a file that the jobs, the report and other engines read. No torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from hfci.cases.case import Case
from hfci.cases.manifest import Manifest
from hfci.cases.records import Count, Number, Seconds
from hfci.cases.variant import Variant
from hfci.configuration import TIERS, RunnerGroup
from hfci.confined import PlainName, RelativePath
from hfci.errors import UsageError
from hfci.imports import Imported
from hfci.origin import Origin
from hfci.parsing import Names, Text, Upgrades, Writer, read_json, this_hfci
from hfci.planning.runners import LIMIT
from hfci.planning.select import Selection, select
from hfci.writing import write_json

__all__ = [
    "SCHEMA",
    "SCHEMA_FILE",
    "Absent",
    "Assumed",
    "Batch",
    "Group",
    "LeftOut",
    "Plan",
    "Reused",
    "Shard",
    "Unavailable",
    "Untested",
    "groups_of",
    "load_plan",
    "parse_shard",
    "require_imports",
    "require_source",
    "select_shard",
    "write_plan",
]

SCHEMA = 6
SCHEMA_FILE = Path(__file__).parent / "data" / "plan.schema.json"
Tier = Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(TIERS)})]
COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
MOST_DIGITS = 6  # of a shard's index: no engine has a million jobs


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Checks, with their axes, of one architecture in one file, all of the same fingerprint, where that is known.

    - `architecture`: None for a model type as a whole
    - `file`: relative to the manifest; `checks`: each with its axes, if it has any; `requires`: packages
    - `fingerprint`: of what the cases depend on, where it is known
    """

    model_type: Text
    architecture: Text | None
    family: str | None = None
    file: RelativePath
    checks: Names
    requires: tuple[str, ...] = ()
    fingerprint: str | None = None


class Untested(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model type without a test: its record says why."""

    model_type: Text
    architecture: str | None = None
    family: str | None = None


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cases of one tier on one device.

    - `groups`: the cases, those of one architecture in one file together
    """

    tier: Tier
    device: Text
    groups: tuple[Group, ...] = ()

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases, in their order."""
        return tuple(
            Case(
                group.model_type,
                group.architecture,
                group.family,
                variant.check,
                self.tier,
                self.device,
                variant.task,
                variant.backend,
                variant.dtype,
                file=group.file,
                requires=group.requires,
            )
            for group in self.groups
            for variant in map(Variant.parse, group.checks)
        )

    @property
    def count(self) -> int:
        """How many cases there are."""
        return sum(len(group.checks) for group in self.groups)

    @property
    def fingerprints(self) -> dict[str, str]:
        """The fingerprints that are known, by case."""
        checks = (group.fingerprint for group in self.groups for _ in group.checks)
        return {case.id: known for case, known in zip(self.cases, checks, strict=True) if known is not None}


class Shard(Batch, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one job runs: the cases of `groups`, and the rows of `untested`, which have no test to run.

    - `index`: its place among the shards; `name`: what the job is called
    - `runner`: its name in [tool.hfci.runners]; `runs_on`: the label, labels or group of the machine
    - `container`: the image in which the job runs, empty for none; `packages`: further pip requirements of the job
    - `package_index`: the address of a further package index, empty for none
    - `concurrency`: of all jobs of this name one runs at a time, empty for none
    - `workers`: so many processes, of which the memory is enough for the largest files at once
    - `untested`: model types without a test, whose records say why
    - `predicted_s`: seconds from the start of the workers to the end of the busiest
    - `work_s`: seconds of all its cases, in one worker and without its start
    - `memory`: bytes that the largest files need, as many as there are workers
    """

    index: Count
    name: str = ""
    runner: Text
    runs_on: str | tuple[str, ...] | RunnerGroup = ""
    container: str = ""
    packages: tuple[str, ...] = ()
    package_index: str = ""
    concurrency: str = ""
    workers: Number = 1
    untested: tuple[Untested, ...] = ()
    predicted_s: Seconds = 0.0
    work_s: Seconds = 0.0
    memory: Count = 0

    @property
    def rows(self) -> tuple[Case, ...]:
        """What stands in the records for the model types without a test."""
        return tuple(
            Case(row.model_type, row.architecture, row.family, None, self.tier, self.device) for row in self.untested
        )


class Reused(Batch, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cases that need not run: they were green in `run`, on the same fingerprint. Never counted as executed."""

    run: Text


class Assumed(Batch, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cases that do not run since nothing they depend on has changed since `commit`, where nobody may have run them."""

    commit: Text


class LeftOut(Batch, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cases for which a budget has no time: `work_s` seconds of them on `runner`."""

    runner: Text
    work_s: Seconds


class Unavailable(Batch, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cases that need more than any runner has."""

    reason: Text


class Absent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A runner that this plan must not or cannot use, or, where there is none, a device without a runner."""

    runner: str | None = None
    device: Text
    reason: Text


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a run is to do, and what it is not, and why.

    - `run`: the ID that all its records bear; `transformers`: the version that the planned tests are for
    - `names`, `tiers`, `checks`: what was asked for, none is all; `backend`: the one that it is about, if any
    - `source`: the transformers that is to be tested: shards refuse another; None where there was none here
    - `imports`: what registers models beside it: shards refuse to go without, and other sources of it
    - `reused`: what need not run, green in its `run` on the same fingerprint
    - `assumed`: what does not run since nothing it depends on has changed since its `commit`
    - `left_out`: what a budget has no time for, what matters most is first
    - `unavailable`: what needs more memory than any runner has
    - `absent`: runners that it does not use, and, where `runner` is None, devices without one
    - `notes`: what else a reader must know, such as that more shards were wanted than there can be
    - `unread`: what is wrong with what was known from earlier and could not be read; nothing here goes by it
    - `predicted_s`: seconds of the longest shard, from the start of the workers, which takes `start_up_s`
    - `bound_s`: below which no division into as many shards of whole files could be
    - `budget_s`: the seconds that a shard may take, where there is a limit
    """

    schema: Literal[6] = 6
    hfci: Writer = msgspec.field(default_factory=this_hfci)
    run: PlainName
    transformers: str
    source: Origin | None = None
    imports: tuple[Imported, ...] = ()
    names: tuple[str, ...] = ()
    tiers: tuple[Tier, ...] = ()
    checks: tuple[str, ...] = ()
    backend: str | None = None
    shards: Annotated[tuple[Shard, ...], msgspec.Meta(max_length=LIMIT)] = ()
    reused: tuple[Reused, ...] = ()
    assumed: tuple[Assumed, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    unavailable: tuple[Unavailable, ...] = ()
    absent: tuple[Absent, ...] = ()
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    predicted_s: Seconds = 0.0
    bound_s: Seconds = 0.0
    start_up_s: Seconds = 0.0
    budget_s: Annotated[float, msgspec.Meta(gt=0)] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where a shard does not stand at its index."""
        if [shard.index for shard in self.shards] != list(range(len(self.shards))):
            raise ValueError(f"its shards are not numbered 0 to {len(self.shards) - 1}")


def groups_of(cases: Iterable[Case], fingerprints: Mapping[str, str] | None = None) -> tuple[Group, ...]:
    """Return cases, those of one architecture, file and fingerprint together, in the order of the first of each."""
    by_group: dict[tuple[str, str, str, str | None], list[Case]] = {}
    for case in cases:
        known = fingerprints.get(case.id) if fingerprints else None
        by_group.setdefault((case.model_type, case.architecture or "", case.file or "", known), []).append(case)
    return tuple(
        Group(
            model_type=model_type,
            architecture=architecture or None,
            family=own[0].family,
            file=file,
            checks=tuple(str(case.variant) for case in own),
            requires=own[0].requires,
            fingerprint=known,
        )
        for (model_type, architecture, file, known), own in by_group.items()
    )


def load_plan(path: Path) -> Plan:
    """Read a plan; UsageError says what is wrong with it."""
    return read_json(path, Plan, "plan", schema=SCHEMA, mend="plan anew: `hfci plan`", upgrades=UPGRADES)


def _told_of_commits(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan of schema 1 as one of 2: what nothing but a commit said to be green was among what is reused."""
    reused = plan.get("reused", [])
    if not isinstance(reused, list):  # whoever reads it next says so
        return {**plan, "schema": 2}
    commits = [entry for entry in reused if isinstance(entry, dict) and COMMIT.fullmatch(str(entry.get("run")))]
    assumed = [{**{key: entry[key] for key in entry if key != "run"}, "commit": entry["run"]} for entry in commits]
    return {**plan, "schema": 2, "reused": [entry for entry in reused if entry not in commits], "assumed": assumed}


UPGRADES: Upgrades = {
    1: _told_of_commits,
    2: lambda plan: {**plan, "schema": 3, "hfci": None},
    3: lambda plan: {**plan, "schema": 4},
    4: lambda plan: {**plan, "schema": 5},
    5: lambda plan: {**plan, "schema": 6},
}


def write_plan(plan: Plan, path: Path) -> None:
    """Write a plan; the file is there whole or not at all."""
    write_json(path, plan)


def parse_shard(text: str) -> tuple[Plan, Shard]:
    """Return what `PLAN:INDEX` names; UsageError where there is no such plan or no such shard in it."""
    path, separator, index = text.rpartition(":")
    if not separator or not index.isascii() or not index.isdigit() or len(index) > MOST_DIGITS:
        raise UsageError(f"a shard is PLAN:INDEX, such as plan.json:0, not {text!r:.80}")
    plan = load_plan(Path(path))
    count = len(plan.shards)
    if int(index) >= count:
        raise UsageError(f"{path} has {count} shards, 0 to {count - 1}; there is no shard {index}")
    return plan, plan.shards[int(index)]


def require_source(plan: Plan, found: Origin, where: str = "here") -> None:
    """Raise UsageError where `found` is another transformers than `plan` is about; one that knows none is about any."""
    if plan.source is not None and plan.source.digest != found.digest:
        raise UsageError(
            f"the plan is for {plan.source}, and {where} is {found}: what was planned is not what would be tested; "
            "plan anew with `hfci plan`, here and there with the same --source"
        )


def require_imports(plan: Plan, found: Iterable[Imported], where: str = "here") -> None:
    """Raise UsageError where `found` is not what `plan` is to have imported beside transformers."""
    planned, here = ({one.name: one for one in each} for each in (plan.imports, found))
    if lacking := planned.keys() - here.keys():
        raise UsageError(
            f"the plan is for what {', '.join(sorted(lacking))} registers, and {where} that is not imported: name it "
            "with --import, or in [tool.hfci] imports"
        )
    for name, one in planned.items():
        if one.digest != here[name].digest:
            raise UsageError(
                f"the plan is for {one}, and {where} is {here[name]}: what was planned is not what would be tested; "
                "plan anew with `hfci plan`"
            )


def select_shard(manifest: Manifest, plan: Plan, shard: Shard) -> Selection:
    """Return the rows and cases of `manifest` that a shard has; UsageError where the plan is not of this manifest."""
    if plan.transformers != manifest.transformers:
        versions = f"transformers {plan.transformers}, the tests are for {manifest.transformers}"
        raise UsageError(f"the plan is for {versions}; plan anew with `hfci plan`")
    whole = select(manifest, plan.names, tier=shard.tier, device=shard.device, checks=plan.checks, backend=plan.backend)
    planned = {case.id for case in shard.cases}
    cases = tuple(case for case in whole.cases if case.id in planned)
    if unknown := planned - {case.id for case in cases}:
        known = f"{len(unknown)} planned cases are none of these tests, such as {min(unknown)}"
        raise UsageError(f"{known}; plan anew with `hfci plan`")
    rows = {case.id for case in shard.rows}
    untested = tuple(case for case in whole.untested if case.id in rows)
    names = {case.model_type for case in (*cases, *untested)}
    return Selection(tuple(row for row in whole.rows if row.model_type in names), cases, untested)
