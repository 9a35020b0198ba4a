from __future__ import annotations

import importlib.metadata
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from hfci.cases.manifest import Manifest, ManifestArchitecture, ManifestCase, ManifestRow, load_manifest
from hfci.errors import EnvironmentUnfit, UsageError
from hfci.planning.fingerprinting.file_cache import FileCache
from hfci.planning.fingerprinting.fingerprints import Fingerprinted, Fingerprints
from hfci.planning.fingerprinting.installed import versions_here, versions_of
from hfci.planning.fingerprinting.locations import Locations
from hfci.planning.select import select
from tests.planning.fingerprinting.worlds import TRANSFORMERS, world
from tests.warm import COLD

GENERATED = Path(__file__).parents[3] / "generated"
CHECKS = ("builds_tiny", "forward_is_finite")
TODAY = date(2026, 11, 22)


def row(model_type: str, name: str, family: str = "text", **about: tuple[str, ...]) -> ManifestRow:
    case = ManifestCase(name, "smoke", f"{family}/test_{model_type}.py", CHECKS)
    return ManifestRow(model_type, "generated", name, (ManifestArchitecture(name, family, 10, **about),), (case,))


HEAD = ManifestCase("BertHead", "functional", "text/test_bert_functional.py", ("builds_tiny",))
BERT_ROW = row("bert", "BertModel")
MANIFEST = Manifest(
    "5.23.0",
    (
        replace(
            BERT_ROW,
            architectures=(*BERT_ROW.architectures, ManifestArchitecture("BertHead", "text", 10)),
            cases=(*BERT_ROW.cases, HEAD),
        ),
        row("dpr", "DPRReader"),
        row("llama", "LlamaModel", "decoder"),
        # Made of bert by an auto class, which its source does not tell.
        row("duo", "LlamaModel", "decoder", modules=("bert.modeling_bert",), parts=("bert",)),
    ),
)
BASE = {
    **TRANSFORMERS,
    "transformers/models/auto/__init__.py": "",
    "transformers/models/auto/modeling_auto.py": (
        'MODEL_FOR_QA_MAPPING_NAMES = OrderedDict(\n    [\n        ("bert", "BertHead"),\n    ]\n)\n'
    ),
    "hfci/__init__.py": "",
    "hfci/checks/__init__.py": "",
    "hfci/checks/table.py": 'FILE = "checks.toml"\n',
    "hfci/checks/building.py": (
        "from hfci.checks import claims\nLEAST = 4\n\ndef builds_tiny():\n    return claims.rows, LEAST\n"
    ),
    "hfci/checks/forward.py": (
        "from hfci.tiny import shrink\nimport os\n\ndef forward_is_finite():\n    return _largest()\n\n"
        "def _largest():\n    return shrink\n\ndef forward_is_deterministic():\n    return os\n"
    ),
    "hfci/checks/claims.py": 'rows = "inert.toml"\n',
    "hfci/checks/gradients.py": "x = 1\n",
    "hfci/checks/data/checks.toml": "a = 1\n",
    "hfci/checks/data/inert.toml": "a = 1  # a comment\n",
    "hfci/checks/data/exceptions/builds_tiny.toml": '[[exception]]\nmodel_types = ["bert"]\nwhy = "so"\n',
    "hfci/tiny/__init__.py": "",
    "hfci/tiny/shrink.py": 'FILE = "shrink.toml"\ndef f():\n    from transformers import PreTrainedModel\n',
    "hfci/tiny/data/recipes/a.toml": (
        '[[recipe]]\nset = { a = 1 }\n[[recipe]]\nmodel_types = ["bert"]\nset = { b = 1 }\n'
        '[[recipe]]\nmodel_types = ["bert"]\narchitectures = ["BertHead"]\nset = { c = 1 }\n'
        '[[recipe]]\ntables = ["FOR_QA"]\nset = { d = 1 }\n'
    ),
    "hfci/tiny/data/shrink.toml": "a = 1\n",
    "hfci/results/data/history.toml": "a = 1\n",
    "hfci/testing/__init__.py": "",
    "hfci/testing/subject.py": "import pytest\nfrom hfci.tiny import shrink\n",
    "hfci/testing/process_setup.py": "import torch\n",
    "hfci/testing/plugin.py": "from hfci.testing import subject\nfrom hfci.cases import records\n",
    "hfci/cases/__init__.py": "",
    "hfci/cases/records.py": "x = 1\n",
    "hfci/cases/data/ledger.toml": '[[entry]]\nmodel_types = ["dpr"]\nexpires = 2026-11-30\n',
    "generated/text/test_bert.py": (
        "import pytest\nfrom hfci import checks\npytestmark = pytest.mark.hfci(tier='smoke')\n\n"
        "def test_builds_tiny(tiny):\n    from transformers import BertModel\n    assert tiny.model\n\n"
        "@pytest.mark.parametrize('check', ['forward_is_finite'])\ndef test_invariant(tiny, check):\n"
        "    checks.assert_holds(tiny, check)\n"
    ),
    "generated/text/test_bert_functional.py": "from transformers.models.bert.modeling_bert import BertHead\n",
    "generated/text/test_dpr.py": "def test_builds_tiny():\n    from transformers import DPRReader\n",
    "generated/decoder/test_llama.py": "from transformers import LlamaModel\n",
    "generated/decoder/test_duo.py": "from transformers import LlamaModel\n",
    "templates/_smoke.py.jinja": '{# about #}{% from "_heads.py.jinja" import x %}\n',
    "templates/_architectures.py.jinja": "x\n",
    "templates/_architecture.py.jinja": "x\n",
    "templates/_heads.py.jinja": "x\n",
    "templates/_outputs.py.jinja": "x\n",
    "templates/text.py.jinja": '{%- extends layout %}{% from "_outputs.py.jinja" import x %}\n',
    "templates/decoder.py.jinja": "{% extends layout %}\n",
    "constraints.txt": "torch==2.13.0  # pinned\nnumpy>=2\n-r other.txt\nnot a line at all !!\n",
}
EVERYTHING = {"bert", "bert head", "dpr", "llama", "duo"}
NAMES = {("bert", "BertHead"): "bert head"}
BUILT = {"bert/builds_tiny", "bert head", "dpr/builds_tiny", "llama/builds_tiny", "duo/builds_tiny"}
FINITE = {f"{name}/forward_is_finite" for name in EVERYTHING - {"bert head"}}


