"""What need not run again: the cases whose fingerprint was green before, or is what it was at a git revision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hfci.cases.case import Case
from hfci.cases.manifest import Manifest
from hfci.errors import EnvironmentUnfit
from hfci.planning.fingerprinting.definitions import PART
from hfci.planning.fingerprinting.file_cache import FileCache
from hfci.planning.fingerprinting.fingerprints import CACHE, Fingerprinted, Fingerprints, subject_of
from hfci.planning.fingerprinting.green_records import Ended, Greens, read_ended
from hfci.planning.fingerprinting.locations import locations_of
from hfci.planning.fingerprinting.revision import at_revision, find_commit

__all__ = ["Reuse", "reuse", "since_records", "since_revision", "unreused"]

# Why a case has no fingerprint.
UNKNOWN = (
    "it is not known what the tiny model is made of, since none was built when the test was rendered "
    "(`hfci generate` builds it, with --scratch it does not)"
)

# So many changed files of one model type are told, the nearest first.
SHOWN = 5


@dataclass(frozen=True)
class Reuse:
    """What a plan leaves out, and why it leaves out no more.

    - `fingerprints`: case ID → fingerprint of what is here now, of the cases that have one
    - `reused`: case ID → the run that was green on that fingerprint
    - `assumed`: case ID → the commit at which it was the same; whether it was green there, no record says
    """

    fingerprints: Mapping[str, str]
    reused: Mapping[str, str] = field(default_factory=dict)
    assumed: Mapping[str, str] = field(default_factory=dict)
    _cases: Sequence[Case] = field(repr=False, default=())
    _changes: Callable[[Fingerprinted], str] = field(repr=False, default=lambda _: "")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the plan must know: which cases run whatever has changed."""
        unknown = [case for case in self._cases if case.id not in self.fingerprints]
        types = {case.model_type for case in unknown}
        note = f"{len(unknown):,} cases of {len(types):,} model types run whatever has changed: of each {UNKNOWN}"
        return (note,) if unknown else ()

    def explain(self, model_type: str) -> str:
        """Say of each architecture whether it is selected, which files changed and through which imports: lines."""
        of_type: dict[Fingerprinted, list[Case]] = {}
        for case in self._cases:
            if case.model_type == model_type:
                of_type.setdefault(subject_of(case), []).append(case)
        if not of_type:
            return f"{model_type}: no case of it was asked for"
        by_reason: dict[str, list[Fingerprinted]] = {}
        for subject, cases in of_type.items():
            by_reason.setdefault(self._why(subject, cases), []).append(subject)
        if len(by_reason) == 1:
            return f"{model_type}: {next(iter(by_reason))}"
        return "\n".join(f"{model_type} ({_whose(subjects, of_type)}): {why}" for why, subjects in by_reason.items())

    def _why(self, subject: Fingerprinted, cases: Sequence[Case]) -> str:
        settled = {**self.assumed, **self.reused}
        left = [case for case in cases if case.id not in settled]
        runs = ", ".join(sorted({settled[case.id] for case in cases if case.id in settled}))
        if left:
            why = f"selected; {self._changes(subject) or 'none of its cases is green'}"
            return f"{why}; {len(cases) - len(left)} of {len(cases)} cases reused from {runs}" if runs else why
        why = f"not selected; nothing that it depends on has changed since {runs}"
        return why + (", and it is assumed green: no record says so" if cases[0].id in self.assumed else "")


def _whose(subjects: Sequence[Fingerprinted], every: Iterable[Fingerprinted]) -> str:
    """Say which architectures `subjects` are; the checks too, of one where `every` has others."""
    checks_of: dict[str, list[str]] = {}
    for subject in subjects:
        checks_of.setdefault(subject.architecture, []).append(subject.check)
    whole = Counter(subject.architecture for subject in every)
    return ", ".join(
        name if len(checks) == whole[name] else f"{name}: {', '.join(checks)}" for name, checks in checks_of.items()
    )


def reuse(
    manifest: Manifest,
    cases: Iterable[Case],
    since: str,
    root: Path,
    *,
    generated: Path = Path("generated"),
    constraints: Path | None = None,
    transformers: Path | None = None,
    cache: Path | None = CACHE,
) -> Reuse:
    """Return what need not run again of `cases`; `since` is a folder of records, or a git revision.

    A revision is one of `root`'s repository, or of that in which the transformers lies that is tested: the folder
    `transformers`, or what is imported here. `constraints` names the versions that runners have,
    instead of those installed here. Raises UsageError where `since` is neither, EnvironmentUnfit where there is no
    source of transformers.
    """
    cases, remembered = tuple(cases), FileCache(cache)
    asked = frozenset(map(subject_of, cases))
    places = locations_of(generated, constraints, transformers)
    files = places.files()
    now = Fingerprints(manifest, files, remembered, asked=asked)
    try:
        if _is_folder(since):
            return since_records(now, cases, read_ended([Path(since)]))
        repository, commit = find_commit((root, places.transformers), since)
        earlier = at_revision(files, places.folders, places.single, repository, commit)
        return since_revision(now, Fingerprints(manifest, earlier, remembered, now.today, asked), cases, commit)
    finally:
        remembered.save()


