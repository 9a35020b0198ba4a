from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hfci.cases.case import Case
from hfci.cases.manifest import Manifest, ManifestArchitecture, load_manifest
from hfci.cases.outcome import Outcome
from hfci.errors import UsageError
from hfci.origin import find_transformers
from hfci.planning.fingerprinting.file_cache import FileCache
from hfci.planning.fingerprinting.fingerprints import Fingerprints, subject_of
from hfci.planning.fingerprinting.green_records import Ended, audit, read_ended
from hfci.planning.fingerprinting.reuse import Reuse, reuse, since_records, since_revision
from hfci.planning.select import select
from tests.planning.fingerprinting.test_fingerprints import BASE, BERT, MANIFEST, TODAY
from tests.planning.fingerprinting.worlds import world
from tests.results.support import record, save

GENERATED = Path(__file__).parents[3] / "generated"


def cases_of(manifest: Manifest) -> tuple[Case, ...]:
    return tuple(case for tier in ("smoke", "functional") for case in select(manifest, tier=tier).cases)


CASES = cases_of(MANIFEST)


def made(changes: dict[str, str | bytes | None] | None = None) -> Fingerprints:
    return Fingerprints(MANIFEST, world(changes, BASE), FileCache(), TODAY)


def ended(now: Fingerprints, run: str, **outcomes: str) -> list[Ended]:
    """Return what a run recorded: each model type's cases as told, the others passed."""
    return [
        Ended(case.id, Outcome(outcomes.get(case.model_type, "passed")), now.of(subject), run)
        for case in CASES
        if (subject := subject_of(case))
    ]


def left(found: Reuse) -> set[str]:
    green = {**found.reused, **found.assumed}
    return {case.model_type for case in CASES if case.id not in green}


CHANGED = BASE[BERT].replace("import torch", "import torch, os")


# Records.


def test_what_was_green_on_the_same_fingerprint_is_reused() -> None:
    found = since_records(made(), CASES, ended(made(), "r1"))
    assert left(found) == set()
    assert set(found.reused.values()) == {"r1"}
    assert found.reused.keys() == found.fingerprints.keys() == {case.id for case in CASES}
    assert found.explain("llama") == "llama: not selected; nothing that it depends on has changed since r1"


@pytest.mark.parametrize(
    ("outcome", "again"),
    [("passed", False), ("known-failure", False), ("not-applicable", False), ("reused", False), ("failed", True),
     ("unavailable", True), ("not-run", True)],
)  # fmt: skip
def test_which_outcomes_are_green(outcome: str, again: bool) -> None:
    assert left(since_records(made(), CASES, ended(made(), "r1", llama=outcome))) == ({"llama"} if again else set())


def test_the_latest_record_of_a_fingerprint_decides() -> None:
    first, second = ended(made(), "r1"), ended(made(), "r2", llama="failed")
    assert left(since_records(made(), CASES, [*first, *second])) == {"llama"}
    assert left(since_records(made(), CASES, [*second, *first])) == set()
    # What ended otherwise on another fingerprint in between proves nothing of this one.
    changed = made({BERT: CHANGED})
    assert left(since_records(made(), CASES, [*first, *ended(changed, "r3", bert="failed")])) == set()


def test_records_without_fingerprints_are_not_reused() -> None:
    bare = [Ended(one.case, one.outcome, None, "r1") for one in ended(made(), "r1")]
    found = since_records(made(), CASES, bare)
    assert left(found) == {case.model_type for case in CASES}
    assert found.explain("bert") == "bert: selected; run r1 recorded no fingerprint"


def test_what_nobody_built_is_never_reused_and_said_to_be_so() -> None:
    """As `hfci generate --scratch` renders it: duo is made of bert by an auto class, and the manifest does not know."""
    unknown = replace(MANIFEST["duo"], architectures=(ManifestArchitecture("LlamaModel", "decoder"),))
    manifest = replace(
        MANIFEST, model_types=(*(row for row in MANIFEST.model_types if row.model_type != "duo"), unknown)
    )

    def now(changes: dict[str, str | bytes | None] | None = None) -> Fingerprints:
        return Fingerprints(manifest, world(changes, BASE), FileCache(), TODAY)

    for found in (
        since_records(now(), CASES, ended(made(), "r1")),
        since_records(now({BERT: CHANGED}), CASES, ended(now(), "r1")),
        since_revision(now(), now(), CASES, "abc"),
        since_revision(now({BERT: CHANGED}), now(), CASES, "abc"),
    ):
        assert "duo" in left(found)
        assert found.explain("duo").startswith("duo: selected; it is not known what the tiny model is made of")
        (note,) = found.notes
        assert note.startswith("2 cases of 1 model types run whatever has changed: of each it is not known")
    assert since_records(made(), CASES, ended(made(), "r1")).notes == ()


