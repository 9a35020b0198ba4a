"""The rules for inert parameters follow their schema and name what they are meant to, nothing near it."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files

import jsonschema
import pytest

from hfci.checks.inertness import inert_rules

NAMES = {
    "layer.0.attention.self.key.bias",
    "layer.0.attention.self.query.weight",
    "layer.0.self_attn.k_proj.bias",
    "layer.0.self_attn.q_proj.weight",
    "layer.1.store.key.bias",
    "layer.0.attention.self.layout_key.bias",
    "layer.0.attention.self.layout_query.weight",
    "tower.head.probe",
    "vqmodel.encoder.norm_out.weight",
}


def test_the_rules_follow_their_schema() -> None:
    data = files("hfci.checks") / "data"
    schema = json.loads((data / "inert.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads((data / "inert.toml").read_text(encoding="utf-8")), schema)


def test_rules_have_names_of_their_own() -> None:
    names = [rule.name for rule in inert_rules()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("parameter", "rule"),
    [
        ("layer.0.attention.self.key.bias", "key bias"),
        ("layer.0.self_attn.k_proj.bias", "k bias"),
        ("layer.0.attention.self.query.bias", None),
        ("layer.0.self_attn.k_proj.weight", None),
        ("layer.1.store.key.bias", None),  # no query beside it
        ("block.mlp.experts.3.w1.weight", "expert"),
        ("block.mlp.experts.gate_up_proj", None),
        ("embeddings.mask_token", "mask token"),
        ("block.mlp.experts.expert_3.wi.weight", "expert"),
        ("layer.0.attention.self.layout_key.bias", "key bias"),
        ("layers.0.self_attn.indexer.wk.weight", "indexer"),
        ("tower.post_layernorm.bias", "last norm of a tower"),
        ("post_layernorm.bias", None),  # of the model itself
        ("tower.head.mlp.fc1.weight", "pooling head"),
        ("lm.head.mlp.fc1.weight", None),  # no probe beside it
        ("denoising_class_embed.weight", "denoising classes"),
        ("duration_predictor.conv_proj.bias", "durations"),
        ("vqmodel.encoder.mid.block_1.conv1.bias", "bias before a norm"),
        ("vqmodel.encoder.mid.block_1.conv1.weight", None),
        ("unet.encoder.mid.conv1.bias", None),  # no last norm beside it
        ("encoder.pooler.dense.bias", "pooler"),
        ("pooler.dense.bias", None),  # of the model itself: promised in its outputs
    ],
)
def test_what_a_rule_speaks_of(parameter: str, rule: str | None) -> None:
    found = [row.name for row in inert_rules() if row.matches(parameter, NAMES)]
    assert found == ([rule] if rule else [])
