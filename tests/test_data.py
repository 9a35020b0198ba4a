"""What is wrong with a data file of the package is an error with file and row, before anything is looked at."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from hfci.catalog.aliases import AliasFile
from hfci.catalog.facts import InputFile
from hfci.catalog.families import FamilyFile
from hfci.catalog.tasks import TaskFile
from hfci.errors import UsageError
from hfci.parsing import read_toml
from hfci.preflight.diagnosis import DiagnosisFile
from hfci.releases.first_releases import FirstReleaseFile
from hfci.tiny.relations import RelationFile
from hfci.tiny.shrink import ShrinkFile

STRUCTURES: dict[str, tuple[str, type[Any]]] = {
    "aliases": ("catalog", AliasFile),
    "families": ("catalog", FamilyFile),
    "inputs": ("catalog", InputFile),
    "tasks": ("catalog", TaskFile),
    "diagnoses": ("preflight", DiagnosisFile),
    "first_releases": ("releases", FirstReleaseFile),
    "relations": ("tiny", RelationFile),
    "shrink": ("tiny", ShrinkFile),
}


NOTHING = "inputs = []\noutputs = []\ntasks = []\n"


def spoilt(folder: Path, name: str, old: str, new: str) -> Path:
    """Return the package's file with a text replaced where it first stands."""
    path = folder / f"{name}.toml"
    text = (files("hfci") / STRUCTURES[name][0] / "data" / path.name).read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("aliases", "spelled =", "speled =", "alias[0] (cache): unknown key 'speled'. Did you mean spelled?"),
        (
            "aliases",
            '["past_key_values", "cache_params"]',
            '"past_key_values"',
            "alias[0] (cache): spelled must be a l",
        ),
        ("aliases", 'word = "cache"', 'word = ""', "alias[0] (): word must be a text with something in it, not ''"),
        ("aliases", '"named so', "named so", "cannot read the aliases"),
        ("inputs", "\naudio =", "\naudoi =", "audoi must be one of text, image, video, audio, time-series, boxes, "),
        ("inputs", '["bbox"]', "[]", "modalities.boxes must be a list of names, not []"),
        ("inputs", "[modalities]", "[modality]", "unknown key 'modality'. Did you mean modalities?"),
        ("tasks", 'wants = "fed inputs"', 'wants = "fed input"', "no list 'fed input'; there are loaded processors, "),
        ("tasks", "wants =", "whants =", "rule[0] (no-processor): unknown key 'whants'. Did you mean wants"),
        ("tasks", '["boxes", "table"]', "3", "tokenizer.wants must be a list of names, not 3"),
        ("tasks", "[features]", "[feature]", "unknown key 'feature'. Did you mean features?"),
        ("diagnoses", "cause =", "couse =", "diagnosis[0] (config_invalid): unknown key 'couse'. Did you mean cause"),
        ("diagnoses", "exit_code = 2", "exit_code = 3", "exit_code must be one of 1, 2, 4, not 3"),
        (
            "diagnoses",
            '"configuration", "access"',
            '"configuration", "acess"',
            "stages[1] must be one of configuration, access, ",
        ),
        (
            "first_releases",
            '"5.18.0"',
            '"five"',
            "release[0] (five): version must be a version such as 5.24.0, not 'five'",
        ),
        ("families", "[allowed.protein]", "[allowed.protien]", "there is no [allowed.protein]: what may its "),
        (
            "families",
            "[allowed.protein]",
            f"[allowed.protien]\n{NOTHING}[allowed.protein]",
            "allowed.protien: there",
        ),
        ("families", 'inputs = ["', 'inputs = ["taste", "', "inputs[0] must be one of text, image, video, "),
        ("shrink", "names =", "name =", "rule[0]: unknown key 'name'. Did you mean names?"),
        ("shrink", "to = 32", 'to = "32"', "rule[2]: to must be a number of at least 1, not '32'"),
        ("shrink", "to = 32", "to = 32\nimage = true", "rule[2]: a rule has a size (`to`, `lists`), or says `keep`"),
        ("shrink", "to = 32", "above = 3", "rule[2]: a rule has a size (`to`, `lists`), or says `keep`"),
        (
            "shrink",
            'lists = "steps"\nto',
            'lists = "step"\nto',
            "lists must be a number of at least 1, or 'steps', not",
        ),
        ("relations", "targets =", "target =", "relation[0]: unknown key 'target'. Did you mean targets?"),
        (
            "relations",
            '"hidden_size * 2"',
            '"hidden_size ** 2"',
            "relation[1]: equals must be a formula such as 'hidde",
        ),
    ],
)
def test_a_wrong_row_is_an_error_with_its_file_and_place(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    path = spoilt(tmp_path, name, old, new)
    with pytest.raises(UsageError) as error:
        read_toml(path, STRUCTURES[name][1], f"the {name}")
    assert said in str(error.value)
    assert str(path) in str(error.value)
