"""The rules for inert parameters name what they are meant to, nothing near it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from hfci.checks.inert_parameters import unproven
from hfci.checks.inert_rules import InertFile, InertRule, inert_rules
from hfci.errors import UsageError
from hfci.parsing import read_toml
from hfci.tiny import TinyModel, recipe_for

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
FED = {"input_ids"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("beside", "besdie", "rule[0] (key bias): unknown key 'besdie'. Did you mean beside?"),
        ('"any size"', '"any"', "rule[0] (key bias): proof must be one of any size, small step, not 'any'"),
        ("(key)", "(key", "rule[0] (key bias): parameter: '(key.bias' is no pattern: missing )"),
        ('why = "it changes nothing"\n', "", "rule[0] (key bias) lacks why"),
    ],
)
def test_a_wrong_rule_is_an_error_with_file_and_row(tmp_path: Path, old: str, new: str, said: str) -> None:
    rule = 'name = "key bias"\nwhy = "it changes nothing"\nparameter = "(key).bias"\nbeside = "q"\nproof = "any size"\n'
    path = tmp_path / "inert.toml"
    assert old in rule
    path.write_text("schema = 1\n[[rule]]\n" + rule.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read_toml(path, InertFile, "the rules of inert parameters")
    assert str(error.value).startswith(f"{path}: {said}")


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
    found = [row.name for row in inert_rules() if row.matches(parameter, NAMES, FED)]
    assert found == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("output", "stored"),
    [
        ("past_key_values.layers[0].indexer_keys", True),  # up to transformers 5.23
        ("cache.layers[0].indexer_keys", True),
        ("cache.layers[0].keys", False),
        ("last_hidden_state", False),
    ],
)
def test_where_an_indexer_stores_its_keys_is_known_by_the_field_not_by_what_holds_it(output: str, stored: bool) -> None:
    rule = next(rule for rule in inert_rules() if rule.name == "indexer")
    assert rule.stored is not None
    assert bool(rule.stored.fullmatch(output)) == stored


class Storing(torch.nn.Module):
    """Gives its weight, the same once more where it is stored, and which of its numbers are above 0."""

    def __init__(self, *, bare: bool = False) -> None:
        super().__init__()
        self.weight, self.bare = torch.nn.Parameter(torch.ones(64)), bare

    def forward(self) -> torch.Tensor | dict[str, torch.Tensor]:
        weight = self.weight * 1
        return weight if self.bare else {"store": weight, "state": self.weight * 1, "choice": self.weight > 0}


@pytest.mark.parametrize(
    ("stored", "bare", "moved"),
    [
        ("store|state", False, {}),
        ("store", False, {"weight": "state"}),
        ("sto", False, {"weight": "store"}),
        (None, False, {"weight": "store"}),
        (None, True, {"weight": ""}),
    ],
)
def test_only_what_a_rule_says_is_stored_may_move(stored: str | None, bare: bool, moved: dict[str, str]) -> None:
    rule = InertRule("store", "it is stored", re.compile("weight"), "small step", stored=stored and re.compile(stored))
    tiny = TinyModel("bert", "BertModel", Storing(bare=bare), recipe_for("bert"), torch.device("cpu"))
    tiny.inputs = lambda *_: {}  # type: ignore[method-assign]
    tiny.forward = lambda *_: tiny.model()  # type: ignore[method-assign]
    assert unproven(tiny, {"weight": rule}) == moved


class Choosing(torch.nn.Module):
    """Two indexers, of which only the first one's weights, moved far enough, change what is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(
            torch.nn.ModuleDict({"indexer": torch.nn.BatchNorm1d(64, track_running_stats=False)}) for _ in range(2)
        )

    def forward(self) -> dict[str, torch.Tensor]:
        first, second = (layer["indexer"] for layer in self.layers)
        return {"chosen": first.weight > 0, "cache.layers[1].indexer_keys": second.weight + second.bias}


def test_what_is_said_to_act_through_a_choice_must_act() -> None:
    tiny = TinyModel("bert", "BertModel", Choosing(), recipe_for("bert"), torch.device("cpu"))
    tiny.inputs = lambda *_: {}  # type: ignore[method-assign]
    tiny.forward = lambda *_: tiny.model()  # type: ignore[method-assign]
    rule = next(rule for rule in inert_rules() if rule.name == "indexer")
    idle = unproven(tiny, {name: rule for name, _ in tiny.model.named_parameters()})
    # the first one's bias does nothing, but stands beside a weight that does
    assert idle == {
        f"layers.1.indexer.{name}": "nothing, by its own size either, so it chooses nothing"
        for name in ("weight", "bias")
    }