@pytest.mark.parametrize(("stage", "known"), [("config", False), ("build", False), ("inputs", True), ("forward", True)])
def test_a_model_that_stops_once_it_is_built_is_known(stage: str, known: bool) -> None:
    assert ManifestArchitecture("A", stage=stage, error="no").was_built is known


def test_what_is_as_it_was_at_a_revision_is_assumed_and_not_reused() -> None:
    found = since_revision(made(), made(), CASES, "abc")
    assert found.reused == {}
    assert set(found.assumed.values()) == {"abc"}
    assert left(found) == set()
    assert found.explain("llama").endswith("has changed since abc, and it is assumed green: no record says so")


def test_why_a_model_type_is_selected() -> None:
    found = since_records(made({BERT: CHANGED}), CASES, ended(made(), "r1", llama="failed"))
    assert left(found) == {"bert", "dpr", "duo", "llama"}
    assert "another than in run r1" in found.explain("bert")
    assert "llama/LlamaModel/builds_tiny[device=cpu] was failed in run r1" in found.explain("llama")
    assert found.explain("nobody") == "nobody: no case of it was asked for"
    assert since_records(made(), CASES, []).explain("bert") == "bert: selected; no record of it"


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("constraints.txt", "torch changed (bert: modeling_bert → torch)"),
        ("templates/text.py.jinja", "templates/text.py.jinja changed"),
        ("hfci/tiny/data/recipes/a.toml", "hfci/tiny/data/recipes/a.toml changed"),
        ("hfci/checks/building.py", "hfci/checks/building.py (builds_tiny) changed (bert imports it)"),
        ("transformers/modeling_utils.py", "modeling_utils.py changed (bert: modeling_bert → modeling_utils)"),
    ],
)
def test_the_reason_names_whatever_changed(label: str, said: str) -> None:
    content = BASE[label].replace("2.13", "2.14").replace("import torch", "import torch, x")
    content = content.replace("LEAST = 4", "LEAST = 5").replace("a = 1", "a = 2").replace("extends", "include")
    assert content != BASE[label]
    found = since_revision(made({label: content}), made(), CASES, "abc")
    assert re.match(r"bert(?: \(BertModel: builds_tiny, BertHead\))?: selected; ", found.explain("bert"))
    assert said in found.explain("bert")


def test_a_file_that_is_gone_is_told_with_the_way_it_had() -> None:
    gone = {BERT: None, "transformers/models/dpr/modeling_dpr.py": "class DPRReader: ...\n__all__ = ['DPRReader']\n"}
    told = since_revision(made(gone), made(), CASES, "abc").explain("dpr")
    assert "models/bert/modeling_bert.py changed (dpr: modeling_dpr → modeling_bert)" in told


def test_an_audit_finds_what_selection_would_have_missed() -> None:
    now, changed = made(), made({BERT: CHANGED})
    past = [
        *ended(now, "r1"),
        *ended(now, "r2", llama="reused"),
        *ended(changed, "r3", bert="failed", llama="failed"),  # bert's has changed, llama's has not
        *ended(changed, "r4", llama="failed"),  # selected: it was red
        *ended(changed, "r5", dpr="not-run"),
    ]
    missed = audit(past)
    assert {one.case.partition("/")[0] for one in missed} == {"llama"}
    assert {(one.green, one.failed) for one in missed} == {("r1", "r3")}
    assert len(missed) == sum(case.model_type == "llama" for case in CASES)
    assert "failed in r3, green in r1" in str(missed[0])
    assert audit([]) == audit(past[: len(CASES)]) == ()


