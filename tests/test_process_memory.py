"""What this process takes is told as it grows and shrinks."""

from __future__ import annotations

import mmap
import sys

import pytest

from hfci import process_memory

SIZE = 64 << 20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_what_was_taken_and_given_back_is_a_peak_until_it_is_forgotten() -> None:
    process_memory.forget_peak()
    before = process_memory.resident_memory()
    assert before is not None
    with mmap.mmap(-1, SIZE) as memory:
        memory.write(bytes(SIZE))
        assert process_memory.resident_memory() >= before + SIZE * 0.9
    assert process_memory.peak_memory() >= before + SIZE * 0.9
    process_memory.forget_peak()
    assert process_memory.peak_memory() < before + SIZE * 0.9
    assert process_memory.virtual_memory() >= before
    assert process_memory.available_memory() > 0


def test_where_nobody_tells_it_is_none(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_STATUS", "_MACHINE", "_CLEAR_REFS"):
        monkeypatch.setattr(process_memory, name, tmp_path / "nothing" / "here")
    process_memory.forget_peak()
    assert process_memory.peak_memory() is process_memory.available_memory() is None
