"""The memory that an evaluation takes, what there is, and what would fit: planned before a weight is downloaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from hfci.errors import in_one_line
from hfci.preflight.configuration import Configuration
from hfci.preflight.diagnosis import Diagnosed
from hfci.preflight.model_class import model_class
from hfci.preflight.sizes import bytes_of, bytes_of_model, shortly
from hfci.process_memory import available_memory

__all__ = ["Fitting", "Memory", "max_length_of", "memory_of", "predict_memory", "require"]

# As lm-evaluation-harness reads a model's longest text off its configuration, and what it takes where none says.
_LENGTHS = ("n_positions", "max_position_embeddings", "n_ctx")
_LENGTH = 2048

# What a smaller dtype of the weights may be.
_SMALLER = {"float64": "float32", "float32": "bfloat16"}
_MIXED = {"no": None, "fp16": "float16", "bf16": "bfloat16"}
_MOST_DEVICES = 64


class Fitting(msgspec.Struct, frozen=True, kw_only=True):
    """What would fit, each with all else as it was asked for; null where nothing of that kind does.

    - `max_length`, `batch_size`: the largest; `dtype`: a smaller one; `devices`: how many share the layers of the model
    """

    max_length: int | None = None
    batch_size: int | None = None
    dtype: str | None = None
    devices: int | None = None

    def __str__(self) -> str:
        """Return it in words."""
        said = [
            f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
            for name, value in msgspec.structs.asdict(self).items()
            if value is not None
        ]
        return (
            ", or ".join(said).replace("devices", "the model split over devices:")
            or "nothing smaller of the same model"
        )


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What one device takes, in bytes.

    - `device`: the kind that it is planned for; `devices`: how many; `has`: what one has, null where nobody said
    - `dtype`, `max_length`, `batch_size`: of what; `parameters`: how many the architecture has
    - `total`: at the peak, of `weights` and `activations`
    - `weights`: on the device that holds most of them
    - `forward`: of reading the texts, the `cache` among it; `scoring`: of the log-softmax of their logits
    - `cache`: keys, values and states of those texts; `fits`: whether it does; `would_fit`: what else, if it does not
    - `extrapolated_from`: the lengths that were run, where layers scan in Python
    """

    device: str
    devices: int
    has: int | None
    dtype: str
    parameters: int
    max_length: int
    batch_size: int
    total: int
    weights: int
    forward: int
    scoring: int
    cache: int
    fits: bool | None
    would_fit: Fitting | None = None
    extrapolated_from: tuple[int, ...] = ()

    @property
    def activations(self) -> int:
        """What is there beside the weights at the peak."""
        return max(self.forward, self.scoring)


