"""A YAML file and lm-evaluation-harness's arguments give one configuration, and what is wrong with either is said."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from hfci.preflight.arguments import parse_model_arguments
from hfci.preflight.configuration import (
    Request,
    evaluation_command,
    from_pretrained_arguments,
    resolve,
    tokenizer_arguments,
)
from hfci.preflight.diagnosis import Diagnosed


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("dtype=float16,max_length=2048", {"dtype": "float16", "max_length": 2048}),
        ("trust_remote_code=True,parallelize=false", {"trust_remote_code": True, "parallelize": False}),
        ("a=-1,b=1e-3,c=none,d=None", {"a": -1, "b": 1e-3, "c": None, "d": None}),
        (
            "stop=[1, 2],chat_template_args={'x': 1, 'y': 'a,b'}",
            {"stop": [1, 2], "chat_template_args": {"x": 1, "y": "a,b"}},
        ),
        ("a='123',b=\"x,y\"", {"a": "123", "b": "x,y"}),
        ("a=b=c,", {"a": "b=c"}),
        (' {"a": {"b": [1]}, "c": null}', {"a": {"b": [1]}, "c": None}),
        ("", {}),
    ],
)
def test_the_grammar_of_the_harness_is_read(text: str, meant: dict[str, Any]) -> None:
    assert parse_model_arguments([text]) == meant


def test_of_what_is_given_twice_the_last_counts() -> None:
    assert parse_model_arguments(["a=1,b=2", '{"b": 3}', "b=4,b=5"]) == {"a": 1, "b": 5}


def refusal(request: Request) -> str:
    with pytest.raises(Diagnosed) as error:
        resolve(request)
    assert error.value.code == "config_invalid"
    return error.value.cause


@pytest.mark.parametrize("text", ["float16", "=3", '{"a": ', "[1]"])
def test_what_is_no_argument_is_refused(text: str) -> None:
    assert "model arguments" in refusal(Request(model="m", model_args=(text,)))


WHOLE = """
model:
  name: org/name
  revision: "0012"
  dtype: bfloat16
  max_length: 4096
  tokenizer: org/tokenizer
performance:
  num_gpus: 2
  use_accelerate: true
  mixed_precision: bf16
  batch_size: auto
evaluation:
  tasks: [arc_easy, hellaswag]
  limit: 10
"""


def test_both_inputs_give_the_same_configuration(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(WHOLE + "  num_fewshot: 5\n", encoding="utf-8")
    arguments = "revision=0012,dtype=bfloat16,max_length=4096,tokenizer=org/tokenizer,num_gpus=2,mixed_precision=bf16"
    options = {"use_accelerate": True, "batch_size": "auto"}
    of_file = resolve(Request(file=str(file)))
    of_options = resolve(Request(model="org/name", model_args=(arguments,), performance=options))
    assert (of_file.model, of_file.performance) == (of_options.model, of_options.performance)
    assert of_file.model.revision == "0012"


def test_the_command_line_stands_for_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(WHOLE, encoding="utf-8")
    words = shlex.split(evaluation_command(resolve(Request(file=str(file)))))
    assert words[:8] == [
        "accelerate",
        "launch",
        "--num_processes",
        "2",
        "--multi_gpu",
        "--mixed_precision",
        "bf16",
        "-m",
    ]
    assert words[8:12] == ["lm_eval", "run", "--model", "hf"]
    assert json.loads(words[words.index("--model_args") + 1]) == {
        "pretrained": "org/name",
        "revision": "0012",
        "tokenizer": "org/tokenizer",
        "dtype": "bfloat16",
        "max_length": 4096,
        "mixed_precision_dtype": "bfloat16",
    }
    assert words[words.index("--tasks") + 1] == "arc_easy,hellaswag"
    assert words[words.index("--limit") + 1] == "10.0"
    again = resolve(
        Request(model_args=(words[words.index("--model_args") + 1].replace("mixed_precision_dtype", "dtype"),))
    )
    assert again.model.tokenizer == "org/tokenizer"


def test_the_arguments_of_from_pretrained_are_exact() -> None:
    request = Request(
        model="m", model_args=("dtype=float16,load_in_4bit=true,attn_implementation=eager,parallelize=True",)
    )
    configuration = resolve(request)
    commit = "a" * 40
    assert from_pretrained_arguments(configuration, commit) == {
        "revision": commit,
        "dtype": "float16",
        "trust_remote_code": False,
        "use_safetensors": True,
        "attn_implementation": "eager",
        "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True},
        "device_map": "auto",
    }
    assert tokenizer_arguments(configuration) == {"revision": "main", "trust_remote_code": False, "use_fast": True}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("dtpe=float16", "unknown model argument 'dtpe'. Did you mean dtype?"),
        ("dtype=float61", "dtype must be one of auto, float64"),
        ("max_length=0", "max_length must be a number of at least 1, not 0"),
        ("batch_size=automatic", "batch_size must be a number of at least 1, or 'auto', or 'auto:N', not 'automatic'"),
        ("memory=many", "memory must be a number of bytes, or a size such as 24GiB, not 'many'"),
        ("load_in_4bit=True,load_in_8bit=True", "load_in_4bit and load_in_8bit contradict each other"),
        ("load_in_8bit=True,dtype=float8_e5m2", "dtype float8_e5m2 and load_in_8bit contradict each other"),
        ("tp_plan=auto,parallelize=True", "tp_plan and parallelize contradict each other"),
        ("use_accelerate=True,parallelize=True", "use_accelerate puts a whole model on each device"),
        ("token=hf_abcdefghijkl", "token is a secret"),
        ("peft=org/adapter", "preflight does not load such a model"),
    ],
)
def test_a_wrong_argument_is_named_with_the_right_one(arguments: str, said: str) -> None:
    told = refusal(Request(model="m", model_args=(arguments,)))
    assert said in told
    assert "hf_abc" not in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: {name: m, dtpe: auto}", "model: unknown key 'dtpe'. Did you mean dtype?"),
        ("modle: {name: m}", "unknown key 'modle'. Did you mean model?"),
        ("model: {name: m}\nperformance: 3", "performance must hold settings, not 3"),
        ("model: {name: m, token: hf_abcdefghijkl}", "token is a secret"),
        ("[1, 2]", "must hold `model:`"),
        ("", "must hold `model:`"),
        ("performance: {num_gpus: 1}", "model lacks name"),
        ("model: {name: m, name: n}", "name stands there twice in line 1"),
        ("model: {name: m", "is no YAML that can be read"),
        ("model: !!python/object/apply:os.system [true]", "is no YAML that can be read"),
        ("model: &m {name: m}\nperformance: *m", "aliases (*name) are not read in line 2"),
        ("[" * 5000, "is no YAML that can be read"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(text, encoding="utf-8")
    told = refusal(Request(file=str(file)))
    assert said in told
    assert "hf_abc" not in told


def test_a_bomb_of_aliases_is_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    lines = ["a0: &a0 [lol, lol]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60))]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert "aliases (*name) are not read in line 2" in refusal(Request(file=str(file)))


def test_a_file_that_is_too_large_or_not_there_is_told(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    assert "No such file" in refusal(Request(file=str(file)))
    file.write_text("# " + "x" * 1_000_000, encoding="utf-8")
    assert "has more than 1,000,000 bytes" in refusal(Request(file=str(file)))
    file.write_bytes(b"\xff\xfe\x00")
    assert "is no YAML that can be read" in refusal(Request(file=str(file)))
