"""Packages outside of transformers that register a model of their own, as somebody writes them."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["CONFIG", "FORWARD", "MODEL", "custom_code", "package", "text_of"]

CONFIG = """
from transformers import PreTrainedConfig


class MineConfig(PreTrainedConfig):
    model_type = "mine"
    vocab_size: int = 1000
    hidden_size: int = 64
    num_hidden_layers: int = 2
    pad_token_id: int | None = None
"""

FORWARD = "hidden = hidden + torch.tanh(layer(hidden))"

MODEL = """
import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from .configuration_mine import MineConfig


class MineModel(PreTrainedModel):
    config_class = MineConfig
    base_model_prefix = "model"

    def __init__(self, config):
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.hidden_size)
        sizes = [config.hidden_size] * config.num_hidden_layers
        self.layers = nn.ModuleList([nn.Linear(size, size) for size in sizes])
        self.post_init()

    def get_input_embeddings(self):
        return self.embed

    def forward(self, input_ids=None, attention_mask=None, inputs_embeds=None):
        hidden = self.embed(input_ids) if inputs_embeds is None else inputs_embeds
        for layer in self.layers:
            hidden = hidden + torch.tanh(layer(hidden))
        return BaseModelOutput(last_hidden_state=hidden)
"""

REGISTER = """
from transformers import AutoConfig, AutoModel

from .configuration_mine import MineConfig
from .modeling_mine import MineModel

AutoConfig.register("mine", MineConfig)
AutoModel.register(MineConfig, MineModel)
"""


def text_of(text: str, name: str) -> str:
    """Return a text for the model type `name` instead of `mine`."""
    return text.replace("mine", name).replace("Mine", name.capitalize())


def package(folder: Path, name: str = "mine_package", model_type: str = "mine", bug: str = "") -> Path:
    """Write a package that registers `model_type`, with `bug` as the line of its forward; return its folder."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(text_of(REGISTER, model_type))
    (place / f"configuration_{model_type}.py").write_text(text_of(CONFIG, model_type))
    text = text_of(MODEL, model_type)
    assert FORWARD in text
    (place / f"modeling_{model_type}.py").write_text(text.replace(FORWARD, bug or FORWARD))
    return place


def custom_code(folder: Path, model_type: str = "mine", **auto_map: object) -> Path:
    """Write a folder with custom code, as the Hub has them; `auto_map` beside its own, None takes one away."""
    folder.mkdir(parents=True)
    (folder / f"configuration_{model_type}.py").write_text(text_of(CONFIG, model_type))
    (folder / f"modeling_{model_type}.py").write_text(text_of(MODEL, model_type))
    classes = {
        "AutoConfig": text_of("configuration_mine.MineConfig", model_type),
        "AutoModel": text_of("modeling_mine.MineModel", model_type),
        **auto_map,
    }
    said = {auto: value for auto, value in classes.items() if value is not None}
    (folder / "config.json").write_text(json.dumps({"model_type": model_type, "auto_map": said}))
    return folder
