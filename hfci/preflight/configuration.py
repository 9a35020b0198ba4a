"""The configuration of an evaluation: from YAML, or a model with lm-evaluation-harness's arguments.

Both give one `Configuration`, and that gives what it stands for: the arguments of `from_pretrained`, the model's and
the tokenizer's, and the command line of `lm_eval` or `accelerate launch`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hfci.errors import UsageError, nearest
from hfci.parsing import Filled, Text, convert
from hfci.preflight.arguments import parse_model_arguments
from hfci.preflight.diagnosis import Diagnosed
from hfci.preflight.sizes import SIZE
from hfci.preflight.yaml_file import load_yaml

__all__ = [
    "Configuration",
    "Evaluation",
    "Model",
    "Performance",
    "Request",
    "evaluation_command",
    "from_pretrained_arguments",
    "quantization",
    "resolve",
    "tokenizer_arguments",
]

Dtype = Literal["auto", "float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"]
Count = Annotated[int, Meta(ge=1, title="a number of at least 1")]
BatchSize = Annotated[
    Count | Annotated[str, Meta(pattern=r"^auto(:[0-9.]+)?$")],
    Meta(title="a number of at least 1, or 'auto', or 'auto:N'"),
]
Bytes = Annotated[
    Count | Annotated[str, Meta(pattern=SIZE.pattern)], Meta(title="a number of bytes, or a size such as 24GiB")
]


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which checkpoint, and how it is loaded; what lm-evaluation-harness calls model arguments.

    - `name`: a repository of the Hub or a folder; `revision`: a branch, tag or commit; `subfolder`: where in it
    - `tokenizer`: another repository or folder for the tokenizer; `tokenizer_revision`: of it, by default the same name
    - `dtype`: of the weights once loaded, `auto` is as stored; `max_length`: tokens of prompt and answer together
    - `trust_remote_code`: whether code from the repository may run; `use_safetensors`: false also takes pickled weights
    - `quantization_config`, `load_in_4bit`, `load_in_8bit`: quantised while loading
    - `task`: the pipeline task, for what is no text generator; `backend`: the auto class, as lm-evaluation-harness says
    """

    name: Filled
    revision: Text = "main"
    subfolder: str = ""
    tokenizer: Text | None = None
    tokenizer_revision: Text | None = None
    use_fast_tokenizer: bool = True
    dtype: Dtype = "auto"
    max_length: Count | None = None
    trust_remote_code: bool = False
    use_safetensors: bool = True
    attn_implementation: Text | None = None
    quantization_config: dict[str, Any] | None = None
    load_in_4bit: bool = False
    load_in_8bit: bool = False
    task: Text | None = None
    backend: Literal["default", "causal", "seq2seq"] = "default"
    tp_plan: Literal["auto"] | None = None
    # What only the evaluation reads.
    truncation: bool = False
    logits_cache: bool = True
    softmax_dtype: Dtype | None = None
    add_bos_token: bool | None = None
    prefix_token_id: int | None = None
    enable_thinking: bool | None = None
    think_end_token: int | str | None = None
    chat_template_args: dict[str, Any] | None = None


class Performance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """On what it runs.

    - `use_accelerate`: `accelerate launch` with a process, and so a whole model, on each of `num_gpus` devices
    - `num_gpus`: null is what is there, 0 the CPU; `device`: `cuda`, `cpu`, …; null is the first that is there
    - `parallelize`: one model, split over `num_gpus` devices by a device map
    - `memory`: of one device, where it is planned for devices that are not there
    - `mixed_precision`: of the forward; `batch_size`: `auto` is found by the evaluation, at most `max_batch_size`
    """

    use_accelerate: bool = False
    num_gpus: Annotated[int, Meta(ge=0, title="a number of at least 0")] | None = None
    mixed_precision: Literal["no", "fp16", "bf16"] = "no"
    batch_size: BatchSize = 1
    max_batch_size: Count = 64
    device: Text | None = None
    parallelize: bool = False
    memory: Bytes | None = None
    max_memory_per_gpu: Bytes | None = None
    max_cpu_memory: Bytes | None = None
    offload_folder: Text | None = None


class Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the evaluation asks; preflight shows it in the command line, and does nothing with it."""

    tasks: tuple[Text, ...] = ()
    num_fewshot: int | None = None
    limit: float | None = None


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One configuration of an evaluation."""

    model: Model
    performance: Performance = Performance()
    evaluation: Evaluation = Evaluation()


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asked for: a YAML file, or a model with arguments; what stands in both is taken from the arguments.

    - `file`: the path of the YAML; `model`: a repository or a folder; `model_args`: in the grammar of `lm_eval`
    - `performance`: fields of Performance that were given by options of their own
    """

    model: str | None = None
    file: str | None = None
    model_args: tuple[str, ...] = ()
    performance: dict[str, Any] = {}


def resolve(request: Request) -> Configuration:
    """Return the configuration that `request` means; Diagnosed as `config_invalid` where it means none."""
    try:
        data = _from_file(Path(request.file)) if request.file is not None else {}
        given = parse_model_arguments(request.model_args, TEXTS)
        if request.model is not None:
            given["name"] = request.model
        _refuse(given)
        model, performance = _shared_out(given)
        data["model"] = {**data.get("model", {}), **model}
        data["performance"] = {**data.get("performance", {}), **performance, **request.performance}
        configuration = convert(data, Configuration, request.file or "the arguments")
        _consistent(configuration)
    except UsageError as error:
        raise Diagnosed("config_invalid", str(error), problem=str(error).rstrip(".")) from error
    return configuration


def quantization(model: Model) -> dict[str, Any] | None:
    """Return the quantisation that is asked for, as a quantization_config; None where none is."""
    for bits in ("load_in_4bit", "load_in_8bit"):
        if getattr(model, bits):
            return {"quant_method": "bitsandbytes", bits: True}
    return model.quantization_config


def from_pretrained_arguments(configuration: Configuration, revision: str | None = None) -> dict[str, Any]:
    """Return the arguments of the model's `from_pretrained`, beside its name; `revision` is the commit, once known.

    The device map and the memory of each device are the evaluation's own where they depend on the devices there are.
    """
    model, performance = configuration.model, configuration.performance
    arguments = {
        "revision": revision or model.revision,
        "subfolder": model.subfolder,
        "dtype": model.dtype,
        "trust_remote_code": model.trust_remote_code,
        "use_safetensors": True if model.use_safetensors else None,
        "attn_implementation": model.attn_implementation,
        "quantization_config": quantization(model),
        "tp_plan": model.tp_plan,
        "device_map": "auto" if performance.parallelize else None,
        "offload_folder": performance.offload_folder if performance.parallelize else None,
    }
    return {name: value for name, value in arguments.items() if value is not None and value != ""}


def tokenizer_arguments(configuration: Configuration, revision: str | None = None) -> dict[str, Any]:
    """Return the arguments of the tokenizer's `from_pretrained`, beside its name."""
    model = configuration.model
    arguments = {
        "revision": revision or model.tokenizer_revision or model.revision,
        "subfolder": model.subfolder if model.tokenizer is None else "",
        "trust_remote_code": model.trust_remote_code,
        "use_fast": model.use_fast_tokenizer,
        "add_bos_token": model.add_bos_token,
    }
    return {name: value for name, value in arguments.items() if value is not None and value != ""}


# The command line.

# Fields of Model as lm-evaluation-harness's HFLM takes them, where it calls them otherwise or has none.
_CALLED = {"name": "pretrained"}
_NOT_THERE = ("task", "tokenizer_revision", "load_in_4bit", "load_in_8bit")
_OWN = ("parallelize", "max_memory_per_gpu", "max_cpu_memory", "offload_folder", "max_batch_size")
_HALVES = {"fp16": "float16", "bf16": "bfloat16"}


