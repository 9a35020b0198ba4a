"""What inductor keeps of what it has compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters

from hfci.backends.builtin import COMPILERS


class Product(nn.Module):
    """A model whose graph needs no kernel but torch's own: nothing is compiled to a library."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left @ right


def test_what_was_compiled_for_other_instructions_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = pytest.importorskip("torch.compiler.config")
    if not hasattr(config, "cache_key_tag"):
        pytest.skip("this torch's caches take no tag")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(config, "cache_key_tag", "")
    model, square, found = Product(), torch.ones(2, 2), []
    for instructions in ("AVX512", "AVX512", "DEFAULT"):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda told=instructions: told)
        torch._dynamo.reset()
        counters.clear()
        COMPILERS["inductor"](model, {})(square, square)
        found.append(counters["inductor"]["fxgraph_cache_hit"])
    torch._dynamo.reset()
    assert found == [0, 1, 0]
