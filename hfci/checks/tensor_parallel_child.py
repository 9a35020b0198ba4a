"""One of the processes that share a model's weights: `python -m hfci.checks.tensor_parallel_child FOLDER`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["main"]


def main(folder: Path) -> None:
    """Load the model that `folder` names by its plan and run it on the inputs there; the first writes what it gives."""
    import torch
    import transformers
    from safetensors.torch import load_file, save_file

    from hfci.checks.tensors import floating, named_tensors

    torch.set_num_threads(1)
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder.resolve()}/meeting", rank=rank, world_size=size
    )
    asked: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    cls: Any = getattr(transformers, asked["class"])
    model = cls.from_pretrained(asked["checkpoint"], dtype=torch.float32, **_split_by(asked["plan"], size)).eval()
    inputs = load_file(folder / "inputs.safetensors")
    with torch.no_grad():
        outputs = floating(named_tensors(model(**inputs)))
    whole = {name: getattr(tensor, "full_tensor", lambda one=tensor: one)() for name, tensor in outputs.items()}
    split = [name for name, parameter in model.named_parameters() if hasattr(parameter, "full_tensor")]
    if rank == 0:
        save_file({name: tensor.contiguous().clone() for name, tensor in whole.items()}, folder / "outputs.safetensors")
        (folder / "split.json").write_text(json.dumps(split), encoding="utf-8")
    torch.distributed.destroy_process_group()


def _split_by(plan: dict[str, str], size: int) -> dict[str, Any]:
    """Return the arguments of `from_pretrained` by which the installed transformers splits weights."""
    try:
        from transformers.distributed.configuration_utils import DistributedConfig
    except ImportError:
        return {"tp_plan": plan, "tp_size": size}
    return {"distributed_config": DistributedConfig(tp_plan=plan, tp_size=size)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
