"""Devices: which there are, what they tell, and what is said of those that are not there."""

from __future__ import annotations

import mmap

import pytest
import torch

from hfci.errors import EnvironmentUnfit
from hfci.tiny.devices import find_device


def test_the_processor_tells_what_torch_and_the_system_tell() -> None:
    processor = find_device("cpu")
    processor.require()
    memory = processor.memory()
    assert memory is not None
    assert 0 < memory.free <= memory.total
    assert processor.capability() == torch.backends.cpu.get_cpu_capability()
    processor.forget_peak()
    before = processor.peak_memory()
    size = 64 * 2**20
    with mmap.mmap(-1, size) as block:  # from the system, while a tensor may lie where one that has gone lay
        block.write(b"1" * size)
        after = processor.peak_memory()
    assert None not in (before, after)
    assert (after or 0) - (before or 0) > 0.9 * size


def test_seeding_the_processor_is_torchs_own() -> None:
    find_device("cpu").seed(7)
    drawn = torch.rand(3)
    torch.manual_seed(7)
    assert torch.equal(drawn, torch.rand(3))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("npu", "torch .* knows no device 'npu': a package that brings one must be installed"),
        ("cud", "knows no device 'cud'.*Did you mean cuda"),
        ("tpu", "device 'tpu' needs torch_xla; `pip install 'torch_xla"),
    ],
)
def test_a_kind_that_torch_does_not_know_is_no_device(name: str, said: str) -> None:
    with pytest.raises(EnvironmentUnfit, match=said):
        find_device(name).require()


@pytest.mark.parametrize("name", ["cuda:99", "mps", "xpu:99", "meta"])
def test_one_that_is_not_there_is_no_fallback(name: str) -> None:
    with pytest.raises(EnvironmentUnfit, match=f"'{name}'"):
        find_device(name).require()
