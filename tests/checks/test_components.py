"""A part without a class of its own must run within its parent, give finite numbers, and matter."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hfci.checks.components import component_is_exercised
from hfci.tiny import TinyModel, build_tiny
from hfci.tiny.parts import host_of, part_inputs, part_modules

from .breaking import broken


@pytest.fixture
def gemma() -> TinyModel:
    return build_tiny("t5gemma", "T5GemmaModel")


@pytest.fixture
def idefics() -> TinyModel:
    return build_tiny("idefics", "IdeficsModel")


# --- which modules are a part's


def test_modules_that_are_handed_the_configuration(gemma: TinyModel) -> None:
    modules = part_modules(gemma, "t5_gemma_module")
    assert list(modules) == ["encoder", "decoder"]
    assert modules["encoder"] is gemma.model.encoder


def test_a_module_that_is_handed_fields_of_it(idefics: TinyModel) -> None:
    assert list(part_modules(idefics, "idefics_perciever")) == ["perceiver_resampler"]


def test_one_that_reads_a_width_is_no_part_of_it(idefics: TinyModel) -> None:
    # the cross attention reads how wide the vision model is, and is not made of its configuration
    assert list(part_modules(idefics, "idefics_vision")) == ["vision_model"]


def test_a_module_that_reads_the_configuration_out_of_the_whole() -> None:
    assert list(part_modules(build_tiny("sam"), "sam_prompt_encoder")) == ["prompt_encoder"]


def test_a_model_without_the_part_has_none_of_its_modules(gemma: TinyModel) -> None:
    assert part_modules(gemma, "sam_prompt_encoder") == {}
    with pytest.raises(AssertionError, match="no module that is built from the configuration of sam_prompt_encoder"):
        component_is_exercised(gemma, "sam_prompt_encoder")


def test_building_again_leaves_the_model_and_the_profiler_alone(gemma: TinyModel) -> None:
    import sys

    before = {name: tensor.clone() for name, tensor in gemma.model.state_dict().items()}
    state = torch.random.get_rng_state()
    part_modules(gemma, "t5_gemma_module")
    assert all(torch.equal(before[name], tensor) for name, tensor in gemma.model.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state())
    assert sys.getprofile() is None


def test_the_host_is_the_first_architecture_that_has_the_part() -> None:
    # the base model of sapiens2 has no head
    model_type, architecture = host_of("sapiens2_head")
    assert model_type == "sapiens2"
    assert architecture != "Sapiens2Model"
    assert host_of("sam_prompt_encoder") == ("sam", "SamModel")
    assert host_of("nougat") is None


def test_a_part_says_what_its_parent_is_fed_besides() -> None:
    sam = build_tiny("sam3")
    assert "input_boxes" not in sam.inputs()
    assert part_inputs(sam, "sam3_geometry_encoder")["input_boxes"].shape == (2, 1, 4)


# --- the check


@pytest.mark.parametrize(
    "part", ["t5_gemma_module", "idefics_perciever", "idefics_vision", "sam_prompt_encoder", "sapiens2_head"]
)
def test_parts_that_take_part_are_green(part: str) -> None:
    component_is_exercised(build_tiny(*host_of(part)), part)


def replaced(path: str, forward: Any) -> Any:
    """Return what gives the module at `path` another forward, by a class of its own."""

    def replace(model: nn.Module) -> None:
        module = model.get_submodule(path)
        kind = type(module)
        module.__class__ = type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})

    return replace


def test_a_part_that_is_skipped(idefics: TinyModel) -> None:
    whole = type(idefics.model)

    def forward(self: Any, *arguments: Any, **inputs: Any) -> Any:
        resampler = self._modules.pop("perceiver_resampler")
        self.perceiver_resampler = lambda states: states[:, :8, : resampler.latents.shape[-1]]
        try:
            return whole.forward(self, *arguments, **inputs)
        finally:
            del self.perceiver_resampler
            self.perceiver_resampler = resampler

    with pytest.raises(AssertionError, match="never runs perceiver_resampler, of idefics_perciever"):
        component_is_exercised(broken(idefics, forward=forward), "idefics_perciever")


def test_a_part_that_gives_nan(idefics: TinyModel) -> None:
    kind = type(idefics.model.perceiver_resampler)

    def forward(self: Any, context: Tensor) -> Tensor:
        return kind.forward(self, context) * float("nan")

    tiny = broken(idefics, replaced("perceiver_resampler", forward))
    with pytest.raises(AssertionError, match=r"idefics_perciever give is not finite: perceiver_resampler \(\d+ of"):
        component_is_exercised(tiny, "idefics_perciever")


def test_a_part_whose_output_is_thrown_away(idefics: TinyModel) -> None:
    kind = type(idefics.model.perceiver_resampler)

    def forward(self: Any, context: Tensor) -> Tensor:
        return torch.ones_like(kind.forward(self, context))

    tiny = broken(idefics, replaced("perceiver_resampler", forward))
    with pytest.raises(AssertionError, match="moving the parameters of perceiver_resampler, of idefics_perciever"):
        component_is_exercised(tiny, "idefics_perciever")


def test_one_of_two_modules_that_does_not_matter(gemma: TinyModel) -> None:
    kind = type(gemma.model.encoder)

    def forward(self: Any, *arguments: Any, **inputs: Any) -> Any:
        outputs = kind.forward(self, *arguments, **inputs)
        outputs.last_hidden_state = torch.ones_like(outputs.last_hidden_state)
        return outputs

    tiny = broken(gemma, replaced("encoder", forward))
    with pytest.raises(AssertionError, match="moving the parameters of encoder, of t5_gemma_module"):
        component_is_exercised(tiny, "t5_gemma_module")


def test_the_model_is_left_as_it_was(idefics: TinyModel) -> None:
    before = {name: tensor.clone() for name, tensor in idefics.model.state_dict().items()}
    component_is_exercised(idefics, "idefics_perciever")
    assert all(torch.equal(before[name], tensor) for name, tensor in idefics.model.state_dict().items())
    assert not any(module._forward_hooks for module in idefics.model.modules())