def evaluation_command(configuration: Configuration) -> str:
    """Return the command line of the evaluation that `configuration` stands for, as a shell takes it."""
    performance, evaluation = configuration.performance, configuration.evaluation
    command = ["lm_eval", "run"]
    if performance.use_accelerate:
        command = ["accelerate", "launch", "--num_processes", str(performance.num_gpus or 1)]
        command += ["--multi_gpu"] if (performance.num_gpus or 1) > 1 else []
        command += ["--mixed_precision", performance.mixed_precision, "-m", "lm_eval", "run"]
    command += ["--model", "hf", "--model_args", json.dumps(model_arguments(configuration))]
    command += ["--tasks", ",".join(evaluation.tasks) or "TASKS", "--batch_size", str(performance.batch_size)]
    options = {"device": performance.device, "num_fewshot": evaluation.num_fewshot, "limit": evaluation.limit}
    command += [part for name, value in options.items() if value is not None for part in (f"--{name}", f"{value}")]
    return shlex.join(command)


def model_arguments(configuration: Configuration) -> dict[str, Any]:
    """Return what lm-evaluation-harness takes as `--model_args`: whatever is not at its default."""
    model, performance = configuration.model, configuration.performance
    said = msgspec.to_builtins(model)
    defaults = {field.encode_name: field.default for field in msgspec.structs.fields(Model)}
    arguments = {
        _CALLED.get(name, name): value
        for name, value in said.items()
        if name not in _NOT_THERE and value != defaults[name]
    }
    if (quantised := quantization(model)) is not None:
        arguments["quantization_config"] = quantised
    if performance.mixed_precision != "no":
        arguments["mixed_precision_dtype"] = _HALVES[performance.mixed_precision]
    unlike = {name: getattr(performance, name) for name in _OWN}
    return arguments | {name: value for name, value in unlike.items() if value != getattr(Performance(), name)}


# Reading.

# A revision may consist of digits, which are no number.
TEXTS = frozenset({"pretrained", "revision", "subfolder", "tokenizer", "tokenizer_revision", "task", "device", "dtype"})


def _from_file(path: Path) -> dict[str, Any]:
    """Return the mappings of the YAML file at `path`."""
    data = load_yaml(path)
    if not isinstance(data, dict):
        raise UsageError(f"{path} must hold `model:` and, if any, `performance:`, each with settings below it")
    for name in ("model", "performance"):
        if not isinstance(data.setdefault(name, {}), dict):
            raise UsageError(f"{path}: {name} must hold settings, not {data[name]!r:.60}")
        _refuse(data[name])
    return data


# What must not stand in a file or on a command line, and what preflight does not load.
_SECRET = ("token", "use_auth_token", "api_key", "hf_token")
_UNLOADED = ("peft", "delta", "autogptq", "gptqmodel", "gguf_file")


def _refuse(given: Mapping[str, Any]) -> None:
    for name in _SECRET:
        if name in given:
            raise UsageError(f"{name} is a secret, which others can read here: set HF_TOKEN, or run `hf auth login`")
    for name in _UNLOADED:
        if given.get(name):
            raise UsageError(f"{name}: preflight does not load such a model, but the checkpoint it is made from")


def _shared_out(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return which of lm-evaluation-harness's model arguments are settings of Model, and which of Performance."""
    fields = {kind: {field.encode_name for field in msgspec.structs.fields(kind)} for kind in (Model, Performance)}
    model: dict[str, Any] = {}
    performance: dict[str, Any] = {}
    for said, value in given.items():
        name = "name" if said == "pretrained" else said
        if name in fields[Model]:
            model[name] = value
        elif name in fields[Performance]:
            performance[name] = value
        else:
            known = sorted({"pretrained", *fields[Model] - {"name"}, *fields[Performance]})
            near = nearest(said, known) or f" There are {', '.join(known)}."
            raise UsageError(f"unknown model argument {said!r:.80}.{near}")
    return model, performance


def _consistent(configuration: Configuration) -> None:
    """Raise UsageError where two settings contradict each other."""
    model, performance = configuration.model, configuration.performance
    asked = [name for name in ("quantization_config", "load_in_4bit", "load_in_8bit") if getattr(model, name)]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} contradict each other: ask for one quantisation")
    if asked and model.dtype.startswith("float8"):
        raise UsageError(f"dtype {model.dtype} and {asked[0]} contradict each other: it stores its own")
    if model.tp_plan and performance.parallelize:
        raise UsageError("tp_plan and parallelize contradict each other: split a model in one way")
    if performance.use_accelerate and performance.parallelize:
        raise UsageError("use_accelerate puts a whole model on each device, parallelize splits one: choose")
