"""A ZenML pipeline of preflight, evaluation and upload, offline: a bad checkpoint stops it at the first step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import pytest

zenml = pytest.importorskip("zenml")
preflight_zenml = pytest.importorskip("hfci.preflight.zenml")

TEXTS = ["Hello, world!", "How are you?"]


@zenml.step(enable_cache=False)
def evaluate(preflight: dict[str, Any]) -> Annotated[dict[str, float], "losses"]:
    """Return the loss of each text, of the model loaded by the very arguments that preflight found."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    found = preflight["found"]["configuration"]
    name = found["configuration"]["model"]["name"]
    model = AutoModelForCausalLM.from_pretrained(name, **found["from_pretrained"]).eval()
    tokenizer = AutoTokenizer.from_pretrained(name, **found["tokenizer"])
    losses = {}
    for text in TEXTS:
        tokens = tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            losses[text] = float(model(tokens, labels=tokens).loss)
    return losses


@zenml.step(enable_cache=False)
def upload(losses: dict[str, float]) -> Annotated[str, "uri"]:
    """Write the losses into the artifact store that the stack has, and return where."""
    from zenml.client import Client
    from zenml.io import fileio

    uri = f"{Client().active_stack.artifact_store.path}/losses.json"
    with fileio.open(uri, "w") as file:
        file.write(json.dumps(losses))
    return uri


@zenml.pipeline
def evaluation(model: str) -> None:
    found = preflight_zenml.test_model_download(model=model, model_args=["dtype=float32"], performance={"num_gpus": 0})
    upload(evaluate(found))


@pytest.fixture(autouse=True)
def local_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have ZenML keep everything in a folder of the test's own, and tell nobody."""
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setenv("ZENML_LOCAL_STORES_PATH", str(tmp_path / "zenml" / "stores"))
    monkeypatch.setenv("ZENML_ANALYTICS_OPT_IN", "false")
    monkeypatch.setenv("ZENML_ENABLE_REPO_INIT_WARNINGS", "false")
    from zenml.client import Client
    from zenml.config.global_config import GlobalConfiguration

    GlobalConfiguration._reset_instance()
    Client._reset_instance()


def last_run() -> Any:
    """Return the run of the pipeline that was the last."""
    from zenml.client import Client

    return Client().get_pipeline("evaluation").last_run


def test_a_good_checkpoint_is_evaluated_and_uploaded(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation(model=str(checkpoint))

    run = last_run()
    assert {name: str(step.status) for name, step in run.steps.items()} == {
        "test_model_download": "completed",
        "evaluate": "completed",
        "upload": "completed",
    }
    told = run.run_metadata["preflight"]
    assert told["verdict"] == f"✅ Model test successful: {checkpoint}"
    assert told["exit_code"] == 0
    assert next(iter(told["seconds"])) == "configuration"
    assert "lm_eval run" in told["Evaluation"]

    written = Path(run.steps["upload"].output.load())
    assert written.is_relative_to(tmp_path / "zenml")
    assert set(json.loads(written.read_text(encoding="utf-8"))) == set(TEXTS)

    said = capsys.readouterr().out
    assert said.index("load …") < said.index("load: passed") < said.index("Model test successful")


def test_a_bad_checkpoint_stops_the_pipeline_before_the_evaluation(checkpoint: Path, tmp_path: Path) -> None:
    bad = shutil.copytree(checkpoint, tmp_path / "bad")
    config = json.loads((bad / "config.json").read_text(encoding="utf-8"))
    (bad / "config.json").write_text(json.dumps({**config, "hidden_size": 2 * config["hidden_size"]}), encoding="utf-8")

    with pytest.raises(RuntimeError, match="test_model_download"):
        evaluation(model=str(bad))

    run = last_run()
    assert str(run.status) == "failed"
    assert {name: str(step.status) for name, step in run.steps.items()} == {"test_model_download": "failed"}
    (failure,) = run.run_metadata["preflight"]["failures"]
    assert failure["code"] == "weights_do_not_match"
    assert failure["stage"] == "keys"
