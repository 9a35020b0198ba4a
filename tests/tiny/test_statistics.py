"""Norms keep the statistics of what reaches them; what cannot be measured is left as it is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hfci.tiny import build_tiny
from hfci.tiny.statistics import measure_statistics


class Stack(nn.Module):
    """A convolution that enlarges, a norm, and one that is never reached."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.norm, self.idle = nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.BatchNorm2d(8)
        nn.init.normal_(self.before.weight, std=20.0)
        self.before.bias = nn.Parameter(torch.full((8,), 50.0))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        normed: torch.Tensor = self.norm(self.before(pixels))
        return normed


def pixels() -> torch.Tensor:
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_a_norm_gives_what_it_is_named_for() -> None:
    model = Stack().eval()
    assert model(pixels()).mean() > 10
    measure_statistics(model, lambda double: double(pixels()))
    normed = model(pixels()).detach()
    assert normed.mean().abs() < 1e-3
    assert normed.var() == pytest.approx(1, abs=0.1)


def test_the_numbers_that_were_filled_in_stay_beside_those_that_are_measured() -> None:
    model = Stack().eval()
    model.norm.running_mean = torch.full((8,), 0.5)
    model.norm.running_var = torch.full((8,), 4.0)
    measure_statistics(model, lambda double: double(pixels()))
    normed = model(pixels()).detach()
    assert normed.mean() == pytest.approx(-0.25, abs=1e-3)
    assert normed.var() == pytest.approx(0.25, abs=0.05)


def test_a_norm_that_is_not_reached_and_a_failure_leave_things_as_they_are() -> None:
    model = Stack().eval()
    measure_statistics(model, lambda double: double(torch.zeros(2, 5, 8, 8)))
    for norm in (model.norm, model.idle):
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert torch.equal(norm.running_mean, torch.zeros(8))
        assert torch.equal(norm.running_var, torch.ones(8))


def test_the_model_itself_is_not_run_and_random_numbers_are_left_alone() -> None:
    model, state = Stack().eval(), torch.get_rng_state()
    ran = set()

    def run(double: nn.Module) -> None:
        ran.add(double)
        torch.rand(1)
        double(pixels())

    measure_statistics(model, run)
    assert len(ran) == 1
    assert model not in ran
    assert not model.norm._forward_pre_hooks
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("model_type", ["mobilenet_v2", "align"])
def test_a_deep_stack_of_norms_tells_pictures_apart(model_type: str) -> None:
    """Measured: 0.57 and 0.76 of the outputs' length; without `measure_statistics` 2e-3 and 5e-7."""
    tiny = build_tiny(model_type)
    with torch.no_grad():
        outputs = tiny.forward(tiny.inputs())
    states = outputs.image_embeds if model_type == "align" else outputs.pooler_output
    assert (states[0] - states[1]).norm() > 0.1 * states.norm()
