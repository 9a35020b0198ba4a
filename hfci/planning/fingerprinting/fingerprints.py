"""Fingerprints: all that one check of an architecture depends on, as a digest.

What counts: the source of the test and of the check's function, with what these name and import; of what makes its tiny
model, of transformers and of hfci; its templates, the recipes and known failures about it, the data that hfci's modules
read; the versions of the packages that any of this imports. Equal fingerprints mean that a case ends as it did. What
judges, records and reports decides nothing that is seen of a model, and does not count. Neither torch nor transformers
is imported.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from hfci.cases.case import Case
from hfci.cases.manifest import Manifest, ManifestCase, ManifestRow, whole_module
from hfci.cases.variant import Variant
from hfci.checks.table import CHECKS
from hfci.imports import custom_module
from hfci.planning.fingerprinting import data_rows
from hfci.planning.fingerprinting.closures import Closures
from hfci.planning.fingerprinting.definitions import PART
from hfci.planning.fingerprinting.file_cache import FileCache
from hfci.planning.fingerprinting.imports import REGISTRY, Graph
from hfci.planning.fingerprinting.installed import versions_here, versions_of
from hfci.planning.fingerprinting.locations import CONSTRAINTS, OWN, OWN_LEDGER, locations_of
from hfci.planning.fingerprinting.normalize import digest_of
from hfci.planning.fingerprinting.sources import File
from hfci.scratch import SCRATCH

__all__ = ["CACHE", "Fingerprinted", "Fingerprints", "subject_of"]

CACHE = SCRATCH / "sources.msgpack"

# What makes the tiny model of every case, and the process fit for it.
SUBJECT = ("hfci.testing.subject", "hfci.testing.process_setup")

# Which checks are asked is decided where tests are rendered: the manifest says it, and the tests do.
TABLE = "hfci/checks/data/checks.toml"

RECIPES = "hfci/tiny/data/recipes/"
# Those of one check count for each: checks look at each other's.
EXCEPTIONS = "hfci/checks/data/exceptions/"
DATA = "hfci/checks/data/"
LEDGER = "hfci/cases/data/ledger.toml"
MODELING_AUTO = "transformers/models/auto/modeling_auto.py"


class Fingerprinted(NamedTuple):
    """Whose cases have one fingerprint; the architecture is empty for a model type as a whole."""

    model_type: str
    architecture: str
    tier: str
    check: str


@dataclass(eq=False)
class Fingerprints:
    """The fingerprints of a manifest's cases, for the content that `files` have; of those `asked` for alone, if any.

    A fingerprint is the same whichever others are asked for.
    """

    manifest: Manifest
    files: Mapping[str, File]
    remembered: FileCache
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    asked: Set[Fingerprinted] | None = None

    @classmethod
    def now(
        cls,
        manifest: Manifest,
        cases: Iterable[Case] | None = None,
        *,
        generated: Path = Path("generated"),
        constraints: Path | None = None,
        transformers: Path | None = None,
        cache: Path | None = CACHE,
    ) -> Fingerprints:
        """Return those of `cases`, or of everything, for what lies here now; `cache` is kept by `remembered.save()`.

        Raises EnvironmentUnfit where there is no source of transformers, UsageError for a named file that is not there.
        """
        asked = None if cases is None else frozenset(map(subject_of, cases))
        files = locations_of(generated, constraints, transformers).files()
        return cls(manifest, files, FileCache(cache), asked=asked)

    def by_case(self, cases: Iterable[Case]) -> dict[str, str]:
        """Return the fingerprints of cases by their ID, of those that have one."""
        cases = tuple(cases)
        known = {subject: self.of(subject) for subject in {subject_of(case) for case in cases}}
        return {case.id: fingerprint for case in cases if (fingerprint := known[subject_of(case)]) is not None}

    def of(self, subject: Fingerprinted) -> str | None:
        """Return the fingerprint; None where the manifest has no case of that, or it was not asked for.

        None, too, where it is not known what the tiny model is made of: nothing can be said of that to be the same.
        """
        if subject not in self.cases or (self.asked is not None and subject not in self.asked):
            return None
        if not self.is_known(subject):
            return None
        about = (subject.model_type, subject.architecture)
        counted = (
            self._digest(self._shared),
            self._digest_beside((*self._made_of(*about), *self._processed_by(subject))),
            self._digest_beside(self._check(subject.check)),
            self._digest_beside(tuple(self._tests(subject))),
            self._others_digest(*about, subject.tier),
            self._read_by(subject.check),
            *self._compared_with(subject).values(),
        )
        return digest_of(*map(str.encode, counted))

    def is_known(self, subject: Fingerprinted) -> bool:
        """Tell whether the manifest knows what the subject's tiny model is made of."""
        row = self._rows[subject.model_type]
        return row.architecture(subject.architecture).was_built and (row.imported is None or bool(self._imported(row)))

    def parts(self, subject: Fingerprinted) -> dict[str, str]:
        """Return all that counts, by label: a digest or a package's version."""
        closure = self.closures.of(self.roots(subject))
        named = {name: self._content(name) for name in (*self.closures.names(closure), *self._data_of(closure))}
        return {**named, **self._others(*subject[:3]), **self._compared_with(subject)}

    def chain(self, subject: Fingerprinted, label: str) -> tuple[str, ...]:
        """Return the shortest way of imports from what the subject has to the file or package `label`."""
        return self.graph.chain(self.roots(subject), [label])

    def roots(self, subject: Fingerprinted) -> tuple[str, ...]:
        """Return where its imports begin: its tests, what its tiny model is made of, its check, and what makes any."""
        made_of = (*self._made_of(subject.model_type, subject.architecture), *self._processed_by(subject))
        return (*self._tests(subject), *made_of, *self._check(subject.check), *self._everybodys)

    def _tests(self, subject: Fingerprinted) -> Iterator[str]:
        """Yield the test in each file: written out, or a parameter of one for many; the file, where it has neither."""
        names = (f"test_{subject.check}", "test_invariant")
        owned = [f"Test{subject.architecture or 'ModelType'}.{name}" for name in names]
        for case in self.cases[subject]:
            label = f"generated/{case.file}"
            known = self._definitions(label)
            test = next((name for name in (*owned, *names) if name in known), None)
            yield label if test is None else f"{label}{PART}{test}"

    @functools.cache  # noqa: B019
    def _definitions(self, label: str) -> frozenset[str]:
        file = self.files.get(label)
        return frozenset() if file is None else frozenset(self.remembered.definitions(file))

    @functools.cache  # noqa: B019 -- as long-lived as this
    def _made_of(self, model_type: str, architecture: str) -> tuple[str, ...]:
        """What the tiny model is made of. Before it builds one architecture, hfci.catalog looks at all of the row's."""
        row = self._rows[model_type]
        looked_at = [place for name in row.names if (place := self.graph.find("transformers", name)) is not None]
        modules = map(whole_module, row.architecture(architecture).modules)
        return (*self._imported(row), *modules, *looked_at)

    def _imported(self, row: ManifestRow) -> tuple[str, ...]:
        """The modules that register a model type: that of the import's name, or of its folder all; none is unknown."""
        if row.imported is None:
            return ()
        if row.imported in self.graph.labels:
            return (row.imported,)
        folder = f"{custom_module(row.imported)}."
        return tuple(sorted(name for name in self.graph.labels if name.startswith(folder)))

    def _processed_by(self, subject: Fingerprinted) -> tuple[str, ...]:
        """The modules of the processors that a check with need of any makes, of the classes of the model type."""
        if subject.check not in CHECKS or "processor" not in CHECKS[subject.check].needs:
            return ()
        places = (self.graph.find("transformers", name) for name in self._rows[subject.model_type].processors)
        return tuple(place for place in places if place is not None)

    def _check(self, name: str) -> tuple[str, ...]:
        asked = (name, *CHECKS[name].asks) if name in CHECKS else ()
        return tuple(f"{CHECKS[each].module}{PART}{each}" for each in asked)

    def _compared_with(self, subject: Fingerprinted) -> dict[str, str]:
        """Return the file, by label, that a check with data compares with."""
        if subject.check not in CHECKS or not (folder := CHECKS[subject.check].data):
            return {}
        is_own = self._rows[subject.model_type].imported is not None
        label = f"{OWN if is_own else DATA}{folder}/{subject.model_type}.json"
        return {label: self._content(label) if label in self.files else "absent"}

    @functools.cached_property
    def _everybodys(self) -> tuple[str, ...]:
        """What makes any subject, and the registry: hfci.catalog reads all of it, by names that it puts together."""
        return (*SUBJECT, *sorted(name for name in self.graph.labels if name.startswith(f"{REGISTRY}.")))

    @functools.cached_property
    def _shared(self) -> int:
        """What everybody needs: nearly all of it, and the same for every subject."""
        return self.closures.of(self._everybodys)

    @functools.cached_property
    def cases(self) -> dict[Fingerprinted, tuple[ManifestCase, ...]]:
        """The manifest's cases of each subject."""
        by_subject: dict[Fingerprinted, tuple[ManifestCase, ...]] = {}
        for row in self.manifest.model_types:
            for case in row.cases:
                for check in dict.fromkeys(Variant.parse(variant).check for variant in case.checks):
                    subject = Fingerprinted(row.model_type, case.architecture or "", case.tier, check)
                    by_subject[subject] = (*by_subject.get(subject, ()), case)
        return by_subject

    @functools.cached_property
    def _rows(self) -> dict[str, ManifestRow]:
        return {row.model_type: row for row in self.manifest.model_types}

    @functools.cached_property
    def graph(self) -> Graph:
        """The import graph."""
        return Graph(self.files, self.remembered, ("transformers", "hfci"))

    @functools.cached_property
    def closures(self) -> Closures:
        """What each root needs."""
        asked = self.cases if self.asked is None else self.asked & self.cases.keys()
        return self.graph.closures(root for subject in asked for root in (*self.roots(subject), *self._everybodys))

    # What counts.

    @functools.cache  # noqa: B019
    def _digest(self, closure: int) -> str:
        return digest_of(*map(self._part, self.closures.names(closure)))

    @functools.cache  # noqa: B019
    def _digest_beside(self, roots: tuple[str, ...]) -> str:
        """Return the digest of what the roots need beside what everybody does."""
        return self._digest(self.closures.of(roots) & ~self._shared)

    @functools.cache  # noqa: B019
    def _read_by(self, check: str) -> str:
        """Return the digest of the data that a check reads."""
        labels = self._data_of(self.closures.of(self._check(check)))
        return _digest_of_contents({label: self._content(label) for label in labels})

    @functools.cache  # noqa: B019
    def _part(self, name: str) -> bytes:
        return f"{name}={self._content(name)}".encode()

    @functools.cache  # noqa: B019
    def _content(self, name: str) -> str:
        """Return what counts of one file or package: a digest, or a version."""
        label, _, definition = name.partition(PART)
        file = self.files.get(label)
        if file is not None and definition:
            return self.remembered.part(file, definition).digest
        if file is not None:
            return (
                self.remembered.of(file).digest
                if name.endswith(".py")
                else data_rows.text_digest(name, self._read(name))
            )
        return "absent" if "/" in name else self._version(name)

    @functools.cached_property
    def _version(self) -> Callable[[str], str]:
        return versions_of(self._read(CONSTRAINTS)) if CONSTRAINTS in self.files else versions_here

    def _read(self, label: str) -> bytes:
        try:
            return self.files[label].read()
        except OSError as error:
            return type(error).__name__.encode()

    @functools.cache  # noqa: B019
    def _others_digest(self, model_type: str, architecture: str, tier: str) -> str:
        return _digest_of_contents(self._others(model_type, architecture, tier))

    @functools.cache  # noqa: B019
    def _others(self, model_type: str, architecture: str, tier: str) -> dict[str, str]:
        """Return what counts beside imports: templates, the rows of data about the subject, the data of everybody."""
        row = self._rows[model_type]
        arch = row.architecture(architecture)
        cases = [case for case in row.cases if case.architecture == (architecture or None)]
        parents = {case.parent for case in cases if case.parent}
        names = self._templates_of(arch.family, tier, bool(parents))
        filled = {f"templates/{name}": self._content(f"templates/{name}") for name in names}
        about = ({model_type, *parents}, arch.parts, arch.name, self._tables)
        data = {label: self._content(label) for label in self._data_of(self._shared)}
        return {**filled, **{label: table.about(*about) for label, table in self._by_row.items()}, **data}

    @functools.cached_property
    def _by_row(self) -> dict[str, data_rows.Rows]:
        keys = {label: "recipe" for label in self.files if label.startswith((RECIPES, f"{OWN}recipes/"))}
        keys |= {label: "exception" for label in self.files if label.startswith((EXCEPTIONS, f"{OWN}exceptions/"))}
        keys |= {label: "entry" for label in (LEDGER, OWN_LEDGER) if label in self.files}
        return {label: data_rows.Rows(self._read(label), key, self.today) for label, key in keys.items()}

    @functools.cache  # noqa: B019
    def _data_of(self, closure: int) -> tuple[str, ...]:
        """Return the labels of the data files that a module in the closure reads: it stands beside, and names them."""
        labels = []
        for module in self.closures.names(closure):
            folder, _, name = module.partition(PART)[0].rpartition("/")
            if f"{folder}/{name}" in self.files and self._data_in.get(folder):
                text = self._read(f"{folder}/{name}")
                labels += [label for label in self._data_in[folder] if label.rpartition("/")[2].encode() in text]
        return tuple(sorted(set(labels)))

    @functools.cached_property
    def _data_in(self) -> dict[str, list[str]]:
        """The data files by the folder of the modules that they stand beside, without those that count by row."""
        by_folder: dict[str, list[str]] = {}
        for label in self.files:
            folder, data, _ = label.partition("/data/")
            if data and label.endswith(".toml") and label not in self._by_row and label != TABLE:
                by_folder.setdefault(folder, []).append(label)
        return by_folder

    @functools.cache  # noqa: B019
    def _templates_of(self, family: str | None, tier: str, is_part: bool) -> frozenset[str]:
        return data_rows.templates_of(self._templates, family, tier, is_part)

    @functools.cached_property
    def _templates(self) -> dict[str, str]:
        labels = [label for label in self.files if label.startswith("templates/") and label.count("/") == 1]
        return {label.partition("/")[2]: self._read(label).decode("utf-8", "replace") for label in labels}

    @functools.cached_property
    def _tables(self) -> dict[str, frozenset[str]]:
        return data_rows.tables_in(self._read(MODELING_AUTO)) if MODELING_AUTO in self.files else {}


def _digest_of_contents(contents: Mapping[str, str]) -> str:
    """Return the digest of what counts by label, whatever the order."""
    return digest_of(*(f"{label}={content}".encode() for label, content in sorted(contents.items())))


def subject_of(case: Case) -> Fingerprinted:
    """Return whose fingerprint a case has."""
    return Fingerprinted(case.model_type, case.architecture or "", case.tier, case.check or "")
