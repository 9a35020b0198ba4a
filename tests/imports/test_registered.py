"""What is registered counts wherever hfci reads what transformers has, as if it were transformers' own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfci.cases.manifest import short_module, whole_module
from hfci.catalog import ModelType, read_row, registries
from hfci.catalog.exported import NOT_REGISTERED
from hfci.catalog.kept import kept_in, require_kept
from hfci.catalog.registered import (
    Registered,
    is_library,
    is_model_code,
    mappings_of_transformers,
    registered,
    registered_by,
)
from hfci.catalog.sources import module_text, read_class
from hfci.catalog.tasks import tasks_of
from hfci.checks import golden_output
from hfci.checks.applicability import NotApplicable
from hfci.errors import UsageError
from hfci.generation.expected_files import expected_files
from hfci.generation.select import select
from hfci.generation.verify import verify
from hfci.templating import templates_dir
from hfci.testing.frames import library_frame
from hfci.tiny import build_tiny

from .support import MODEL, package

HEAD = """

class MineForMaskedLM(MineModel):
    def forward(self, input_ids=None, attention_mask=None):
        return super().forward(input_ids, attention_mask)


class MineHelper(MineModel):
    def forward(self, input_ids=None):
        return super().forward(input_ids)
"""
MORE = """
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertTokenizer
from .modeling_mine import MineForMaskedLM
AutoModelForMaskedLM.register(MineConfig, MineForMaskedLM)
AutoTokenizer.register(MineConfig, BertTokenizer)

from transformers import PreTrainedConfig
class UnwiredConfig(PreTrainedConfig):
    model_type = "unwired"
class NeedyConfig(PreTrainedConfig):
    model_type = "needy"
    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size
class OddConfig(MineConfig):
    model_type = "odd"
from .modeling_mine import MineModel
class NeedyModel(MineModel):
    config_class = NeedyConfig
class OddModel(MineModel):
    config_class = OddConfig
    def forward(self, stuff):
        return stuff
for config in (UnwiredConfig, NeedyConfig, OddConfig):
    AutoConfig.register(config.model_type, config)