def test_records_are_read_from_their_files(tmp_path: Path) -> None:
    old = {"started": "2026-01-01T00:00:00+00:00"}
    new = {"started": "2026-02-01T00:00:00+00:00"}
    save(tmp_path / "b", "a-later", record("cat", "forward", "failed", fingerprint="f"), **new)
    path = save(tmp_path / "a", "b-first", record("cat", "forward", "passed", fingerprint="f"), **old)
    with path.open("ab") as file:
        file.write(b'{"case": "torn')
    found = list(read_ended([tmp_path, tmp_path / "a"]))
    assert [(one.run, one.outcome, one.fingerprint) for one in found] == [
        ("b-first", Outcome.PASSED, "f"),
        ("a-later", Outcome.FAILED, "f"),
    ]
    assert len(audit(found)) == 1


# A fork of transformers, as large as it is.


class Fork:
    """A git checkout of the installed transformers' source."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package = root / "src" / "transformers"
        skipped = shutil.ignore_patterns("__pycache__", "*.so", "*.json", "*.cu", "*.cuh", "*.cpp", "*.h", "*.typed")
        shutil.copytree(find_transformers(), self.package, ignore=skipped)
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "as installed")
        self.manifest = load_manifest(GENERATED / "manifest.json")
        self.cases = select(self.manifest, tier="smoke").cases  # those of the other tier are ten times as many

    def git(self, *arguments: str) -> None:
        named = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "gc.auto=0"]
        subprocess.run(["git", *named, *arguments], cwd=self.root, check=True)

    def since(self, revision: str = "HEAD", **options: Any) -> Reuse:
        cache = self.root.parent / "cache"
        where = {"generated": GENERATED, "transformers": self.package, "cache": cache}
        return reuse(self.manifest, self.cases, revision, self.root, **where, **options)

    def selected(self, found: Reuse) -> set[str]:
        """Return the model types that are selected for a change, and not since nobody knows what they are made of."""
        assert found.reused == {}
        chosen = found.fingerprints.keys() - found.assumed.keys()
        return {case.model_type for case in self.cases if case.id in chosen}

    @contextmanager
    def changed(self, name: str, old: str, new: str) -> Iterator[None]:
        path = self.package / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")

    def importing(self, module: str) -> set[str]:
        """Return, by text search alone, the model types whose tests reach the module `bert.modeling_bert`."""
        models = self.package / "models"
        texts = {
            ".".join(path.relative_to(models).with_suffix("").parts): path.read_text(encoding="utf-8")
            for path in models.rglob("*.py")
            if not path.name.startswith(("__init__", "modular_", "convert_"))
        }
        code = {name: re.sub(r"(?m)^\s*(?:>>>|\.\.\.).*$", "", text) for name, text in texts.items()}
        defined = {cls: name for name, text in texts.items() for cls in re.findall(r"(?m)^class (\w+)", text)}
        mentions = {}
        for name, text in code.items():
            own = [(name.partition(".")[0], file) for file in re.findall(r"from \.(\w+) import", text)]
            others = re.findall(r"from (?:\.\.|\.\.\.models\.|transformers\.models\.)(\w+)\.(\w+) import", text)
            lazily = re.findall(r"from (?:transformers|\.\.\w+) import (\([^)]*\)|.*)", text)
            names = {defined.get(cls, "") for group in lazily for cls in re.findall(r"\w+", group)}
            mentions[name] = {".".join(pair) for pair in (*own, *others)} | names
        reached: set[str] = set()
        new = {module}
        while new:
            reached |= new
            new = {name for name, named in mentions.items() if named & reached} - reached
        found = set()
        for row in self.manifest.model_types:
            for case in (case for case in row.cases if case.tier == "smoke"):
                test = (GENERATED / case.file).read_text(encoding="utf-8")
                named = re.findall(r"from (transformers[\w.]*) import (\w+)", test)
                direct = {defined[name] for name in row.names if name in defined}  # hfci looks at the whole row
                direct |= {place.removeprefix("transformers.models.") for place, _ in named}
                direct |= {defined[cls] for place, cls in named if place == "transformers" and cls in defined}
                if (direct | {*row.architecture(case.architecture).modules}) & reached:
                    found.add(row.model_type)
        return found


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    return Fork(tmp_path_factory.mktemp("fork") / "checkout")


def test_nothing_changed_and_nothing_is_selected(fork: Fork) -> None:
    found = fork.since()
    assert fork.selected(found) == set()
    assert len(found.assumed) > 5000
    built = {
        (row.model_type, name)
        for row in fork.manifest.model_types
        for name in row.names
        if row.architecture(name).was_built
    }
    run = {(case.model_type, case.architecture) for case in fork.cases if case.id not in found.assumed}
    assert run == {(case.model_type, case.architecture) for case in fork.cases} - built
    assert 0 < len(run) < 50


@pytest.mark.parametrize("model_type", ["bert", "llama", "clip"])
def test_a_changed_model_selects_exactly_the_model_types_that_import_it(fork: Fork, model_type: str) -> None:
    name = f"models/{model_type}/modeling_{model_type}.py"
    with fork.changed(name, "import torch\n", "import torch\n\nCHANGED = True\n"):
        found = fork.since()
    selected = fork.selected(found)
    assert selected == fork.importing(f"{model_type}.modeling_{model_type}")
    assert model_type in selected
    assert len(selected) < 100
    for other in selected:
        told = found.explain(other)
        assert f"{name} changed (" in told
        assert f"modeling_{model_type})" in told or f"({other} imports it)" in told


def test_a_docstring_selects_nothing_and_the_base_of_all_models_everything(fork: Fork) -> None:
    with fork.changed("models/bert/modeling_bert.py", '    """', '    """Changed. '):
        assert fork.selected(fork.since()) == set()
    with fork.changed("modeling_utils.py", '    """', '    """Changed. '):
        assert fork.selected(fork.since()) == set()
    with fork.changed("modeling_utils.py", "import torch\n", "import torch\n\nCHANGED = True\n"):
        found = fork.since()
        assert found.assumed == {}
        assert len(fork.selected(found)) > 700


def test_a_new_file_a_lost_one_and_hostile_names(fork: Fork) -> None:
    hostile = fork.package / "models" / "bert" / "--output=x\n$(touch pwned)\t\"'.py"
    hostile.write_text("import os\n")
    lost = fork.package / "models" / "dpr" / "modeling_dpr.py"
    text = lost.read_text(encoding="utf-8")
    lost.unlink()
    try:
        found = fork.since()
    finally:
        hostile.unlink()
        lost.write_text(text, encoding="utf-8")
    assert fork.selected(found) == {"dpr", "rag"}  # rag's tiny model holds dpr's question encoder
    assert "bert" not in fork.selected(found)
    assert not (fork.root / "pwned").exists()


def test_a_commit_is_compared_with_the_one_before(fork: Fork) -> None:
    with fork.changed("models/dpr/modeling_dpr.py", "import torch\n", "import torch\n\nCHANGED = True\n"):
        fork.git("commit", "-q", "-a", "-m", "changed")
        try:
            assert fork.selected(fork.since("HEAD")) == set()
            assert fork.selected(fork.since("HEAD~1")) == fork.importing("dpr.modeling_dpr")
        finally:
            fork.git("reset", "-q", "HEAD~1")


@pytest.mark.parametrize("revision", ["no-such", "--output=x", "HEAD; rm -rf /", "", "HEAD:src", "\n", "a\0b"])
def test_what_is_no_revision_is_wrong_use(fork: Fork, revision: str) -> None:
    with pytest.raises(UsageError, match="neither a folder of records nor a revision"):
        fork.since(revision)
    assert not (fork.root / "x").exists()


def test_an_upgraded_package_selects_everything_that_imports_it(fork: Fork, tmp_path: Path) -> None:
    pins = tmp_path / "constraints.txt"
    pins.write_text("torch==2.12.0\nbitsandbytes==1\n")
    before = fork.since(constraints=pins).fingerprints
    pins.write_text("torch==2.13.0\nbitsandbytes==1\n")
    after = fork.since(constraints=pins).fingerprints
    assert not {name for name in before if before[name] == after[name]}


def test_a_manifest_of_before_and_one_of_now(fork: Fork) -> None:
    """A case that the manifest has and the revision's tests have not is new: it is selected."""
    row = fork.manifest["bert"]
    new = replace(row, cases=(*row.cases, replace(row.cases[0], tier="functional", file="no/test_there.py")))
    manifest = replace(fork.manifest, model_types=(new,))
    cases = cases_of(manifest)
    where = {"generated": GENERATED, "transformers": fork.package, "cache": fork.root.parent / "cache"}
    found = reuse(manifest, cases, "HEAD", fork.root, **where)
    assert {case.id for case in cases} == found.fingerprints.keys()
