"""Each smoke check alone is red on a real model broken on purpose; its message says what and where."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertModel, GPT2LMHeadModel

from hfci import checks
from hfci.catalog.outputs import output_fields
from hfci.tiny import TinyModel, build_tiny

from .breaking import broken, only_red, reds, with_exception, with_recipe


@pytest.fixture
def bert() -> TinyModel:
    return build_tiny("bert", "BertModel")


def edited_output(edit: Any) -> Any:
    """Return a forward that edits BertModel's `last_hidden_state` before it is returned."""

    def forward(self: BertModel, *arguments: Any, **inputs: Any) -> Any:
        outputs = BertModel.forward(self, *arguments, **inputs)
        outputs.last_hidden_state = edit(outputs.last_hidden_state)
        return outputs

    return forward


# --- builds_tiny


def test_over_budget(bert: TinyModel) -> None:
    message = only_red(with_recipe(bert, budget=1_000), "builds_tiny")
    assert f"{bert.parameters:,} parameters, 1,000 allowed" in message
    assert "embeddings.word_embeddings.weight (" in message


def test_another_class_than_asked_for(bert: TinyModel) -> None:
    bert.architecture = "BertForMaskedLM"
    assert only_red(bert, "builds_tiny") == "asked for BertForMaskedLM, got a BertModel"


def test_training_mode(bert: TinyModel) -> None:
    bert.model.pooler.train()
    assert "not in eval mode: pooler" in reds(bert)["builds_tiny"]


def test_weights_never_filled(bert: TinyModel) -> None:
    nn.init.ones_(bert.model.embeddings.LayerNorm.weight)
    assert only_red(bert, "builds_tiny") == "parameters hold one value throughout: embeddings.LayerNorm.weight"


def test_weights_that_are_not_finite(bert: TinyModel) -> None:
    with torch.no_grad():
        bert.model.pooler.dense.bias[3] = float("inf")
    size = bert.config.hidden_size
    assert f"pooler.dense.bias (1 of {size})" in reds(bert)["builds_tiny"]


# --- forward_is_finite


def test_nan_in_one_place(bert: TinyModel) -> None:
    def edit(hidden: Tensor) -> Tensor:
        hole = torch.zeros_like(hidden, dtype=torch.bool)
        hole[:, 2, 1] = True
        return hidden.masked_fill(hole, float("nan"))

    message = only_red(broken(bert, forward=edited_output(edit)), "forward_is_finite")
    assert "last_hidden_state (2, " in message
    assert ": 2 of " in message
    assert "(2 NaN)" in message


def test_infinity_deep_inside_a_cache() -> None:
    cache = output_fields(GPT2LMHeadModel)["cache"]

    def forward(self: GPT2LMHeadModel, *arguments: Any, **inputs: Any) -> Any:
        outputs = GPT2LMHeadModel.forward(self, *arguments, **inputs)
        layer = outputs[cache].layers[0]
        hole = torch.zeros_like(layer.values, dtype=torch.bool)
        hole[:, :, -1, 0] = True
        layer.values = layer.values.masked_fill(hole, float("inf"))
        return outputs

    message = only_red(broken(build_tiny("gpt2", "GPT2LMHeadModel"), forward=forward), "forward_is_finite")
    assert f"{cache}.layers[0].values" in message
    assert "(0 NaN)" in message


# --- forward_is_deterministic


def noisy(hidden: Tensor) -> Tensor:
    return hidden * (1 + 1e-3 * torch.rand(()))


def test_noise_in_the_forward(bert: TinyModel) -> None:
    message = only_red(broken(bert, forward=edited_output(noisy)), "forward_is_deterministic")
    assert "two forwards of the same inputs differ: last_hidden_state by " in message


def test_noise_by_design_is_green(bert: TinyModel) -> None:
    assert reds(with_exception(broken(bert, forward=edited_output(noisy)), draws="draws a scale")) == {}


def test_noise_that_a_seed_does_not_fix(bert: TinyModel) -> None:
    calls: list[int] = []

    def edit(hidden: Tensor) -> Tensor:
        calls.append(1)
        return hidden + 1e-3 * len(calls)

    tiny = with_exception(broken(bert, forward=edited_output(edit)), draws="draws a scale")
    assert "differ although the seed was reset: last_hidden_state" in reds(tiny)["forward_is_deterministic"]