def fingerprints(changes: dict[str, str | bytes | None] | None = None, today: date = TODAY) -> dict[str, str | None]:
    made = Fingerprints(MANIFEST, world(changes, BASE), FileCache(), today)
    return {called(subject): made.of(subject) for subject in made.cases}


def called(subject: Fingerprinted) -> str:
    return f"{NAMES.get(subject[:2], subject.model_type)}/{subject.check}"


def selected(changes: dict[str, str | bytes | None], today: date = TODAY) -> set[str]:
    """Return whose fingerprint is another with `changes`: of all the checks of an architecture, its name alone."""
    before, after = fingerprints(), fingerprints(changes, today)
    changed = {name for name in before if before[name] != after[name]}
    whole = {name for name in EVERYTHING if all(each in changed for each in before if each.startswith(f"{name}/"))}
    return whole | {each for each in changed if each.partition("/")[0] not in whole}


BERT = "transformers/models/bert/modeling_bert.py"
RECIPES = "hfci/tiny/data/recipes/a.toml"
LEDGER = "hfci/cases/data/ledger.toml"


@pytest.mark.parametrize(
    ("label", "old", "new", "expected"),
    [
        (BERT, "import torch", "import torch, os", {"bert", "bert head", "dpr", "duo"}),
        (BERT, '"""Bert."""', '"""Another."""', set()),
        (BERT, "# the base", "# its base", set()),
        ("transformers/models/dpr/modeling_dpr.py", "class", "x = 1\nclass", {"dpr"}),
        ("transformers/modeling_utils.py", "torch", "torch.nn", EVERYTHING),
        ("transformers/models/gpt2/tokenization_gpt2.py", "pass", "x = 1", set()),
        ("hfci/checks/building.py", "4", "5", BUILT),
        ("hfci/checks/forward.py", "_largest()\n", "_largest(1)\n", FINITE),
        ("hfci/checks/forward.py", "return shrink", "return shrink, 1", FINITE),
        ("hfci/checks/forward.py", "return os", "return os, 1", set()),
        ("hfci/checks/gradients.py", "1", "2", set()),
        ("hfci/checks/table.py", "FILE", "PATH", set()),
        ("hfci/checks/data/checks.toml", "1", "2", set()),
        ("hfci/testing/subject.py", "pytest", "pytest, os", EVERYTHING),
        ("hfci/testing/process_setup.py", "torch", "torch, os", EVERYTHING),
        ("hfci/testing/plugin.py", "subject", "subject as fixtures", set()),
        ("hfci/cases/records.py", "1", "2", set()),
        ("hfci/tiny/data/shrink.toml", "1", "2", EVERYTHING),
        ("hfci/checks/data/inert.toml", "1", "2", BUILT),
        ("generated/text/test_bert.py", "'forward_is_finite'", "'forward_is_finite', 'another'", set()),
        ("generated/text/test_bert.py", "assert tiny.model", "assert tiny", {"bert/builds_tiny"}),
        (
            "generated/text/test_bert.py",
            "assert_holds(tiny, check)",
            "assert_holds(tiny, 1)",
            {"bert/forward_is_finite"},
        ),
        ("generated/text/test_bert.py", "'smoke'", "'deep'", {"bert"}),
        ("hfci/checks/data/inert.toml", "a comment", "another", set()),
        ("hfci/results/data/history.toml", "1", "2", set()),
        (RECIPES, "a = 1", "a = 2", EVERYTHING),
        (RECIPES, "b = 1", "b = 2", {"bert", "bert head", "duo"}),
        (RECIPES, "c = 1", "c = 2", {"bert head", "duo"}),
        (RECIPES, "d = 1", "d = 2", {"bert head"}),
        (RECIPES, "d = 1 }", "d = 1 }  # why", set()),
        (RECIPES, '"bert"', '"dpr"', EVERYTHING - {"llama"}),
        ("hfci/checks/data/exceptions/builds_tiny.toml", "so", "for another reason", {"bert", "bert head", "duo"}),
        (LEDGER, "30", "29", {"dpr"}),
        ("generated/text/test_dpr.py", "DPRReader", "DPRReader, x", {"dpr"}),
        ("templates/text.py.jinja", "extends", "include", {"bert", "bert head", "dpr"}),
        ("templates/_smoke.py.jinja", "about", "on", set()),
        ("templates/_smoke.py.jinja", "import x", "import y", EVERYTHING - {"bert head"}),
        ("templates/_heads.py.jinja", "x", "y", EVERYTHING - {"bert head"}),
        ("templates/_architecture.py.jinja", "x", "y", {"bert head"}),
        ("templates/_outputs.py.jinja", "x", "y", {"bert", "bert head", "dpr"}),
        ("constraints.txt", "torch==2.13.0", "torch==2.14.0", EVERYTHING),
        ("constraints.txt", "numpy>=2", "numpy>=3", set()),
        ("constraints.txt", "# pinned", "# held", set()),
    ],
)
def test_a_change_selects_what_depends_on_it(label: str, old: str, new: str, expected: set[str]) -> None:
    assert old in BASE[label]
    assert selected({label: BASE[label].replace(old, new)}) == expected


