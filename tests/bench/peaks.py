"""Predicted and measured peaks of one step of an evaluation, for models of at least 100 MB on a CPU.

`python tests/bench/peaks.py` prints the table of docs/preflight.md; names of model types choose among its rows. Each
peak is measured in a process of its own, as the most memory that was resident above what was before the model was
built, in the second of two equal steps: the first brings the libraries' own pages and work space, which are not the
model's. Each thread has such work space, more or less of it as the processor is, so there is one. Blocks are given back
to the system when they are freed (MALLOC_MMAP_THRESHOLD_): glibc keeps those below 32 MiB otherwise, up to half as much
again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

MIB = 2**20
SHAPES = ((1, 128), (1, 512), (4, 256))
SMALL = {"hidden_size": 512, "num_hidden_layers": 6, "num_attention_heads": 8, "intermediate_size": 1536}
GROUPED = {**SMALL, "num_key_value_heads": 2}

# Model type → what departs from its default configuration.
MODELS: dict[str, dict[str, Any]] = {
    "gpt2": {},
    "opt": {},
    "llama": GROUPED | {"vocab_size": 50_000},
    "mistral": GROUPED | {"vocab_size": 50_000, "sliding_window": 100},
    "qwen3": GROUPED | {"head_dim": 64},
    "gemma3_text": GROUPED | {"head_dim": 64, "sliding_window": 100, "vocab_size": 100_000},
    "gpt_neox": SMALL,
    "bloom": {"hidden_size": 512, "n_layer": 6, "n_head": 8, "vocab_size": 60_000},
    "falcon": {"hidden_size": 512, "num_hidden_layers": 6, "num_attention_heads": 8},
    "phi": SMALL,
    "olmo2": SMALL,
    "qwen3_moe": GROUPED | {"head_dim": 64, "num_experts": 16, "moe_intermediate_size": 256, "vocab_size": 50_000},
    "mamba": {"hidden_size": 512, "num_hidden_layers": 6},
    "t5": {"decoder_start_token_id": 0},
    "bart": {"encoder_layers": 6, "decoder_layers": 6, "d_model": 512},
}


def _model(name: str) -> tuple[Any, Any]:
    from transformers import CONFIG_MAPPING
    from transformers.models.auto import modeling_auto

    config = CONFIG_MAPPING[name](**MODELS[name])
    tables = (modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING, modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING)
    order = tables[::-1] if config.is_encoder_decoder else tables
    return next(table[type(config)] for table in order if type(config) in table), config


def _known(size: int | None) -> int:
    assert size is not None, "only Linux tells how much memory a process takes"
    return size


def measure(name: str, batch: int, length: int) -> int:
    """Return the bytes that a model of type `name` takes at most while it scores texts."""
    import torch

    from hfci.preflight.feeding import evaluation_inputs
    from hfci.process_memory import forget_peak, peak_memory, resident_memory

    cls, config = _model(name)
    before = _known(resident_memory())
    model = cls._from_config(config, dtype=torch.float32).eval()
    texts = evaluation_inputs(cls, batch, length)

    def score() -> None:
        torch.log_softmax(model(**texts).logits, dim=-1)

    with torch.no_grad():
        after_building = _known(resident_memory())
        score()
        before += _known(resident_memory()) - after_building
        forget_peak()
        score()
    return _known(peak_memory()) - before


def predict(name: str, batch: int, length: int) -> tuple[int, int]:
    """Return the bytes that are predicted: of the weights, and of everything at the peak."""
    import torch

    from hfci.preflight.activations import Fake
    from hfci.preflight.architecture import build_empty

    cls, config = _model(name)
    peak = Fake(build_empty(cls, config, torch.float32)).peak(batch, length)
    return peak.weights, peak.weights + peak.activations


def measured(name: str, batch: int, length: int) -> int:
    """Return what `measure` does in a process of its own."""
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, "--measure", json.dumps([name, batch, length])]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return int(result.stdout.splitlines()[-1])


def main(arguments: list[str]) -> None:
    """Print the table, or what one model takes."""
    if arguments[:1] == ["--measure"]:
        print(measure(*json.loads(arguments[1])))
        return
    print("| architecture | batch x tokens | weights, MiB | predicted, MiB | measured, MiB | error |")
    print("|---|---|---|---|---|---|")
    for name in arguments or MODELS:
        for batch, length in SHAPES:
            weights, total = predict(name, batch, length)
            real = measured(name, batch, length)
            sizes = " | ".join(f"{size / MIB:,.0f}" for size in (weights, total, real))
            architecture = _model(name)[0].__name__
            print(f"| `{architecture}` | {batch} x {length} | {sizes} | {total / real - 1:+.1%} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
