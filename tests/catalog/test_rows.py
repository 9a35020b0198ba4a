"""The catalog is transformers' own list, every row of it: compared with counts taken another way."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import textwrap
from pathlib import Path

import pytest

from hfci.catalog import Catalog, families, read_row
from hfci.errors import UsageError
from tests.warm import COLD


@pytest.fixture(scope="module")
def listed() -> dict[str, set[str]]:
    """Model type → classes, read off the source of transformers' tables as text, not from the imported module."""
    from transformers.models.auto import modeling_auto

    found: dict[str, set[str]] = {}
    for node in ast.parse(inspect.getsource(modeling_auto)).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        name = node.targets[0].id
        if name.startswith("MODEL_") and name.endswith("_NAMES") and isinstance(node.value, ast.Call):
            # a table may take in another whole (`*list(…)`), whose own classes are read where it stands
            pairs = [pair for pair in node.value.args[0].elts if not isinstance(pair, ast.Starred)]
            for key, classes in map(ast.literal_eval, pairs):
                found.setdefault(key, set()).update([classes] if isinstance(classes, str) else classes)
    return found


def test_every_key_has_exactly_one_row_in_the_registry_s_order(catalog: Catalog) -> None:
    from transformers import CONFIG_MAPPING, __version__

    assert [row.model_type for row in catalog.model_types] == list(CONFIG_MAPPING.keys())
    assert __version__ != "5.24.0" or len(catalog.model_types) == 822


def test_every_class_of_the_tables_is_an_architecture_of_its_row(catalog: Catalog, listed: dict[str, set[str]]) -> None:
    assert len(listed) > 600
    for model_type, classes in listed.items():
        assert {arch.name for arch in catalog[model_type].architectures if arch.auto_classes} <= classes
        assert {arch.name for arch in catalog[model_type].architectures} >= classes


def test_every_row_has_a_family_or_a_named_reason(catalog: Catalog) -> None:
    known = set(families())
    for row in catalog.model_types:
        assert row.families or row.reason or (row.error and row.requires), row
        assert set(row.families) <= known
        assert row.base is None or row.base.family or row.requires


def test_model_types_without_a_class_say_so(catalog: Catalog) -> None:
    without = {row.model_type for row in catalog.model_types if not row.architectures}
    assert {"layoutxlm", "nougat", "sam_prompt_encoder"} <= without
    assert len(without) == 28
    assert all("no model class" in (catalog[name].reason or "") for name in without)


@pytest.mark.parametrize(
    ("model_type", "architecture", "family"),
    [
        ("bert", "BertModel", "text_encoder"),
        ("gpt2", "GPT2Model", "text_decoder"),
        ("mamba", "MambaModel", "state_space"),
        ("t5", "T5Model", "text_encoder_decoder"),
        ("hubert", "HubertModel", "audio"),
        ("detr", "DetrModel", "detection"),
        ("sam", "SamModel", "segmentation"),
        ("clip", "CLIPModel", "vision_text_dual"),
        ("llava", "LlavaModel", "vision_language"),
        ("layoutlm", "LayoutLMModel", "document"),
        ("encodec", "EncodecModel", "audio_codec"),
        ("videomae", "VideoMAEModel", "video"),
        ("encoder-decoder", "EncoderDecoderModel", "composite"),
        ("qwen2_5_omni", "Qwen2_5OmniForConditionalGeneration", "omni"),
        # its table lists the decoder for AutoModel, whose configuration is another
        ("musicgen", "MusicgenForConditionalGeneration", "audio_generation"),
    ],
)
def test_the_base_architecture_and_its_family(model_type: str, architecture: str, family: str) -> None:
    base = read_row(model_type).base
    assert base is not None
    assert (base.name, base.family) == (architecture, family)