GOLDEN = {f"hfci/checks/data/golden/{name}.json": '{"a": 1, "b": 2}' for name in ("bert", "llama")}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"a": 1, "b": 3}', {("bert", "golden_output")}),
        ('{"b": 2,\n "a": 1}', set()),
        ("{", {("bert", "golden_output")}),
        (None, {("bert", "golden_output")}),
    ],
)
def test_what_a_check_compares_with_is_that_checks_and_that_model_types(
    content: str | None, expected: set[tuple[str, str]]
) -> None:
    case = ManifestCase("BertModel", "smoke", "text/test_bert.py", ("forward_is_finite", "golden_output"))
    rows = (replace(BERT_ROW, cases=(case,)), row("llama", "LlamaModel", "decoder"))
    manifest = replace(MANIFEST, model_types=rows)
    golden = {"hfci/checks/golden.py": "def golden_output():\n    pass\n", **GOLDEN}

    def of(changes: dict[str, str | bytes | None]) -> dict[Fingerprinted, str | None]:
        made = Fingerprints(manifest, world(changes, {**BASE, **golden}), FileCache(), TODAY)
        return {subject: made.of(subject) for subject in made.cases}

    before, after = of({}), of({"hfci/checks/data/golden/bert.json": content})
    assert None not in before.values()
    assert {(each.model_type, each.check) for each in before if before[each] != after[each]} == expected


def test_a_check_that_asks_others_is_another_one_where_they_are() -> None:
    check = "configuration_changes_do_as_recorded"
    case = ManifestCase("BertModel", "deep", "text/test_bert.py", (check, "builds_tiny"))
    manifest = replace(MANIFEST, model_types=(replace(BERT_ROW, cases=(case,)),))
    changes = {
        "hfci/checks/changes.py": f"def {check}():\n    pass\n",
        "hfci/checks/data/changes/bert.json": '{"a": 1}',
    }

    def of(label: str, old: str, new: str) -> set[str]:
        whole = {**BASE, **changes}
        made = [
            Fingerprints(manifest, world(change, whole), FileCache(), TODAY)
            for change in ({}, {label: whole[label].replace(old, new)})
        ]
        return {subject.check for subject in made[0].cases if made[0].of(subject) != made[1].of(subject)}

    assert of("hfci/checks/forward.py", "_largest()\n", "_largest(1)\n") == {check}
    assert of("hfci/checks/forward.py", "return os", "return os, 1") == set()
    assert of("hfci/checks/changes.py", "pass", "return 1") == {check}
    assert of("hfci/checks/data/changes/bert.json", "1", "2") == {check}
    assert of("hfci/checks/building.py", "4", "5") == {"builds_tiny"}


