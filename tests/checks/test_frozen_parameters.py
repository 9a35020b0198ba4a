"""What a recipe says of frozen parameters and of modes is proven on the model; a claim that does not hold is red."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertModel

from hfci import checks
from hfci.checks.exceptions import names_excepted, reason
from hfci.checks.frozen_parameters import LIFTS, lifted
from hfci.tiny import TinyModel, build_tiny

from .breaking import broken, only_red, reds, with_exception

CHECK = "gradients_reach_every_parameter"
PATH = "encoder.layer.0.intermediate.dense"
FROZEN = {r"encoder\.layer\.0\.intermediate\.dense\..*": "it is frozen for the test"}


@pytest.fixture
def bert() -> TinyModel:
    return build_tiny("bert", "BertModel")


class WithoutGradients(nn.Linear):
    @torch.no_grad()
    def forward(self, hidden: Tensor) -> Tensor:
        return super().forward(hidden)


class DetachedWeights(nn.Linear):
    def forward(self, hidden: Tensor) -> Tensor:
        return functional.linear(hidden, self.weight.detach(), torch.detach(self.bias))


class WithoutGradientsBeforeRounding(nn.Linear):
    """What is rounded straight through has a gradient because of a `detach`, which must stay."""

    def forward(self, hidden: Tensor) -> Tensor:
        with torch.no_grad():
            given = super().forward(hidden)
        return given + (given.round() - given).detach()


class Replaced(nn.Linear):
    """Nothing that the weights give is used, so lifting cuts brings no gradient either."""

    @torch.no_grad()
    def forward(self, hidden: Tensor) -> Tensor:
        return super().forward(hidden).argsort(-1).to(hidden.dtype)


def swapped(replacement: type[nn.Module]) -> Any:
    def swap(model: nn.Module) -> None:
        model.get_submodule(PATH).__class__ = replacement

    return swap


@pytest.mark.parametrize("cut", [WithoutGradients, DetachedWeights, WithoutGradientsBeforeRounding])
def test_frozen_parameters_are_red_unless_the_recipe_names_them(bert: TinyModel, cut: type[nn.Module]) -> None:
    tiny = broken(bert, swapped(cut))
    assert f"{PATH}.weight: largest 0.0e+00, none at all" in only_red(tiny, CHECK)
    assert reds(with_exception(tiny, frozen=FROZEN)) == {}


def test_a_claim_of_frozen_that_a_gradient_refutes(bert: TinyModel) -> None:
    message = only_red(with_exception(bert, frozen=FROZEN), CHECK)
    assert message == (
        f"an exception says that these are frozen, and a gradient reaches them: {PATH}.weight, {PATH}.bias"
    )


def test_frozen_does_not_hide_what_no_lifted_cut_reaches(bert: TinyModel) -> None:
    message = only_red(with_exception(broken(bert, swapped(Replaced)), frozen=FROZEN), CHECK)
    assert f"{PATH}.weight: largest 0.0e+00, none at all" in message


def test_cuts_are_there_again_afterwards() -> None:
    weight = torch.ones(1, requires_grad=True)
    for cuts, detached in zip(LIFTS, (False, True), strict=True):
        with lifted(cuts):
            with torch.no_grad():
                assert (weight * 2).requires_grad
            assert weight.detach().requires_grad is detached
            assert torch.detach(weight).requires_grad is detached
    with torch.no_grad():
        assert not (weight * 2).requires_grad
    assert not weight.detach().requires_grad
    assert torch.is_grad_enabled()


# --- modes


def in_inference_mode(self: BertModel, *arguments: Any, **options: Any) -> Any:
    with torch.inference_mode():
        return BertModel.forward(self, *arguments, **options)


def test_a_forward_for_inference_only(bert: TinyModel) -> None:
    tiny = broken(bert, forward=in_inference_mode)
    assert only_red(tiny, CHECK) == "no output of BertModel is differentiable"
    with pytest.raises(checks.NotApplicable, match="it is meant so"):
        checks.gradients_reach_every_parameter(with_exception(tiny, inference_only="it is meant so"))


@pytest.mark.parametrize("without_gradients", [False, True])
def test_a_claim_of_inference_only_that_does_not_hold(bert: TinyModel, without_gradients: bool) -> None:
    tiny = broken(bert, forward=torch.no_grad()(BertModel.forward)) if without_gradients else bert
    message = only_red(with_exception(tiny, inference_only="it is meant so"), CHECK)
    assert message.startswith("an exception says that the forward is for inference only, and outside inference mode")
    assert "last_hidden_state" in message


def for_training_only(self: BertModel, *arguments: Any, **options: Any) -> Any:
    outputs = BertModel.forward(self, *arguments, **options)
    if not self.training:
        # In place, into what backward needs.
        self.state = outputs.last_hidden_state.exp()
        outputs.last_hidden_state = self.state + 0
        self.state.zero_()
    return outputs


def test_a_model_that_only_train_mode_differentiates(bert: TinyModel) -> None:
    tiny = broken(bert, forward=for_training_only)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        checks.gradients_reach_every_parameter(tiny)
    assert reds(with_exception(tiny, train_mode="it is meant so")) == {}
    assert not any(module.training for module in tiny.model.modules())


def test_a_claim_of_train_mode_that_does_not_hold(bert: TinyModel) -> None:
    message = only_red(with_exception(bert, train_mode="it is meant so"), CHECK)
    assert message == "an exception says that train mode alone can be differentiated, and eval mode can"


def test_train_mode_does_not_hide_a_parameter_without_a_gradient(bert: TinyModel) -> None:
    tiny = with_exception(
        broken(bert, swapped(DetachedWeights), forward=for_training_only), train_mode="it is meant so"
    )
    assert f"{PATH}.weight: largest 0.0e+00, none at all" in only_red(tiny, CHECK)


@pytest.mark.parametrize(
    ("model_type", "kind"), [("layoutlmv3", "frozen"), ("rwkv", "train_mode"), ("reformer", "train_mode")]
)
def test_real_models_that_a_recipe_speaks_of(model_type: str, kind: str) -> None:
    tiny = build_tiny(model_type)
    assert names_excepted(tiny, CHECK, kind) if kind == "frozen" else reason(tiny, CHECK, kind)
    checks.gradients_reach_every_parameter(tiny)


def test_what_is_frozen_in_a_part_is_frozen_in_the_whole() -> None:
    tiny = build_tiny("layoutlmv3", "LayoutLMv3ForTokenClassification")
    assert r"layoutlmv3\.(?:encoder\.rel_pos(|_x|_y)_bias\.weight)" in names_excepted(tiny, CHECK, "frozen")
    checks.gradients_reach_every_parameter(tiny)