def test_a_task_is_one_that_the_pipeline_can_feed(catalog: Catalog) -> None:
    def tasks(model_type: str) -> set[str]:
        return {task for arch in catalog[model_type].architectures for task in arch.tasks}

    assert {"fill-mask", "feature-extraction", "text-classification"} <= tasks("bert")
    assert not {"image-feature-extraction", "zero-shot-audio-classification"} & tasks("bert")
    assert "image-feature-extraction" in tasks("vit")
    assert "feature-extraction" not in tasks("vit")


def test_an_unknown_model_type_proposes_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no model type 'brt'.*bert"):
        read_row("brt")


def test_the_catalog_is_plain_json(catalog: Catalog) -> None:
    data = json.loads(json.dumps(catalog.to_json()))
    assert data["schema"] == 1
    assert len(data["model_types"]) == len(catalog.model_types)
    assert {"model_type", "config", "module", "architectures", "reason"} <= set(data["model_types"][0])
    architectures = next(row["architectures"] for row in data["model_types"] if row["model_type"] == "llama")
    assert {"last_hidden_state", "cache"} <= set(architectures[0]["outputs"])


NEW_RELEASE = """
    import sys
    import transformers.models
    from transformers.models.auto import configuration_auto, modeling_auto

    transformers.models.__path__.append(sys.argv[1])
    configuration_auto.CONFIG_MAPPING_NAMES["brandnew"] = "BrandNewConfig"
    modeling_auto.MODEL_MAPPING_NAMES["brandnew"] = "BrandNewModel"

    from hfci.catalog import read_row
    from hfci.errors import StageError
    from hfci.tiny import build_tiny

    row = read_row("brandnew")
    print(row.base.name, row.base.family, row.error)
    try:
        build_tiny("brandnew").forward()
        print("forwarded")
    except StageError as error:
        print(error.stage, error)
"""
CONFIGURATION = """
    from huggingface_hub.dataclasses import strict
    from transformers import PreTrainedConfig

    @strict
    class BrandNewConfig(PreTrainedConfig):
        model_type = "brandnew"
        vocab_size: int = 50000
        hidden_size: int = 4096
        num_hidden_layers: int = 32
"""
MODELING = """
    from torch import nn
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import BaseModelOutput
    from transformers.models.brandnew.configuration_brandnew import BrandNewConfig

    class BrandNewModel(PreTrainedModel):
        config: BrandNewConfig
        def __init__(self, config):
            super().__init__(config)
            self.embed = nn.Embedding(config.vocab_size, config.hidden_size)
            self.mix = nn.Linear(config.hidden_size, WIDTH)
            self.post_init()
        def forward(self, input_ids=None):
            return BaseModelOutput(last_hidden_state=self.mix(self.mix(self.embed(input_ids))))

    __all__ = ["BrandNewModel"]
"""


@pytest.mark.parametrize(
    ("width", "ends"),
    [("config.hidden_size", "forwarded"), ("3", "forward brandnew (BrandNewModel) stops at forward: RuntimeError")],
)
def test_a_model_type_never_seen_gets_a_family_and_is_attempted(tmp_path: Path, width: str, ends: str) -> None:
    package = tmp_path / "brandnew"
    package.mkdir()
    (package / "configuration_brandnew.py").write_text(textwrap.dedent(CONFIGURATION))
    (package / "modeling_brandnew.py").write_text(textwrap.dedent(MODELING).replace("WIDTH", width))
    (package / "__init__.py").write_text(
        "from .configuration_brandnew import *\nfrom .configuration_brandnew import BrandNewConfig\n"
        "from .modeling_brandnew import *\n"
    )
    script = textwrap.dedent(NEW_RELEASE)
    done = subprocess.run([COLD, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()[:2]
    assert first == "BrandNewModel text_encoder None"
    assert second.startswith(ends)


def test_a_package_that_is_missing_is_no_error_of_the_catalog(catalog: Catalog) -> None:
    lacking = [row for row in catalog.model_types if row.unavailable]
    for row in lacking:
        assert f"pip install {' '.join(row.requires)}" in str(row.unavailable)
        assert row.wrong is None
        assert row.to_json()["error"] is None
    assert not [row.model_type for row in catalog.model_types if row.wrong and row.requires]
