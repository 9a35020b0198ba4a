"""No memory left is a failure of one case, at the stage `memory`; what a file's tests leave on the device fails it.

The device is the processor, which is told to count the tensors that are on it as an accelerator's allocator does.
"""

from __future__ import annotations

from typing import Any

import pytest

from hfci.testing.memory_guard import is_out_of_memory

from .support import by_check, read_lines, run_pytest, write_test

COUNTED = """
import gc
from hfci.tiny import devices

class Counted(devices._Processor):
    def held_memory(self):
        import torch

        gc.collect()
        tensors = [one for one in gc.get_objects() if issubclass(type(one), torch.Tensor)]
        return sum({one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in tensors}.values())

devices._Processor = Counted
"""

LEAKY = """
KEPT = []

def test_a_keeps_a_tensor():
    import torch

    KEPT.append(torch.zeros(2**20))

def test_b_is_the_last():
    pass
"""

TIDY = """
def test_a_fails_with_a_tensor_in_its_hands():
    import torch

    numbers = torch.zeros(2**20)
    assert numbers.sum() == 1

def test_b_is_the_last():
    pass
"""

GREEDY = """
def test_a_asks_torch_for_too_much():
    import torch

    torch.empty(2**50)

def test_b_asks_python_for_too_much():
    bytearray(2**62)

def test_c_goes_on():
    pass
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("memory")
    (folder / "conftest.py").write_text(COUNTED, encoding="utf-8")
    for name, body in (("leaky", LEAKY), ("tidy", TIDY), ("greedy", GREEDY)):
        write_test(folder, name, body)
    done = run_pytest(folder, "-q")
    assert done.returncode == 1, done.stdout + done.stderr
    return by_check(read_lines(folder / "out")[1])


def test_what_a_file_leaves_on_the_device_fails_its_last_case(records: dict[str, dict[str, Any]]) -> None:
    assert records["leaky.a_keeps_a_tensor"]["outcome"] == "passed"
    last = records["leaky.b_is_the_last"]
    assert (last["outcome"], last["error"]["type"]) == ("failed", "LeftOnDevice")
    assert "test_leaky.py leave 4,194,304 bytes on cpu" in last["error"]["message"]


def test_what_a_failure_holds_is_not_left(records: dict[str, dict[str, Any]]) -> None:
    assert records["tidy.a_fails_with_a_tensor_in_its_hands"]["error"]["type"] == "AssertionError"
    assert records["tidy.b_is_the_last"]["outcome"] == "passed"


def test_out_of_memory_is_a_failure_of_that_case_alone(records: dict[str, dict[str, Any]]) -> None:
    for name, kind in (("a_asks_torch_for_too_much", "RuntimeError"), ("b_asks_python_for_too_much", "MemoryError")):
        greedy = records[f"greedy.{name}"]
        assert (greedy["outcome"], greedy["stage"], greedy["error"]["type"]) == ("failed", "memory", kind)
    assert records["greedy.c_goes_on"]["outcome"] == "passed"


def test_an_accelerators_own_error_is_known_also_as_the_cause_of_another() -> None:
    import torch

    error = ValueError("the forward stopped")
    error.__cause__ = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    assert is_out_of_memory(error)
    assert not is_out_of_memory(ValueError("out of memory, says somebody who is none of the allocators"))