def unreused(
    manifest: Manifest,
    cases: Iterable[Case],
    *,
    generated: Path = Path("generated"),
    constraints: Path | None = None,
    cache: Path | None = CACHE,
) -> Reuse:
    """Return the fingerprints of `cases`, and that nothing is reused; none where there is no source of transformers."""
    cases, remembered = tuple(cases), FileCache(cache)
    try:
        asked = frozenset(map(subject_of, cases))
        files = locations_of(generated, constraints).files()
        return Reuse(Fingerprints(manifest, files, remembered, asked=asked).by_case(cases))
    except EnvironmentUnfit:
        return Reuse({})
    finally:
        remembered.save()


def _is_folder(since: str) -> bool:
    return bool(since) and "\0" not in since and Path(since).is_dir()


def since_records(now: Fingerprints, cases: Iterable[Case], ended: Iterable[Ended]) -> Reuse:
    """Return what is green in records of the same fingerprint."""
    cases = tuple(cases)
    known = Greens.of(ended)
    fingerprints = now.by_case(cases)
    reused = {
        name: run for name, fingerprint in fingerprints.items() if (run := known.run_of(name, fingerprint)) is not None
    }
    by_subject: dict[Fingerprinted, list[Case]] = {}
    for case in cases:
        by_subject.setdefault(subject_of(case), []).append(case)

    def changes(subject: Fingerprinted) -> str:
        if not now.is_known(subject):
            return UNKNOWN
        own = by_subject[subject]
        records = [known.last[case.id] for case in own if case.id in known.last]
        if not records:
            return "no record of it"
        if all(record.fingerprint is None for record in records):
            return f"run {records[-1].run} recorded no fingerprint"
        if any(record.fingerprint == fingerprints.get(record.case) for record in records):
            red = next(record for record in records if record.case not in reused)
            return f"{red.case} was {red.outcome} in run {red.run}"
        return f"its fingerprint is another than in run {records[-1].run}"

    return Reuse(fingerprints, reused, {}, cases, changes)


def since_revision(now: Fingerprints, then: Fingerprints, cases: Iterable[Case], commit: str) -> Reuse:
    """Return what is as it was at a commit; that it was green there is assumed."""
    cases = tuple(cases)
    fingerprints, earlier = now.by_case(cases), then.by_case(cases)
    assumed = {name: commit for name, fingerprint in fingerprints.items() if earlier.get(name) == fingerprint}

    def changes(subject: Fingerprinted) -> str:
        if not now.is_known(subject):
            return UNKNOWN
        here, there = now.parts(subject), then.parts(subject)
        return _told(now, then, subject, {name for name in here | there if here.get(name) != there.get(name)})

    return Reuse(fingerprints, {}, assumed, cases, changes)


# The reasons.


def _told(now: Fingerprints, then: Fingerprints, subject: Fingerprinted, changed: Iterable[str]) -> str:
    """Say which files changed, each with the way of imports to it, the shortest first; a file that is gone had one."""
    ways = [(label, now.chain(subject, label) or then.chain(subject, label)) for label in changed]
    ways.sort(key=lambda way: (len(way[1]) or 2, way[0]))
    texts = [f"{_short(label)} changed{_way(subject, way)}" for label, way in ways[:SHOWN]]
    more = [f"and {len(ways) - SHOWN} more"] if len(ways) > SHOWN else []
    return "; ".join([*texts, *more])


def _way(subject: Fingerprinted, way: Sequence[str]) -> str:
    """Say how imports lead there. The first is the test itself or what runs it; then come modules."""
    steps = [step for step in way if not step.startswith("generated/")]
    if len(steps) > 1:
        return f" ({subject.model_type}: {' → '.join(map(_stem, steps))})"
    return f" ({subject.model_type} imports it)" if steps else ""


def _short(label: str) -> str:
    """Return a label as it is told: of a definition in a file, the file and its name."""
    file, _, definition = label.removeprefix("transformers/").partition(PART)
    return f"{file} ({definition})" if definition else file


def _stem(label: str) -> str:
    folder, _, name = label.partition(PART)[0].removesuffix(".py").rpartition("/")
    return folder.rpartition("/")[2] if name == "__init__" else name
