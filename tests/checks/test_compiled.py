"""What is left of a compilation that stops."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hfci.checks.compiled import uncompiled


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