def test_changed_inputs(bert: TinyModel) -> None:
    def forward(self: BertModel, input_ids: Tensor, **inputs: Any) -> Any:
        outputs = BertModel.forward(self, input_ids=input_ids, **inputs)
        if not torch.is_grad_enabled():  # a backward would refuse
            input_ids[:, 0] = 0
        return outputs

    assert only_red(broken(bert, forward=forward), "forward_is_deterministic") == (
        "the forward changed its inputs: input_ids"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_masked_field_may_hold_minus_infinity_only(bert: TinyModel, value: float) -> None:
    def edit(hidden: Tensor) -> Tensor:
        hidden = hidden.clone()
        hidden[:, 0] = value
        return hidden

    broken_bert = broken(bert, forward=edited_output(edit))
    with pytest.raises(AssertionError, match="last_hidden_state"):
        checks.forward_is_finite(broken_bert)
    masked = with_exception(broken_bert, masked_outputs={"last_hidden_state": "its first token is masked"})
    if value == float("-inf"):
        checks.forward_is_finite(masked)
    else:
        with pytest.raises(AssertionError, match="last_hidden_state"):
            checks.forward_is_finite(masked)


# --- batch_is_independent


@pytest.mark.parametrize("share", [1e-3, 1.0])
def test_rows_that_leak_into_each_other(bert: TinyModel, share: float) -> None:
    def edit(hidden: Tensor) -> Tensor:
        return hidden + share * hidden.flip(0)

    message = only_red(broken(bert, forward=edited_output(edit)), "batch_is_independent")
    assert "rows depend on the batch they are in: last_hidden_state row 0 by " in message
    assert "last_hidden_state row 1 by " in message
    assert "pooler_output" not in message


def test_rows_that_leak_in_float32_only(bert: TinyModel) -> None:
    def edit(hidden: Tensor) -> Tensor:
        return hidden + 0.1 * hidden.flip(0) if hidden.dtype is torch.float32 else hidden

    message = only_red(broken(bert, forward=edited_output(edit)), "batch_is_independent")
    assert "last_hidden_state row 0 by " in message


def test_amplified_float_error_is_no_leak(bert: TinyModel) -> None:
    def edit(hidden: Tensor) -> Tensor:
        # beside another row it goes through a sum with that row, whose rounding is then made a thousand times larger
        rounding = (hidden + hidden.flip(0)) - hidden.flip(0) - hidden if len(hidden) > 1 else 0 * hidden
        return hidden + 3e3 * rounding

    amplifying = broken(bert, forward=edited_output(edit))
    with torch.no_grad():
        beside, alone = (amplifying.forward(amplifying.inputs(rows)).last_hidden_state[0] for rows in ((0, 1), (0,)))
    assert (beside - alone).abs().max() > 1e-4 * alone.abs().max()
    checks.batch_is_independent(amplifying)


def test_rows_that_leak_in_a_flattened_output(bert: TinyModel) -> None:
    def edit(hidden: Tensor) -> Tensor:
        return (hidden + 1e-3 * hidden.flip(0)).flatten(0, 1)

    message = only_red(broken(bert, forward=edited_output(edit)), "batch_is_independent")
    assert "last_hidden_state row 1 by " in message


def test_flattened_and_time_first_outputs_are_green(bert: TinyModel) -> None:
    assert reds(broken(bert, forward=edited_output(lambda hidden: hidden.flatten(0, 1)))) == {}
    assert reds(broken(build_tiny("bert"), forward=edited_output(lambda hidden: hidden.transpose(0, 1)))) == {}


def test_an_output_without_a_row_dimension(bert: TinyModel) -> None:
    tiny = broken(bert, forward=edited_output(lambda hidden: hidden.mean()))
    assert "last_hidden_state row 0 by " in only_red(tiny, "batch_is_independent")
    assert reds(with_exception(tiny, mixing_outputs={"last_hidden_state": "a mean over the batch"})) == {}


def test_an_output_that_does_not_grow_with_the_batch(bert: TinyModel) -> None:
    message = only_red(
        broken(bert, forward=edited_output(lambda hidden: hidden[:, :1].flatten()[:3])),
        "batch_is_independent",
    )
    assert "last_hidden_state row " in message


def test_rows_that_leak_beside_noise_by_design(bert: TinyModel) -> None:
    def edit(hidden: Tensor) -> Tensor:
        return hidden + 1e-3 * hidden.flip(0) + 0.1 * torch.randn_like(hidden)

    tiny = with_exception(broken(bert, forward=edited_output(edit)), draws="adds noise")
    assert "last_hidden_state row 0 by " in only_red(tiny, "batch_is_independent")


def test_rows_without_difference(bert: TinyModel) -> None:
    class SameRows(TinyModel):
        def inputs(self, rows: Any = (0, 1)) -> dict[str, Any]:
            return super().inputs([0 for _ in rows])

    bert.__class__ = SameRows
    assert "the two rows give the same outputs" in only_red(bert, "batch_is_independent")


def test_rows_mixed_by_design_do_not_apply(bert: TinyModel) -> None:
    with pytest.raises(checks.NotApplicable, match="normalises over the batch"):
        checks.batch_is_independent(with_exception(bert, "batch_is_independent", not_asked="normalises over the batch"))


def test_interleaved_rows_are_red_unless_the_recipe_says_so(bert: TinyModel) -> None:
    # (rows, length, width) as (parts of a length * rows, width)
    tiny = broken(bert, forward=edited_output(lambda hidden: hidden.transpose(0, 1).flatten(0, 1)))
    assert "last_hidden_state row 0" in reds(tiny)["batch_is_independent"]
    stated = {"last_hidden_state": "the parts of a length stand before rows"}
    assert reds(with_exception(tiny, interleaved_outputs=stated)) == {}


def test_a_claim_of_interleaved_rows_that_does_not_hold(bert: TinyModel) -> None:
    tiny = broken(bert, forward=edited_output(lambda hidden: hidden.flatten(0, 1)))
    stated = {"last_hidden_state": "the parts of a length stand before rows"}
    assert "last_hidden_state row 0" in only_red(
        with_exception(tiny, interleaved_outputs=stated), "batch_is_independent"
    )


# --- save_load_roundtrip

UNSAVED = "encoder.layer.0.output.dense.weight"


def without_unsaved(self: BertModel, *arguments: Any, **options: Any) -> None:
    weights = self.state_dict()
    del weights[UNSAVED]
    BertModel.save_pretrained(self, *arguments, state_dict=weights, **options)


def test_a_weight_that_is_not_saved(bert: TinyModel) -> None:
    message = only_red(broken(bert, save_pretrained=without_unsaved), "save_load_roundtrip")
    assert message == f"loading what was just saved reports missing keys: {UNSAVED}"


def test_a_weight_that_is_silently_not_saved(bert: TinyModel) -> None:
    tiny = broken(bert, save_pretrained=without_unsaved, _keys_to_ignore_on_load_missing=[UNSAVED])
    message = only_red(tiny, "save_load_roundtrip")
    assert f"weights changed on the way through the file: {UNSAVED} by " in message


def test_an_untied_head() -> None:
    def untie(self: GPT2LMHeadModel, *arguments: Any, **options: Any) -> None:
        GPT2LMHeadModel.tie_weights(self, *arguments, **options)
        self.lm_head.weight = nn.Parameter(self.lm_head.weight.detach().clone())

    tiny = broken(build_tiny("gpt2", "GPT2LMHeadModel"), tie_weights=untie)
    message = only_red(tiny, "save_load_roundtrip")
    assert "lost lm_head.weight = transformer.wte.weight" in message


def test_weights_in_another_format(bert: TinyModel) -> None:
    def save(self: BertModel, folder: str, **options: Any) -> None:
        BertModel.save_pretrained(self, folder, **options)
        torch.save({}, f"{folder}/pytorch_model.bin")

    message = only_red(broken(bert, save_pretrained=save), "save_load_roundtrip")
    assert message == "saving wrote more than safetensors and JSON: pytorch_model.bin"


def test_outputs_that_depend_on_what_is_not_saved(bert: TinyModel) -> None:
    bert.model.scale = 2.0

    def forward(self: BertModel, *arguments: Any, **inputs: Any) -> Any:
        outputs = BertModel.forward(self, *arguments, **inputs)
        outputs.last_hidden_state = outputs.last_hidden_state * getattr(self, "scale", 1.0)
        return outputs

    message = only_red(broken(bert, forward=forward), "save_load_roundtrip")
    assert "the loaded model gives other outputs: last_hidden_state by 5.0e-01" in message


# --- gradients_reach_every_parameter


class DetachedNorm(nn.LayerNorm):
    def forward(self, hidden: Tensor) -> Tensor:
        return functional.layer_norm(hidden, self.normalized_shape, self.weight.detach(), self.bias, self.eps)


class CancellingBias(nn.Linear):
    """The bias cancels: mathematically without effect, in floats with a gradient of some 1e-7."""

    def forward(self, hidden: Tensor) -> Tensor:
        return functional.linear(hidden, self.weight, self.bias * 0.7 / 0.7 - self.bias)


class FaintBias(nn.Linear):
    """The bias has a steady gradient, but of 1e-7 of its size."""

    def forward(self, hidden: Tensor) -> Tensor:
        return functional.linear(hidden, self.weight, 1e-8 * self.bias)


class DetachedKey(nn.Linear):
    """A key projection with a bias that does matter (it scales the keys) and that was detached."""

    def forward(self, hidden: Tensor) -> Tensor:
        return functional.linear(hidden, self.weight) * (1 + self.bias.detach())


def swapped(path: str, replacement: type[nn.Module]) -> Any:
    def swap(model: nn.Module) -> None:
        model.get_submodule(path).__class__ = replacement

    return swap


def test_a_detached_parameter(bert: TinyModel) -> None:
    tiny = broken(bert, swapped("embeddings.LayerNorm", DetachedNorm))
    message = only_red(tiny, "gradients_reach_every_parameter")
    assert message.startswith("1 of ")
    assert "embeddings.LayerNorm.weight: largest 0.0e+00, none at all" in message


@pytest.mark.parametrize(
    ("replacement", "why"), [(CancellingBias, "rounding error: "), (FaintBias, "below float error")]
)
def test_a_gradient_that_is_only_noise(bert: TinyModel, replacement: type[nn.Module], why: str) -> None:
    path = "encoder.layer.0.intermediate.dense"
    message = only_red(broken(bert, swapped(path, replacement)), "gradients_reach_every_parameter")
    assert message.startswith("1 of ")
    assert f"{path}.bias: largest " in message
    assert why in message


def test_a_rule_does_not_hide_a_detached_parameter(bert: TinyModel) -> None:
    path = "encoder.layer.0.attention.self.key"
    message = only_red(broken(bert, swapped(path, DetachedKey)), "gradients_reach_every_parameter")
    assert f"{path}.bias: largest 0.0e+00" in message
    assert "the rule 'key bias' does not hold: moving the parameter changes " in message


def test_an_output_list_with_an_entry_a_row_is_green(bert: TinyModel) -> None:
    assert reds(broken(bert, forward=edited_output(lambda hidden: list(hidden.split(1))))) == {}


def test_scores_of_every_row_for_every_row_are_green_on_the_diagonal(bert: TinyModel) -> None:
    def edit(hidden: Tensor) -> Tensor:
        return hidden.flatten(1) @ hidden.flatten(1).T

    assert reds(broken(bert, forward=edited_output(edit))) == {}


def test_the_recipe_names_what_is_inert(bert: TinyModel) -> None:
    path = "encoder.layer.0.intermediate.dense"
    tiny = broken(bert, swapped(path, CancellingBias))
    assert reds(with_exception(tiny, inert={r"encoder\.layer\.0\.intermediate\.dense\.bias": "it cancels"})) == {}


def test_the_recipe_does_not_hide_a_detached_parameter(bert: TinyModel) -> None:
    tiny = broken(bert, swapped("embeddings.LayerNorm", DetachedNorm))
    message = only_red(with_exception(tiny, inert={r".*LayerNorm\.weight": "wrong"}), "gradients_reach_every_parameter")
    assert "embeddings.LayerNorm.weight" in message
    assert "the rule 'exception' does not hold" in message


def test_an_indexer_chooses_in_a_tiny_model() -> None:
    assert reds(build_tiny("deepseek_v32", "DeepseekV32Model")) == {}


def test_an_indexer_whose_choice_is_not_heard() -> None:
    tiny = build_tiny("deepseek_v32", "DeepseekV32Model")
    tiny.model.layers[0].self_attn.indexer.index_topk = tiny.config.index_topk = 2048
    tiny.model.layers[1].self_attn.indexer.index_topk = 2048
    message = only_red(tiny, "gradients_reach_every_parameter")
    assert "layers.0.self_attn.indexer.wk.weight: largest 0.0e+00, none at all; the rule 'indexer' does not" in message
    assert "so it chooses nothing" in message


def test_a_gradient_that_is_not_finite(bert: TinyModel) -> None:
    def edit(hidden: Tensor) -> Tensor:
        # sqrt(0) is 0, its gradient is not.
        return hidden + (hidden - hidden).sqrt()

    message = only_red(broken(bert, forward=edited_output(edit)), "gradients_reach_every_parameter")
    assert message.startswith("gradients are not finite: ")


def test_masks_do_not_make_the_rest_of_an_output_look_small(bert: TinyModel) -> None:
    def edit(hidden: Tensor) -> Tensor:
        masked = torch.zeros_like(hidden, dtype=torch.bool)
        masked[..., ::2] = True
        return hidden.masked_fill(masked, -1e9)

    assert "gradients_reach_every_parameter" not in reds(broken(bert, forward=edited_output(edit)))


def test_a_forward_without_gradients(bert: TinyModel) -> None:
    tiny = broken(bert, forward=torch.no_grad()(BertModel.forward))
    assert only_red(tiny, "gradients_reach_every_parameter") == "no output of BertModel is differentiable"


def test_the_model_is_left_as_it_was(bert: TinyModel) -> None:
    before = {name: tensor.clone() for name, tensor in bert.model.state_dict().items()}
    checks.gradients_reach_every_parameter(bert)
    after = bert.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.grad is None for parameter in bert.model.parameters())
