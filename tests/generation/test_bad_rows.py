"""One bad row is one bad row: what goes wrong with one model type leaves all others as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hfci.cases.manifest import load_manifest
from hfci.generation import check, generate, validate
from hfci.generation.tools import collection_problems

from ..releases import release

BERT, GPT2 = "text_encoder/test_bert.py", "text_decoder/test_gpt2.py"
TEST = "def test_builds_tiny(tiny: TinyModel)"


def hfci(*arguments: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PYTEST_"))}
    command = [sys.executable, "-m", "hfci", *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**kept, **extra}, capture_output=True, text=True, timeout=600, check=False
    )


def records(folder: Path) -> list[dict[str, Any]]:
    (path,) = folder.glob("records-*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][1:]


# What a template makes of one model type.

NONSENSE = {
    "validate": ("def broken(:\n", "test_bert.py:"),
    "render": ("{{ nowhere }}\n", "'nowhere' is undefined"),
}


def spoil(templates: Path, stage: str, model_type: str = "bert") -> None:
    """Have the base template give nonsense for one model type."""
    source = templates / "_smoke.py.jinja"
    text = source.read_text()
    assert text.count(TEST) == 1
    nonsense = f'{{% if model_type == "{model_type}" %}}\n{NONSENSE[stage][0]}{{% endif %}}\n'
    source.write_text(text.replace(TEST, nonsense + TEST))


@pytest.mark.parametrize("stage", NONSENSE)
def test_a_template_that_makes_nonsense_of_one_model_type_spoils_that_one(
    templates: Path, rendered: Path, tmp_path: Path, stage: str
) -> None:
    spoil(templates, stage)
    out = tmp_path / "out"
    outcome = generate(["bert", "gpt2"], out, scratch=True, progress=False, templates=templates)
    assert (out / GPT2).read_bytes() == (rendered / GPT2).read_bytes()
    assert (out / "text_encoder" / "test_bert_functional.py").exists()  # of which the template makes sense
    assert not (out / BERT).exists()
    row = load_manifest(out / "manifest.json")["bert"]
    base = row.architecture("BertModel")
    assert (base.stage, base.family) == (stage, "text_encoder")
    assert NONSENSE[stage][1] in (base.error or "")
    assert base.error in (row.error or "")
    assert [(problem.file, problem.rule) for problem in outcome.problems] == [("bert/BertModel", stage)]
    assert [(problem.file, problem.rule) for problem in validate([], out, progress=False)] == [
        ("bert/BertModel", stage)
    ]
    assert check([], out, progress=False, templates=templates) == ""
    schema = Path(__file__).parents[2] / "hfci" / "cases" / "data" / "manifest.schema.json"
    jsonschema.validate(json.loads((out / "manifest.json").read_text()), json.loads(schema.read_text()))


def test_an_earlier_test_of_a_row_that_is_bad_now_does_not_stay(templates: Path, out: Path) -> None:
    spoil(templates, "validate")
    outcome = generate(["bert"], out, scratch=True, progress=False, templates=templates)
    assert outcome.removed == (BERT,)
    assert (out / GPT2).exists()
    again = generate(["bert"], out, scratch=True, progress=False)  # the template is mended
    assert (again.written, again.problems) == ((BERT,), ())


def test_a_bad_row_is_a_red_record_and_everything_else_runs(templates: Path, tmp_path: Path) -> None:
    spoil(templates, "validate")
    generate(["bert", "gpt2"], tmp_path / "generated", scratch=True, progress=False, templates=templates)
    done = hfci("run", "bert", "gpt2", "--check", "builds_tiny", "--generated", "generated", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    told = {record["model_type"]: record for record in records(tmp_path / "results")}
    assert told["gpt2"]["outcome"] == "passed"
    assert (told["bert"]["outcome"], told["bert"]["architecture"]) == ("not-run", "BertModel")
    assert "no test: validate: test_bert.py:" in told["bert"]["reason"]


# What transformers makes of one model type.

MODELING = "models/bert/modeling_bert.py"
RAISES = {
    MODELING: lambda text: text + "\nraise RuntimeError('out of order')\n",
    "models/gpt2/configuration_gpt2.py": lambda text: "import sys\nsys.exit('no configuration')\n" + text,
}


def test_a_row_of_the_catalog_that_raises_is_an_error_of_that_row(tmp_path: Path) -> None:
    env = release(tmp_path / "release", RAISES)
    found = hfci("catalog", "bert", "gpt2", "albert", "nougat", "--json", cwd=tmp_path, **env)
    assert found.returncode == 1, found.stderr
    rows = {row["model_type"]: row for row in json.loads(found.stdout)["model_types"]}
    assert "BertModel: RuntimeError: out of order" in rows["bert"]["error"]
    assert rows["gpt2"]["error"] == "cannot be read: SystemExit: no configuration"
    assert "GPT2LMHeadModel" in [one["name"] for one in rows["gpt2"]["architectures"]]
    assert (rows["albert"]["error"], rows["nougat"]["error"]) == (None, None)
    assert rows["nougat"]["reason"]

    made = hfci("generate", "bert", "gpt2", "albert", "--scratch", cwd=tmp_path, **env)
    assert made.returncode == 1, made.stderr
    assert "bert/BertModel: catalog: RuntimeError: out of order" in made.stderr
    assert "gpt2/GPT2Model: catalog: SystemExit: no configuration" in made.stderr
    assert "Traceback" not in made.stderr
    manifest = load_manifest(tmp_path / "generated" / "manifest.json")
    assert manifest["albert"].rung == "generated"
    assert manifest["bert"].architecture("BertModel").stage == "catalog"

    done = hfci("run", "bert", "gpt2", "albert", "--check", "builds_tiny", cwd=tmp_path, **env)
    assert done.returncode == 1, done.stdout + done.stderr
    outcomes = {record["model_type"]: record["outcome"] for record in records(tmp_path / "results")}
    assert outcomes == {"bert": "not-run", "gpt2": "not-run", "albert": "passed"}


def test_outside_a_checkout_a_run_of_a_bad_row_goes_on_with_the_others(tmp_path: Path) -> None:
    env = release(tmp_path / "release", {MODELING: RAISES[MODELING]})
    done = hfci("run", "bert", "albert", "--check", "builds_tiny", cwd=tmp_path, **env)
    assert done.returncode == 1, done.stdout + done.stderr
    outcomes = {record["model_type"]: record["outcome"] for record in records(tmp_path / "results")}
    assert outcomes == {"bert": "not-run", "albert": "passed"}


# Classes that no other holds; what building each does, and what its architecture's error says.
SPOILT = {
    "BertForNextSentencePrediction": ("import os; os._exit(7)", "the process ended with exit code 7"),
    "BertForMultipleChoice": ("import sys; sys.exit('enough')", "SystemExit: enough"),
    "BertForQuestionAnswering": ("import ctypes; ctypes.string_at(0)", "the process died of SIGSEGV"),
    "BertForTokenClassification": ("type(self)(config)", "RecursionError"),
}


def test_models_that_end_their_process_while_they_are_verified_are_errors_of_their_architectures(
    tmp_path: Path,
) -> None:
    def spoiled(text: str) -> str:
        for name, (line, _) in SPOILT.items():
            head, start, rest = text.partition(f"class {name}(BertPreTrainedModel):")
            assert start
            text = head + start + rest.replace("        super().__init__(config)\n", f"        {line}\n", 1)
        return text

    env = release(tmp_path / "release", {MODELING: spoiled})
    made = hfci("generate", "bert", "gpt2", cwd=tmp_path, **env)
    assert made.returncode == 0, made.stderr  # their tests will say it
    manifest = load_manifest(tmp_path / "generated" / "manifest.json")
    row = manifest["bert"]
    for name, (_, said) in SPOILT.items():
        spoiled_one = row.architecture(name)
        assert spoiled_one.stage == "build"
        assert said in (spoiled_one.error or "")
    unbuilt = {architecture.name for architecture in row.architectures if architecture.parameters is None}
    assert unbuilt == SPOILT.keys()
    assert manifest["gpt2"].architecture("GPT2Model").parameters == 116480
    assert row.rung == "generated"


# What pytest makes of one file.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import os\nos._exit(0)\n", "to import it ends the process with exit code 0"),
        ("raise RuntimeError('no')\n", "RuntimeError: no"),
        ("import sys\nsys.exit(3)\n", ""),
    ],
)
def test_a_file_that_breaks_collection_hides_no_other(out: Path, text: str, said: str) -> None:
    (out / "text_encoder" / "test_bad.py").write_text(text)
    (out / "text_encoder" / "test_worse.py").write_text("def test_of(nothing:\n")
    paths = [BERT, "text_encoder/test_bad.py", "text_encoder/test_worse.py", GPT2]
    problems = {problem.file: problem.message for problem in collection_problems(out, paths)}
    assert sorted(problems) == ["text_encoder/test_bad.py", "text_encoder/test_worse.py"]
    assert said in problems["text_encoder/test_bad.py"]