def predict_memory(
    configuration: Configuration, cls: Any, config: Any, dtype: str, stored: int | None = None
) -> Memory:
    """Return what evaluating a `cls` of `config` with weights of `dtype` takes on each device.

    `stored` are the bytes of weights that are quantised, and stay so; None of others. Raises what the architecture
    raises.
    """
    import torch

    from hfci.preflight.activations import Fake, PeakPrediction
    from hfci.preflight.architecture import build_empty
    from hfci.preflight.cache import predict_cache

    model, performance = configuration.model, configuration.performance
    length = model.max_length or max_length_of(config)
    batch = performance.batch_size if isinstance(performance.batch_size, int) else 1
    kind, devices, has = _devices(configuration)

    def empty(name: str) -> Any:
        options = {} if model.attn_implementation is None else {"attn_implementation": model.attn_implementation}
        return build_empty(cls, config, getattr(torch, name), **options)

    def fake(name: str) -> Fake:
        softmax = None if model.softmax_dtype in (None, "auto") else getattr(torch, str(model.softmax_dtype))
        mixed = _MIXED[performance.mixed_precision]
        on = "cuda" if kind == "cuda" and torch.cuda.is_available() else "cpu"
        return Fake(empty(name), on, softmax, None if mixed is None else getattr(torch, mixed))

    whole = empty(dtype)
    smaller_by = 1.0 if stored is None else stored / bytes_of_model(whole)
    shared = int(_share(whole, configuration, devices) * smaller_by)
    holders = _holders_of_cache(whole, configuration, devices)

    def peak_of(model: Fake, batch: int, length: int) -> PeakPrediction:
        peak = model.peak(batch, length)
        elsewhere = predict_cache(whole, batch, length).size * (holders - 1) // holders if holders > 1 else 0
        return msgspec.structs.replace(peak, forward=peak.forward - elsewhere)

    planned = fake(dtype)
    peak = peak_of(planned, batch, length)
    memory = Memory(
        device=kind,
        devices=devices,
        has=has,
        dtype=dtype,
        parameters=sum(parameter.numel() for parameter in whole.parameters()),
        max_length=length,
        batch_size=batch,
        total=shared + peak.activations,
        weights=shared,
        forward=peak.forward,
        scoring=peak.scoring,
        cache=-(-predict_cache(whole, batch, length).size // holders),
        fits=None if has is None else shared + peak.activations <= has,
        extrapolated_from=peak.extrapolated_from,
    )
    if memory.fits is not False or has is None:
        return memory
    room, smaller = has - shared, _SMALLER.get(dtype) if stored is None else None

    def fits(batch: int, length: int) -> bool:
        return peak_of(planned, batch, length).activations <= room

    fitting = Fitting(
        max_length=_largest(lambda each: fits(batch, each), 0, length, max(1, length // 64)) or None,
        batch_size=_largest(lambda each: fits(each, length), 1, batch) if batch > 1 and fits(1, length) else None,
        dtype=smaller
        if smaller
        and _share(empty(smaller), configuration, devices) + peak_of(fake(smaller), batch, length).activations <= has
        else None,
        devices=_enough(int(planned.weights * smaller_by), peak.activations, devices, has),
    )
    return msgspec.structs.replace(memory, would_fit=fitting)


def memory_of(
    configuration: Configuration, config: Any, dtype: str, stored: int | None
) -> tuple[Memory | None, str | None]:
    """Return what `predict_memory` does for the class that loads a checkpoint of `config`, or None and why not.

    Raises Diagnosed where it does not fit, as `memory_too_small`, or `config` makes no model, as `config_invalid`, and
    ImportError where a package is missing.
    """
    try:
        memory = predict_memory(configuration, model_class(config, configuration.model), config, dtype, stored)
    except Diagnosed:
        raise
    except Exception as error:  # an architecture may ask of its numbers what nobody can answer
        _require_model(configuration, config)
        return None, in_one_line(error)
    require(memory)
    return memory, None


def _require_model(configuration: Configuration, config: Any) -> None:
    """Raise Diagnosed where no model can be made of `config`, whatever the dtype and the attention are.

    Raises ImportError where a package is missing.
    """
    import torch

    from hfci.preflight.architecture import build_empty

    try:
        build_empty(model_class(config, configuration.model), config, torch.float32)
    except ImportError:
        raise
    except Exception as error:
        problem = f"no model can be made of config.json: {in_one_line(error)}".rstrip(".")
        raise Diagnosed("config_invalid", repr(error), problem=problem) from error


def require(memory: Memory) -> None:
    """Raise Diagnosed, as `memory_too_small`, where it does not fit."""
    if memory.fits is False and memory.has is not None:
        needed = (
            f"{shortly(memory.total)} ({shortly(memory.weights)} for weights, {shortly(memory.activations)} beside)"
        )
        raise Diagnosed("memory_too_small", needed=needed, has=shortly(memory.has), fits=str(memory.would_fit))


def max_length_of(config: Any) -> int:
    """Return the length that is planned for where none is asked for: the model's longest, if that is not very long."""
    text = config.get_text_config(decoder=True)
    found = (getattr(text, name, None) for name in _LENGTHS)
    return min(next((length for length in found if isinstance(length, int)), _LENGTH), _LENGTH)


def _devices(configuration: Configuration) -> tuple[str, int, int | None]:
    """Return the kind of device, how many are asked for, and the bytes that one has, None where nobody knows."""
    import torch

    performance = configuration.performance
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    asked = performance.num_gpus if performance.num_gpus is not None else there
    kind = (performance.device or ("cuda" if asked else "cpu")).partition(":")[0]
    if performance.memory is not None:
        return kind, max(1, asked), bytes_of(performance.memory)
    if kind == "cpu":
        return kind, 1, available_memory()
    if kind == "cuda" and there >= asked:
        return kind, max(1, asked), min(torch.cuda.mem_get_info(index)[0] for index in range(max(1, asked)))
    return kind, max(1, asked), None


def _share(model: Any, configuration: Configuration, devices: int) -> int:
    """Return the bytes of the weights of `model`, an empty one, on the device that holds most of them."""
    whole = bytes_of_model(model)
    if devices > 1 and configuration.model.tp_plan:
        return _sharded(model, devices)
    if devices > 1 and configuration.performance.parallelize:
        return -(-whole // devices) + _largest_layer(model)
    return whole


def _sharded(model: Any, devices: int) -> int:
    """Return the bytes of one device where the model's plan of tensor parallelism shares out what it names."""
    total: int = 0
    for name, tensor in model.named_parameters():
        is_shared = _is_shared(model, name) or _is_shared(model, name.rpartition(".")[0])
        total += -(-tensor.numel() // (devices if is_shared else 1)) * tensor.element_size()
    return total


def _is_shared(model: Any, name: str) -> bool:
    """Tell whether the plan cuts the parameters of what is called `name`, by rows or columns, and not their results."""
    return "wise" in str((model.tp_plan or {}).get(re.sub(r"\.\d+(?=\.|$)", ".*", name)))


def _holders_of_cache(model: Any, configuration: Configuration, devices: int) -> int:
    """Return over how many devices the cache is shared out: all, where the plan shares the keys of every layer."""
    if devices == 1 or not configuration.model.tp_plan:
        return 1
    text = model.config.get_text_config(decoder=True)
    keys = [name for name, _ in model.named_modules() if name.endswith(".k_proj") and _is_shared(model, name)]
    heads = getattr(text, "num_key_value_heads", 0)
    return devices if len(keys) == text.num_hidden_layers and heads % devices == 0 else 1


def _largest_layer(model: Any) -> int:
    """Return the bytes of the largest layer that is on one device as a whole."""
    kinds = set(model._no_split_modules or ())
    sizes: list[int] = [
        sum(each.numel() * each.element_size() for each in module.parameters())
        for module in model.modules()
        if type(module).__name__ in kinds
    ]
    return max(sizes, default=0)


def _largest(fits: Callable[[int], bool], low: int, high: int, exactly: int = 1) -> int:
    """Return the largest number from `low`, which fits, to below `high`, which does not, up to `exactly` so much."""
    while high - low > exactly:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _enough(weights: int, activations: int, devices: int, has: int) -> int | None:
    """Return over how many devices, more than `devices`, the layers would have to be split."""
    counts = range(devices + 1, _MOST_DEVICES + 1)
    return next((count for count in counts if weights / count + activations <= has), None)
