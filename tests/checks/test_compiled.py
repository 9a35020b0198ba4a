"""What is left of a compilation that stops, and what has no gradients to compare."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hfci.checks.compiled import compiled_equals_eager, uncompiled
from hfci.checks.made_by_backend import given_by
from hfci.errors import Deviates
from hfci.tiny import build_tiny


class InInferenceMode(nn.Module):
    """A model as those are that run a video's frames in inference mode, which torch.compile cannot trace."""

    @torch.inference_mode()
    def forward(self, frames: list[Tensor]) -> Tensor:
        return frames[0].unsqueeze(0)


def dispatcher() -> tuple[Any, Any]:
    return torch._C._dispatch_tls_local_include_set(), torch._C._dispatch_tls_local_exclude_set()


def test_a_forward_in_inference_mode_that_stops_leaves_torch_as_it_was() -> None:
    with torch.inference_mode():
        frames = [torch.ones(2, 3)]
    guard: Any = torch._C._ForceDispatchKeyGuard
    before = dispatcher()
    with guard(*before):  # whatever happens here, the next test has its operators
        try:
            with uncompiled():
                torch.compile(InInferenceMode(), backend="aot_eager", dynamic=False)(frames)
        except torch._dynamo.exc.BackendCompilerFailed:
            pass
        else:
            pytest.skip("this torch compiles it")
        assert dispatcher() == before


@pytest.mark.parametrize(("model_type", "backend"), [("reformer", "eager"), ("rwkv", "aot_eager")])
def test_a_model_that_has_gradients_in_train_mode_alone_is_compared_by_its_outputs(
    model_type: str, backend: str
) -> None:
    compiled_equals_eager(build_tiny(model_type), backend=backend)


def test_what_a_model_leaves_in_its_inputs_was_not_handed_back() -> None:
    bert = build_tiny("bert")
    kept: list[Tensor] = []

    def keep(inputs: dict[str, Any]) -> dict[str, Tensor]:
        kept.append(inputs["input_ids"] * 1.0)
        return {"output": kept[0]}

    assert given_by(bert, keep, {**bert.inputs(), "session": kept}).keys() == {"output"}
    with pytest.raises(Deviates, match=r"^it gives back its inputs: session"):
        given_by(bert, lambda inputs: {"output": inputs["session"][0]}, {**bert.inputs(), "session": kept})
