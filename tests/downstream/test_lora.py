"""The adapters, on every architecture of a family: what hfci is for in somebody else's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from hfci.testing import architectures
from hfci.tiny import TinyModel

from .lora import add_lora, merge_lora

FAMILY = architectures("family:time_series")

on_every_architecture = pytest.mark.parametrize("hfci_tiny", FAMILY, indirect=True, ids=str)


def floats(outputs: object) -> Iterator[torch.Tensor]:
    """Yield the tensors of numbers in outputs, in their order."""
    if isinstance(outputs, torch.Tensor) and outputs.is_floating_point():
        yield outputs
    elif isinstance(outputs, dict | list | tuple):
        for part in outputs.values() if isinstance(outputs, dict) else outputs:
            yield from floats(part)


def run(tiny: TinyModel) -> list[torch.Tensor]:
    """Return the numbers of a forward, which some architectures draw."""
    torch.manual_seed(0)
    return list(floats(tiny.forward()))


def test_it_is_the_whole_family() -> None:
    assert len(FAMILY) == len({str(architecture) for architecture in FAMILY}) >= 18
    assert {architecture.family for architecture in FAMILY} == {"time_series"}


@on_every_architecture
def test_an_adapter_changes_nothing_until_it_has_learned(hfci_tiny: TinyModel) -> None:
    with torch.no_grad():
        before = run(hfci_tiny)
        assert add_lora(hfci_tiny.model)
        after = run(hfci_tiny)
    assert before
    torch.testing.assert_close(after, before)


@on_every_architecture
def test_only_adapters_learn_and_merging_keeps_what_they_have(hfci_tiny: TinyModel) -> None:
    model = hfci_tiny.model
    adapters = add_lora(model)
    sum(part.square().sum() for part in run(hfci_tiny) if part.requires_grad).backward()
    trained = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert trained
    assert all(name.endswith((".up", ".down")) for name in trained)
    with torch.no_grad():
        for adapter in adapters:
            adapter.up.normal_(0.0, 0.02)
        learned = run(hfci_tiny)
        merge_lora(model)
        merged = run(hfci_tiny)
    assert not any(name.endswith(".down") for name, _ in model.named_parameters())
    torch.testing.assert_close(merged, learned, rtol=1e-4, atol=1e-5)
