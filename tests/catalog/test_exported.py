"""Models that no auto table lists, read off the sources: compared with what importing them shows."""

from __future__ import annotations

import importlib
import inspect

import pytest

from hfci.catalog import Catalog, read_row, registries
from hfci.catalog.exported import exported_classes
from hfci.catalog.sources import modeling_module_names


@pytest.fixture(scope="module")
def imported() -> dict[str, type]:
    """Name → class of every exported model with a forward that stands in no table."""
    from torch import nn
    from transformers import PreTrainedModel

    found: dict[str, type] = {}
    packages = {registries.module_name(name) for name in registries.model_type_names()}
    for module_name in (name for package in packages for name in modeling_module_names(package)):
        try:
            module = importlib.import_module(module_name)
        except ImportError:  # a package is missing
            continue
        exported = [getattr(module, name) for name in module.__all__]
        models = [value for value in exported if inspect.isclass(value) and issubclass(value, PreTrainedModel)]
        own = [model for model in models if model.__module__ == module_name and model.forward is not nn.Module.forward]
        found |= {model.__name__: model for model in own if not registries.tables_of_class(model.__name__)}
    return found


def test_every_exported_model_is_an_architecture_or_left_out_with_a_reason(
    catalog: Catalog, imported: dict[str, type]
) -> None:
    architectures = {arch.name for row in catalog.model_types for arch in row.architectures}
    left_out = {name: reason for row in catalog.model_types for name, reason in row.left_out.items()}
    assert len(imported) > 80
    assert set(imported) <= architectures | left_out.keys()
    assert not architectures & left_out.keys()
    assert all(left_out.values())


def test_each_stands_once_with_the_model_type_of_its_configuration(catalog: Catalog, imported: dict[str, type]) -> None:
    by_config: dict[str, list[str]] = {}
    for row in catalog.model_types:
        by_config.setdefault(row.config or "", []).append(row.model_type)
    for name, cls in imported.items():
        rows = [row for row in catalog.model_types if name in (arch.name for arch in row.architectures)]
        own = by_config.get(cls.config_class.__name__, [])  # type: ignore[attr-defined]
        assert len(rows) <= 1
        assert not rows or not own or rows[0].model_type in own, name


@pytest.mark.parametrize(
    ("model_type", "name"),
    [
        ("clip_text_model", "CLIPTextModelWithProjection"),
        ("xlnet", "XLNetForQuestionAnswering"),
        ("bark", "BarkFineModel"),  # of a part that is no model type
    ],
)
def test_such_a_model_has_a_family_and_no_auto_class(model_type: str, name: str) -> None:
    arch = next(arch for arch in read_row(model_type).architectures if arch.name == name)
    assert arch.family
    assert not arch.auto_classes
    assert not arch.tasks


def test_what_cannot_be_tried_by_itself_says_why() -> None:
    assert exported_classes("qwen3_omni_moe").left_out == {
        "Qwen3OmniMoeCode2WavDecoderBlock": "its constructor wants layer_idx beside a configuration"
    }
    assert "cache" in exported_classes("diffusion_gemma").left_out["DiffusionGemmaDecoderModel"]
    assert read_row("bark").left_out == exported_classes("bark").left_out
    assert "BarkCausalModel" in read_row("bark").left_out["BarkCoarseModel"]
