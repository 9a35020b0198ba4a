"""The shapes that rendered files assert are red on real models broken on purpose."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from hfci.tiny import build_tiny

GENERATED = Path(__file__).parents[2] / "generated"

Edit = Callable[[Any], Any]


def narrow(tensor: torch.Tensor) -> torch.Tensor:
    return tensor[:, :-1]


def last_states(outputs: Any) -> Any:
    outputs.last_hidden_state = narrow(outputs.last_hidden_state)
    return outputs


def a_head_less(outputs: Any) -> None:
    states = outputs.cache.layers[-1].recurrent_states
    states[0] = narrow(states[0])


def a_token_less(outputs: Any) -> None:
    for layer in outputs.cache.layers:
        if hasattr(layer, "keys"):
            layer.keys = layer.keys[:, :, :-1]


def a_state_less(outputs: Any) -> None:
    outputs.state.pop()


def a_patch_less(outputs: Any) -> Any:
    return outputs[0], narrow(outputs[1])


def a_codebook_less(outputs: Any) -> Any:
    return (outputs[0], narrow(outputs[1]), *outputs[2:])


@pytest.mark.parametrize(
    ("model_type", "file", "module", "edit"),
    [
        ("mamba2", "state_space/test_mamba2.py", "", a_head_less),
        ("bamba", "state_space/test_bamba.py", "", a_token_less),
        ("rwkv", "state_space/test_rwkv.py", "", a_state_less),
        ("dac", "audio_codec/test_dac.py", "quantizer", a_codebook_less),
        ("qwen2_5_omni_bigvgan", "audio/test_qwen2_5_omni_bigvgan.py", "", narrow),
        ("blt_local_encoder", "text_decoder/test_blt_local_encoder.py", "", a_patch_less),
        ("chameleon_vqgan", "vision/test_chameleon_vqgan.py", "quant_conv", lambda states: states[:, :, :-1]),
        ("perceiver", "vision/test_perceiver.py", "", last_states),
        ("swiftformer", "vision/test_swiftformer.py", "", last_states),
    ],
)
def test_an_output_of_another_shape_is_red(model_type: str, file: str, module: str, edit: Edit) -> None:
    spec = importlib.util.spec_from_file_location(model_type, GENERATED / file)
    assert spec is not None
    assert spec.loader is not None
    rendered = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rendered)
    tiny = build_tiny(model_type)
    with torch.no_grad():
        rendered.test_forward_is_finite(tiny)
        tiny.model.get_submodule(module).register_forward_hook(lambda _module, _inputs, outputs: edit(outputs))
        with pytest.raises(AssertionError) as found:
            rendered.test_forward_is_finite(dataclasses.replace(tiny))  # which has no reference forward yet
    assert Path(found.traceback[-1].path) == GENERATED / file  # its own assertion, no check's


def test_no_rendered_file_says_only_that_there_is_an_output() -> None:
    weak = re.compile(r"^ +assert (len\(outputs\) > 0|outputs\.\w+ is not None|channels > 1)$", re.MULTILINE)
    files = list(GENERATED.rglob("test_*.py"))
    assert len(files) > 800
    assert [file.name for file in files if weak.search(file.read_text(encoding="utf-8"))] == []
