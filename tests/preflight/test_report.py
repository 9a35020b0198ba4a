"""The report says what was found, to people and to programs, and never a secret."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from hfci.preflight.configuration import Configuration, Model, Request
from hfci.preflight.diagnosis import Diagnosed, diagnoses
from hfci.preflight.masking import Masking
from hfci.preflight.report import facts, headline, markdown
from hfci.preflight.result import Result, StageResult
from hfci.preflight.size import Size
from hfci.preflight.stages import STAGES, Found, Resolved
from hfci.preflight.weights import Weights
from tests.preflight.hub import GOOD_TOKEN, Hub, Repo
from tests.warm import COLD

HOSTILE = "a|b <img src=x> `c` [d](http://e) @f #1 \x1b[31m ::error::g\n::warning::h"


def result(name: str = "org/name", *stages: StageResult, until: str = "report", size: Size | None = None) -> Result:
    configuration = Resolved(
        configuration=Configuration(model=Model(name=name)),
        command="lm_eval",
        from_pretrained={},
        tokenizer={},
        versions={"python": "3.11"},
    )
    code = next((stage.diagnosis.exit_code for stage in stages if stage.diagnosis is not None), 0)
    return Result(
        request=Request(model=name),
        until=until,
        begun="2026-11-30T08:00:00+00:00",
        python="python",
        stages=stages or (StageResult(stage="configuration", outcome="passed"),),
        found=Found(configuration=configuration, size=size),
        exit_code=code,
    )


def sized(**changed: object) -> Size:
    fields: dict[str, object] = {
        "model_type": "llama",
        "architectures": ("LlamaForCausalLM",),
        "stored_dtype": "bfloat16",
        "quantization": None,
        "parameters": 20_000_000_000,
        "by_dtype": {"BF16": 20_000_000_000},
        "weight_bytes": 40_000_000_000,
        "weights": Weights(files=(), format="safetensors"),
        "asked_dtype": "float16",
        "asked_bytes": 40_000_000_000,
        "download_bytes": 39_000_000_000,
        "download_files": (),
        "cached_bytes": 1_000_000_000,
        "disk": "/cache",
        "free_bytes": 100_000_000_000,
    }
    return Size(**fields | changed)  # type: ignore[arg-type]


def test_parameters_have_separators_and_sizes_both_units() -> None:
    told = dict(facts(result(size=sized()).found))
    assert told["Parameters"] == "20,000,000,000 stored (20,000,000,000 BF16)"
    assert told["Size stored"] == "40.00 GB (37.25 GiB)"
    assert told["Size as asked for"] == "40.00 GB (37.25 GiB) in float16"
    assert told["Versions"] == "python 3.11"
    assert told["To download"] == "39 GB; 1 GB are cached; 100 GB are free in /cache"


def test_of_a_quantised_checkpoint_what_is_stored_is_told_with_the_method() -> None:
    size = sized(quantization="mxfp4", by_dtype={"U8": 11_000, "BF16": 2_000}, weight_bytes=13_000_000_000)
    told = dict(facts(result(size=size).found))
    assert told["Parameters"] == "13,000 stored (11,000 U8, 2,000 BF16, several packed in one)"
    assert told["Size stored"] == "13.00 GB (12.11 GiB), quantised with mxfp4"
    assert told["Size as asked for"] == "40.00 GB (37.25 GiB) in float16, if it is dequantised"


def test_the_verdict_is_in_the_first_line() -> None:
    failed = StageResult(stage="access", outcome="failed", diagnosis=Diagnosed("disabled", model="m").at("access"))
    assert headline(result()) == "✅ Model test successful: org/name"
    assert headline(result(until="size")) == "✅ Model test successful until size: org/name"
    assert headline(result("org/name", failed)) == "❌ Model test failed: org/name: disabled"
    stopped = StageResult(stage="access", outcome="interrupted")
    assert headline(result("org/name", stopped)) == "⏹ Model test interrupted: org/name"


def test_what_a_repository_says_is_inert_on_the_page() -> None:
    diagnosis = Diagnosed("config_invalid", HOSTILE, problem=HOSTILE).at("size")
    page = markdown(result(HOSTILE, StageResult(stage="size", outcome="failed", diagnosis=diagnosis)), Masking([]))
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    assert "<img" not in html
    assert "<a " not in html
    assert not re.search(r"^::", page, re.MULTILINE)
    assert "\x1b" not in page


def schema() -> Draft202012Validator:
    text = (files("hfci.preflight") / "data" / "preflight.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


@pytest.mark.parametrize("name", ["org/private", "org/absent"])
def test_no_token_is_in_anything_that_is_written(
    hub: Hub, good: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """With a private repository whose token is used, and with one that is not there, as talkative as can be."""
    good.private = True
    hub.repos["org/private"] = good
    monkeypatch.setenv("HF_TOKEN", GOOD_TOKEN)
    monkeypatch.setenv("HF_DEBUG", "1")
    monkeypatch.setenv("HF_HUB_VERBOSITY", "debug")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    arguments = [
        name,
        "--model-args",
        f"think_end_token={GOOD_TOKEN}",
        "--until",
        "size",
        "--out",
        str(tmp_path / "out"),
    ]
    command = [COLD, "-m", "hfci", "preflight", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if name == "org/private" else 2), done.stderr
    assert any(each.has_token for each in hub.requests)
    assert (f"successful until size: {name}" if name == "org/private" else "model_not_found") in done.stdout
    written = {
        path.name: path.read_text(encoding="utf-8") for path in [*(tmp_path / "out").iterdir(), tmp_path / "page.md"]
    }
    assert {*written} == {"preflight.json", "preflight.log", "preflight.md", "page.md"}
    assert "/api/models/" in written["preflight.log"]
    for text in (*written.values(), done.stdout, done.stderr):
        assert GOOD_TOKEN not in text
    schema().validate(json.loads(written["preflight.json"]))


def test_every_code_names_a_test_that_there_is() -> None:
    """When that runs, it fails unless it produces the code: `codes_are_produced` in conftest.py."""
    for row in diagnoses().values():
        file, _, name = row.test.partition("::")
        function, _, given = name.rstrip("]").partition("[")
        test = getattr(importlib.import_module(f"tests.preflight.{file.removesuffix('.py')}"), function)
        marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
        identities = {getattr(case, "id", None) for mark in marks for case in mark.args[1]}
        assert given in (identities if marks else {""}), row.test


def test_every_code_names_stages_that_there_are_or_will_be() -> None:
    order = ["configuration", "access", "size", "keys", "rehearsal", "download", "load", "hello", "report"]
    assert [stage.name for stage in STAGES] == [name for name in order if name in {stage.name for stage in STAGES}]
    for row in diagnoses().values():
        assert list(row.stages) == sorted(row.stages, key=order.index)
