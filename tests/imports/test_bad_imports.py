"""What can be wrong with an import is named, with what to add; and none of it is in anybody's way.

All of it is tried in forks of one process, which has transformers imported.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hfci.imports import ENTERED
from tests.warm import COLD

from .support import MODEL, custom_code, package, text_of

# Of each folder and its imports, in a fork: tell, as the process does that `hfci --import` begins.
PROGRAM = """
import json, os, sys
import torch, transformers, transformers.modeling_utils
from hfci.catalog import registration_child
for name, said in json.loads(sys.stdin.read()).items():
    child = os.fork()
    if child == 0:
        sys.path.insert(0, os.path.join(os.getcwd(), name))
        os.environ["HFCI_IMPORTS"] = json.dumps(said)
        sys.argv[1:] = [name + ".json"]
        registration_child.tell()
        os._exit(0)
    print(name, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

ATTACK = '"](https://evil) | `x` ::error::'


def registers(model_type: str, before: str = "", exist_ok: bool = False) -> str:
    """Return a file that registers a configuration of this model type."""
    return (
        f"{before}from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel\n"
        f"class C(PreTrainedConfig):\n    model_type = {model_type!r}\n"
        f"AutoConfig.register({model_type!r}, C, exist_ok={exist_ok})\n"
    )


AUTO = "import transformers.models.auto.modeling_auto as auto\n"
BERT = "import transformers.models.bert.modeling_bert as bert\n"

# Name of the package → its only file, and what is said of it.
FILES = {
    "nothing": ("x = 1", "nothing registers no configuration: add `AutoConfig.register(MODEL_TYPE, CONFIG_CLASS)`"),
    "raising": (
        "raise RuntimeError('boo\\x1b[31m')",
        "import of raising raises 'RuntimeError: boo\\x1b[31m' (raising.py:1)",
    ),
    "exiting": ("raise SystemExit('bye')", "import of exiting exits (SystemExit: bye)"),
    "interrupting": ("raise KeyboardInterrupt", "import of interrupting raises KeyboardInterrupt"),
    "lacking": ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
    "taken": (registers("bert"), "already used by a Transformers config"),
    "replaced": (registers("bert", exist_ok=True), "replaced registers bert anew, which transformers has"),
    "rehead": (
        "from transformers import AutoModel, BertConfig, BertModel\nclass M(BertModel):\n    pass\n"
        "AutoModel.register(BertConfig, M, exist_ok=True)",
        "rehead registers BertConfig anew, which transformers has",
    ),
    "slashed": (registers("../../x"), "slashed registers the model type '../../x': it must be of letters"),
    "marked": (registers(ATTACK), "marked registers the model type"),
    "renamed": (
        registers("renamed", "import transformers\n") + "C2 = type('a`b', (C,), {'model_type': 'renamed2'})\n"
        "AutoConfig.register('renamed2', C2)",
        "renamed registers a class called 'a`b': it must be a plain name",
    ),
    "like_ours": (
        registers("like_ours")
        + "class BertModel(PreTrainedModel):\n    config_class = C\nAutoModel.register(C, BertModel)",
        "like_ours registers a class BertModel, as transformers has one",
    ),
    "patching": (
        registers("patching", BERT) + "def forward(self): pass\nbert.BertModel.forward = forward",
        "patching puts something else in the place of transformers.models.bert.modeling_bert.BertModel.forward",
    ),
    "swapping": (
        registers("swapping", BERT) + "class BertLayer: pass\nbert.BertLayer = BertLayer",
        "swapping puts something else in the place of transformers.models.bert.modeling_bert.BertLayer",
    ),
    "renaming": (
        registers("renaming", AUTO) + "auto.MODEL_MAPPING_NAMES['bert'] = 'GPT2Model'",
        "something else in the place of transformers.models.auto.modeling_auto.MODEL_MAPPING_NAMES['bert']",
    ),
    "adding": (
        registers("adding", AUTO) + "auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES['adding'] = 'BertModel'",
        "modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES['adding']: what is tested would not be transformers",
    ),
    "removing": (
        registers("removing", AUTO) + "auto.MODEL_MAPPING_NAMES.pop('bert')",
        "in the place of transformers.models.auto.modeling_auto.MODEL_MAPPING_NAMES['bert']",
    ),
    "attending": (
        registers("attending", "import transformers.modeling_utils as utils\n")
        + "def mine(*_, **__): pass\nutils.ALL_ATTENTION_FUNCTIONS.register('sdpa', mine)",
        "something else in the place of transformers.modeling_utils.AttentionInterface._global_mapping['sdpa']",
    ),
}

# Name of the folder with custom code → what is other in its auto_map, and what is said.
FOLDERS = {
    "no-config": ({"AutoConfig": None}, "auto_map names no AutoConfig"),
    "elsewhere": ({"AutoModel": "owner/name--modeling_mine.MineModel"}, "is no class of a file there"),
    "above": ({"AutoModel": "../modeling_mine.MineModel"}, "is no class of a file there"),
    "no-file": ({"AutoModel": "modeling_other.MineModel"}, "there is no modeling_other.py"),
    "no-class": ({"AutoModel": "modeling_mine.Other"}, "modeling_mine.py has no class Other"),
    "no-auto": ({"AutoNonsense": "modeling_mine.MineModel"}, "'AutoNonsense' is no auto class of transformers"),
    "no-door": ({"os.system": "modeling_mine.MineModel"}, "'os.system' is no auto class of transformers"),
    "a-number": ({"AutoModel": 3}, "no configuration with an auto_map"),
    "no-name": ({"AutoTokenizer": [None, None]}, "auto_map.AutoTokenizer names no class"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what is said of each, and the exit code of the process that says it."""
    here = tmp_path_factory.mktemp("bad")
    asked: dict[str, dict[str, list[str]]] = {}
    for name, (text, _) in FILES.items():
        (here / name).mkdir()
        (here / name / f"{name}.py").write_text(text)
        asked[name] = {"packages": [name]}
    for name, (auto_map, _) in FOLDERS.items():
        asked[name] = {"folders": [str(custom_code(here / name / "code", **auto_map))]}
    (here / "dying").mkdir()
    (here / "dying" / "dying.py").write_text("import os; os._exit(0)")
    asked["dying"] = {"packages": ["dying"]}
    package(here / "good", "good_package")
    asked["good"] = {"packages": ["good_package"]}
    friendly = package(here / "friendly", "friendly_package")
    with (friendly / "__init__.py").open("a") as file:  # a name of its own beside those that there are
        file.write("\nfrom transformers import AttentionInterface\nAttentionInterface.register('mine', print)\n")
        file.write("from transformers import AutoTokenizer, BertTokenizer\n")
        file.write("class MineTokenizer(BertTokenizer): pass\nAutoTokenizer.register(MineConfig, MineTokenizer)\n")
    asked["friendly"] = {"packages": ["friendly_package"]}
    noisy = package(here / "noisy", "noisy_package")
    (noisy / "__init__.py").write_text(
        "import os, sys\nprint('hello')\nos.write(1, b'hello')\nsys.stdout.write('hello')\n"
        "assert not [name for name in os.environ if 'TOKEN' in name and name[:3] != 'HF_' and name[:5] != 'TOKEN']\n"
        "assert 'HF_TOKEN' not in os.environ\n" + (noisy / "__init__.py").read_text()
    )
    asked["noisy"] = {"packages": ["noisy_package"]}
    asked["code"] = {"folders": [str(custom_code(here / "code" / "my-code", "coded"))]}
    other = package(here / "other", "other_package", "other")
    (other / "modeling_other.py").write_text(
        text_of(MODEL, "other") + "\nclass OtherHead(OtherModel):\n    def forward(self, x):\n        return x\n"
    )
    asked["other"] = {"packages": ["other_package"]}
    done = subprocess.run(
        [COLD, "-c", PROGRAM],
        input=json.dumps(asked),
        cwd=here,
        env={**os.environ, "HF_TOKEN": "hf_secret", "MY_API_TOKEN": "secret"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line for line in done.stdout.splitlines() if line]
    assert len(lines) == len(asked), "an import has written to standard output"
    answers: dict[str, Any] = {line.split()[0]: {"code": int(line.split()[1])} for line in lines}
    for name, answer in answers.items():
        place = here / f"{name}.json"
        answer |= json.loads(place.read_text()) if place.exists() else {"error": None}
    return answers


@pytest.mark.parametrize("name", FILES)
def test_a_package_is_named_with_what_is_wrong(name: str, told: dict[str, Any]) -> None:
    answer = told[name]
    assert FILES[name][1] in answer["error"]
    assert answer["error"].isprintable()
    assert len(answer["error"]) < 700
    assert answer["unfit"] is (name == "lacking")


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_named_with_what_is_wrong(name: str, told: dict[str, Any]) -> None:
    assert FOLDERS[name][1] in told[name]["error"]
    assert str(told[name]["error"]).count("code") >= 1


def test_what_ends_the_process_says_nothing(told: dict[str, Any]) -> None:
    assert told["dying"] == {"code": 0, "error": None}  # no file is written


@pytest.mark.parametrize(
    ("name", "packages", "types"),
    [
        ("good", "good_package", ["mine"]),
        ("friendly", "friendly_package", ["mine"]),
        ("noisy", "noisy_package", ["mine"]),
        ("other", "other_package", ["other"]),
    ],
)
def test_what_is_registered_is_told(name: str, packages: str, types: list[str], told: dict[str, Any]) -> None:
    assert told[name]["model_types"] == {packages: types}


def test_custom_code_is_registered_as_its_auto_map_says(told: dict[str, Any]) -> None:
    ((folder, types),) = told["code"]["model_types"].items()
    assert (Path(folder).name, types) == ("my-code", ["coded"])


def test_the_digest_is_of_what_is_registered_and_of_nothing_else(told: dict[str, Any]) -> None:
    digests = [told[name]["registry"] for name in ("good", "noisy", "other", "code")]
    assert len(set(digests)) == len(digests)  # classes are told by their modules' names


def test_the_variable_is_the_one_that_is_read() -> None:
    assert ENTERED in PROGRAM