@pytest.mark.parametrize(
    "label", [BERT, RECIPES, LEDGER, "templates/text.py.jinja", "hfci/tiny/data/shrink.toml", "constraints.txt"]
)
@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00 def (", b"[[recipe]\n", b"[recipe]\nrecipe = 1\n", b"recipe = 1\nentry = 'x'\n", None]
)
def test_a_broken_or_missing_file_is_a_change_and_no_end(label: str, content: bytes | None) -> None:
    assert selected({label: content}) > set() or content is None


def test_a_known_failure_is_another_case_once_its_entry_expires() -> None:
    assert selected({}, date(2026, 11, 30)) == set()
    assert selected({}, date(2026, 12, 1)) == {"dpr"}


def test_fingerprints_are_those_of_other_places_and_other_orders() -> None:
    backwards = Fingerprints(MANIFEST, dict(reversed(world(None, BASE).items())), FileCache(), TODAY)
    assert [backwards.of(subject) for subject in backwards.cases] == list(fingerprints().values())
    assert len(set(fingerprints().values())) == len(fingerprints()) == 2 * len(EVERYTHING) - 1


@pytest.mark.parametrize("subject", Fingerprints(MANIFEST, {}, FileCache()).cases)
def test_a_fingerprint_is_the_same_whichever_others_are_asked_for(subject: Fingerprinted) -> None:
    alone = Fingerprints(MANIFEST, world(None, BASE), FileCache(), TODAY, frozenset({subject}))
    assert alone.of(subject) == fingerprints()[called(subject)]
    others = alone.cases.keys() - {subject}
    assert {alone.of(other) for other in others} == {None}


def test_fingerprints_of_what_lies_here_are_those_of_its_cases(tmp_path: Path) -> None:
    manifest = load_manifest(GENERATED / "manifest.json")
    cases = [case for case in select(manifest, ["bert"]).cases if case.check == "builds_tiny"]
    found = Fingerprints.now(manifest, cases, generated=GENERATED, cache=tmp_path / "cache")
    by_case = found.by_case(cases)
    assert by_case.keys() == {case.id for case in cases} == {"bert/BertModel/builds_tiny[device=cpu]"}
    found.remembered.save()
    again = Fingerprints.now(manifest, cases, generated=GENERATED, cache=tmp_path / "cache")
    assert again.by_case(cases) == by_case


def test_what_the_manifest_does_not_have_has_no_fingerprint() -> None:
    found = Fingerprints(MANIFEST, world(None, BASE), FileCache(), TODAY)
    assert found.of(Fingerprinted("bert", "BertModel", "deep", "builds_tiny")) is None


def test_what_counts_is_told() -> None:
    found = Fingerprints(MANIFEST, world(None, BASE), FileCache(), TODAY)
    parts = found.parts(Fingerprinted("dpr", "DPRReader", "smoke", "builds_tiny"))
    assert parts["torch"] == "==2.13.0"
    assert parts["pytest"] == "not constrained"
    assert {BERT, RECIPES, LEDGER, "templates/text.py.jinja", "hfci/checks/building.py#builds_tiny"} <= parts.keys()
    assert any(label.startswith("generated/text/test_dpr.py#") for label in parts)
    assert "hfci/checks/gradients.py" not in parts
    assert found.chain(Fingerprinted("dpr", "DPRReader", "smoke", "builds_tiny"), BERT)[-2:] == (
        "transformers/models/dpr/modeling_dpr.py",
        BERT,
    )


# Versions.


def test_versions_as_installed() -> None:
    assert versions_here("msgspec") == importlib.metadata.version("msgspec")
    assert versions_here("PIL") == importlib.metadata.version("pillow")
    assert versions_here("no_such_package") == "absent"
    assert versions_here("_pytest") == f"pytest {importlib.metadata.version('pytest')}"


def test_versions_as_constrained() -> None:
    version = versions_of(b"Torch == 2.13.0\npillow<13 ; python_version > '3'\nhuggingface-hub>=1\n\xff\n-e .\n")
    assert version("torch") == "==2.13.0"
    assert version("PIL") == '<13;python_version > "3"'
    assert version("huggingface_hub") == ">=1"
    assert version("numpy") == "not constrained"


# Where everything lies.


def test_a_named_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    places = Locations(tmp_path, tmp_path, tmp_path, tmp_path, constraints=tmp_path / "none.txt")
    with pytest.raises(UsageError, match=r"no file .*none\.txt"):
        places.files()


def test_without_transformers_it_says_what_is_missing() -> None:
    import subprocess

    code = (
        "import sys; sys.modules['transformers'] = None\n"
        "import importlib.util; find = importlib.util.find_spec\n"
        "from hfci.origin import find_transformers\n"
        "try: find_transformers()\n"
        "except ValueError: raise\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([COLD, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"{EnvironmentUnfit.__name__} transformers is not installed here"), done.stderr
