"""What is measured of a model is all of it, in units that mean something; graphs are counted exactly."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import Any

import pytest
import torch
from transformers import GPT2LMHeadModel, GPT2Model

from hfci.cases.measured import Measured
from hfci.speed import measure
from hfci.speed.graphs import count_graphs
from hfci.speed.workloads import amount_of
from hfci.tiny import TinyModel, build_tiny


@pytest.fixture(scope="module")
def tiny() -> TinyModel:
    return build_tiny("gpt2", "GPT2LMHeadModel")


@pytest.fixture(scope="module")
def measured(tiny: TinyModel) -> Measured:
    return measure(tiny)


def test_a_generator_is_measured_whole_and_compiled(measured: Measured) -> None:
    assert measured.stopped == {}
    assert {speed.name for speed in measured.speeds} == {"forward", "prefill", "decode", "forward, aot_eager"}
    assert {speed.unit for speed in measured.speeds} == {"tokens"}
    assert {len(speed.rounds) for speed in measured.speeds} == {6}
    assert all(speed.a_second > 0 for speed in measured.speeds)
    assert measured.reference_s


def test_graphs_are_counted_exactly_and_a_break_is_one_with_its_reason(
    tiny: TinyModel, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert count_graphs(tiny) == measured.graphs
    assert measured.graphs is not None
    assert measured.graphs.counts == {"graph breaks": 0, "recompilations": 1}
    whole = GPT2Model.forward

    def broken(self: GPT2Model, *arguments: Any, **options: Any) -> Any:
        torch._dynamo.graph_break()
        return whole(self, *arguments, **options)

    monkeypatch.setattr(GPT2Model, "forward", broken)
    found = count_graphs(tiny)
    assert found.graphs > measured.graphs.graphs
    assert found.counts["graph breaks"] >= 1
    assert "graph_break" in found.breaks[0].reason


def test_what_stops_is_told_and_the_rest_is_measured(tiny: TinyModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise ValueError("it generates nothing")

    monkeypatch.setattr(GPT2LMHeadModel, "generate", stop)
    monkeypatch.setattr(GPT2LMHeadModel, "_can_compile_fullgraph", False)
    found = measure(tiny)
    assert found.stopped.keys() == {"generate"}
    assert "it generates nothing" in found.stopped["generate"]
    assert {speed.name for speed in found.speeds} == {"forward"}


def test_what_does_not_end_in_time_is_told_and_the_clock_before_goes_on(
    tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_: Any, **__: Any) -> None:
        while True:
            with contextlib.suppress(Exception):  # as a compiler may
                time.sleep(10)

    rung: list[float] = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.perf_counter()))
    monkeypatch.setattr(GPT2LMHeadModel, "forward", hang)
    try:
        began = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        found = measure(tiny, limit_s=0.4)
        took = time.perf_counter() - began
        assert rung == []
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    assert took >= 0.8  # one clock for what is timed, one for what is counted
    assert found.speeds == ()
    assert found.graphs is None
    assert {"forward", "graphs"} <= found.stopped.keys()
    assert set(found.stopped.values()) == {"TimeUp: not within 0.4 s"}


@pytest.mark.parametrize(
    ("names", "number", "unit"),
    [
        (("bert", "BertModel"), 20, "tokens"),
        (("vit", "ViTModel"), 2, "images"),
        (("wav2vec2", "Wav2Vec2Model"), 2 * 2560 / 16_000, "seconds of audio"),
    ],
)
def test_work_is_counted_in_what_the_model_takes(names: tuple[str, str], number: float, unit: str) -> None:
    model = build_tiny(*names)
    assert amount_of(model, model.inputs()) == (number, unit)