AutoModel.register(NeedyConfig, NeedyModel)
AutoModel.register(OddConfig, OddModel)
"""


@pytest.fixture(scope="module", autouse=True)
def _mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.tokenization_auto import REGISTERED_TOKENIZER_CLASSES

    folder = tmp_path_factory.mktemp("own")
    place = package(folder, "mine_in_here")
    (place / "modeling_mine.py").write_text(MODEL + HEAD)
    with (place / "__init__.py").open("a") as file:
        file.write(MORE)
    mappings = (CONFIG_MAPPING, *mappings_of_transformers().values())
    tokenizers = dict(REGISTERED_TOKENIZER_CLASSES)
    sys.path.insert(0, str(folder))
    try:
        importlib.import_module("mine_in_here")
        yield
    finally:
        sys.path.remove(str(folder))
        for mapping in mappings:
            mapping._extra_content.clear()
        REGISTERED_TOKENIZER_CLASSES.clear()
        REGISTERED_TOKENIZER_CLASSES.update(tokenizers)
        for name in [name for name in sys.modules if name.partition(".")[0] == "mine_in_here"]:
            del sys.modules[name]


@pytest.fixture(scope="module")
def row() -> ModelType:
    return read_row("mine")


def test_the_keys_are_those_of_transformers_and_then_those_registered() -> None:
    names = registries.model_type_names()
    assert names[-4:] == ("mine", "unwired", "needy", "odd")
    assert len(names) == len(set(names)) == len(registries.tables_of_transformers()["BASE"].keys() | set(names))


def test_its_row_is_like_any_other(row: ModelType) -> None:
    assert (row.config, row.module, row.error) == ("MineConfig", "mine_in_here.configuration_mine", None)
    assert {arch.name: (arch.family, arch.auto_classes) for arch in row.architectures} == {
        "MineModel": ("text_encoder", ("AutoModel",)),
        "MineForMaskedLM": ("text_encoder", ("AutoModelForMaskedLM",)),
    }
    assert row.processors == {"tokenizer": ("BertTokenizer",)}
    assert row.left_out == {"MineHelper": NOT_REGISTERED}
    masked = row.architectures[1]
    assert "table:FOR_MASKED_LM" in masked.facts
    assert {verdict.task for verdict in tasks_of("mine", masked.name, masked.auto_classes)} == {"fill-mask"}


def test_its_classes_are_found_with_their_sources() -> None:
    cls = registries.find_class("mine", "MineForMaskedLM")
    assert cls.__module__ == "mine_in_here.modeling_mine"
    assert registries.tables_of_class("MineForMaskedLM") == {"FOR_MASKED_LM"}
    assert registries.config_class_name("mine") == "MineConfig"
    assert [module.__name__ for module in registries.modeling_modules("mine")] == [
        "mine_in_here.modeling_mine",
        "mine_in_here.configuration_mine",
    ]
    source = read_class("MineForMaskedLM")
    assert source is not None
    assert [owner.name for owner in source.lineage][:3] == ["MineForMaskedLM", "MineModel", "PreTrainedModel"]
    assert "class MineHelper" in module_text("mine_in_here.modeling_mine")


def test_what_lacks_something_is_named_in_its_row() -> None:
    assert "no model class has UnwiredConfig" in str(read_row("unwired").reason)
    assert "`AutoModel….register(UnwiredConfig, MODEL_CLASS)` adds one" in str(read_row("unwired").reason)
    assert read_row("unwired").error is None
    assert "no family rule covers it (inputs: none known); call them as transformers does" in str(read_row("odd").error)
    needy = verify("needy", "NeedyModel")
    assert needy.stage == "config"
    assert "size" in str(needy.error)
    assert "[tool.hfci] recipes" in str(needy.error)


def test_its_modules_are_no_others() -> None:
    assert is_model_code("mine_in_here.modeling_mine")
    assert is_model_code("transformers.models.bert.modeling_bert")
    assert not is_model_code("transformers.modeling_utils")
    assert not is_model_code("torch.nn")
    assert is_library("transformers.modeling_utils")
    verification = verify("mine", "MineModel")
    assert verification.error is None
    assert verification.modules == (":mine_in_here.configuration_mine", ":mine_in_here.modeling_mine")
    for name in (*verification.modules, "bert.modeling_bert"):
        assert short_module(whole_module(name)) == name


def test_it_is_chosen_by_who_registers_it() -> None:
    assert select(["import:mine_in_*"]) == ("mine", "unwired", "needy", "odd")
    assert select(["MineForMaskedLM"]) == ("mine",)
    assert registered_by("mine") == "mine_in_here"
    assert registered_by("bert") is None
    with pytest.raises(UsageError, match=r"no import matches 'mine_in_her'.* mean mine_in_here"):
        select(["import:mine_in_her"])


def test_its_tests_import_it_from_where_it_is(row: ModelType) -> None:
    files, faults = expected_files({"mine": row}, {}, templates_dir())
    assert faults == ()
    smoke = next(file for file in files if file.tier == "smoke")
    assert "from mine_in_here" in smoke.text
    assert smoke.path == "text_encoder/test_mine.py"


def test_its_golden_outputs_are_kept_where_its_repository_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Path("usual")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    assert kept_in("golden", "bert", usual) == usual
    assert kept_in("golden", "mine", usual) is None
    with pytest.raises(UsageError, match=r"\[tool.hfci\] golden names one, or --folder does"):
        require_kept("golden", "mine", usual, None)
    with pytest.raises(NotApplicable, match=r"\[tool.hfci\] golden"):
        golden_output(build_tiny("mine"))
    (tmp_path / "pyproject.toml").write_text('[tool.hfci]\ngolden = "numbers"\n')
    assert kept_in("golden", "mine", usual) == tmp_path / "numbers"
    assert require_kept("changes", "mine", usual, tmp_path) == tmp_path


def test_where_it_fails_is_told_by_its_own_line() -> None:
    cls = registries.find_class("mine", "MineModel")
    try:
        cls(cls.config_class()).forward("no numbers")
    except TypeError as error:
        frame = library_frame(error)
    assert frame is not None
    assert frame["path"] == "mine_in_here/modeling_mine.py"
    assert frame["source"].startswith("hidden = self.embed(input_ids)")


def test_without_any_there_is_nothing_beside() -> None:
    assert Registered().lines() == []
    assert len(registered().lines()) == len(set(registered().lines())) == 9
