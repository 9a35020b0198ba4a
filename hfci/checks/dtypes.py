"""Does a model have the dtype that it is asked to be loaded in?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from hfci.checks.exceptions import names_excepted
from hfci.checks.loading import loaded, saved_weights
from hfci.checks.tensors import cast, same_bits
from hfci.errors import Broken

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["loads_in_the_dtype_asked_for"]


def loads_in_the_dtype_asked_for(tiny: TinyModel) -> None:
    """Assert that loaded in another dtype every parameter has it, rounded, but those that its classes keep in float32.

    In bfloat16, and in float16 where a class keeps some in that. Where it keeps none, the configuration says that dtype
    too, and what is saved in it comes back in it if no dtype is asked for, and in float32 if that is.
    """
    saved = saved_weights(tiny.model)
    weights = {name: weight for name, weight in tiny.model.named_parameters() if name in saved}
    made_so = names_excepted(tiny, "loads_in_the_dtype_asked_for", "float32")
    problems: list[tuple[str, list[str]]] = []
    for dtype in (torch.bfloat16, torch.float16):
        kept = {
            name for name in weights if _is_kept(tiny.model, name, dtype) or any(re.fullmatch(p, name) for p in made_so)
        }
        if dtype == torch.float16 and not kept:
            continue  # nothing differs from bfloat16 but the name
        half, _ = loaded(type(tiny.model), tiny.checkpoint, dtype=dtype)
        wanted = {name: weight if name in kept else cast(weight, dtype) for name, weight in weights.items()}
        problems += _differences(half, wanted, f"{dtype}")
        if not kept:  # of weights of several dtypes the first one decides which the checkpoint says
            declared = half.config.dtype
            if declared != dtype:
                problems.append((f"asked for {dtype}, its configuration says {declared}", ["config.dtype"]))
            other = replace(tiny, model=half)
            alike, _ = loaded(type(half), other.checkpoint)
            problems += _differences(alike, wanted, f"none, of what was saved in {dtype}")
            wanted = {name: cast(weight, torch.float32) for name, weight in wanted.items()}
            single, _ = loaded(type(half), other.checkpoint, dtype=torch.float32)
            problems += _differences(single, wanted, f"float32, of {dtype}")
    if problems:
        said, names = zip(*problems, strict=True)
        raise Broken("; ".join(said), dict.fromkeys(name for some in names for name in some))


def _is_kept(model: Any, name: str, dtype: torch.dtype) -> bool:
    """Tell whether a class of the model, or of a part of it, keeps the parameter of that name in float32."""
    for prefix, part in model.named_modules():
        if isinstance(part, PreTrainedModel) and name.startswith(prefix):
            patterns = [*(part._keep_in_fp32_modules_strict or ())]
            patterns += (part._keep_in_fp32_modules or ()) if dtype == torch.float16 else ()
            if any(re.search(pattern, name) for pattern in patterns):
                return True
    return False


def _differences(model: Any, wanted: Mapping[str, Tensor], asked: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what is wrong with parameters of `model`, in words, and of which it is."""
    parameters = dict(model.named_parameters())
    others = [name for name, weight in wanted.items() if parameters[name].dtype != weight.dtype]
    if others:
        dtype = parameters[others[0]].dtype
        yield f"asked for {asked}, {len(others)} weights are {dtype}: {', '.join(others[:4])}", others
    changed = [n for n, weight in wanted.items() if n not in others and not same_bits(parameters[n], weight)]
    if changed:
        yield f"asked for {asked}, {len(changed)} weights have other numbers: {', '.join(changed[:4])}", changed
