"""A package with backends of its own: what works is green, each way to misbehave is told apart, and others go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .support import read_lines, run_pytest

ACME = Path(__file__).parent / "acme"

TEST = """
import pytest

from hfci import checks

pytestmark = pytest.mark.hfci(family="text_encoder", tier="deep")


@pytest.mark.hfci(model_type="bert", architecture="BertModel")
@pytest.mark.parametrize("check", {checks})
def test_bert(tiny, check):
    checks.assert_holds(tiny, check)


@pytest.mark.timeout(10, method="signal")
@pytest.mark.hfci(model_type="bert", architecture="BertModel")
@pytest.mark.parametrize("check", ["exported_equals_eager[backend=acme_hangs]"])
def test_bert_hangs(tiny, check):
    checks.assert_holds(tiny, check)


@pytest.mark.hfci(model_type="vit", architecture="ViTModel")
@pytest.mark.parametrize("check", ["exported_equals_eager[backend=acme]"])
def test_vit(tiny, check):
    checks.assert_holds(tiny, check)


def louder(module, given, output):
    return output * 1.01 if checks_compiling() else output


def checks_compiling():
    import torch

    return torch.compiler.is_compiling()


@pytest.mark.hfci(model_type="albert", architecture="AlbertModel")
@pytest.mark.parametrize("check", ["exported_equals_eager[backend=acme]"])
def test_albert(tiny, check):
    tiny.model.pooler.register_forward_hook(louder)
    checks.assert_holds(tiny, check)
"""

# Backend → outcome, stage, type and a part of the message.
EXPECTED: dict[str, tuple[str, str | None, str, str]] = {
    "acme": ("passed", None, "", ""),
    "acme_exits": ("failed", "compile", "SystemExit", "stops at compile"),
    "acme_format": ("passed", None, "", ""),
    "acme_gives_less": ("failed", "compare", "AssertionError", "last_hidden_state is (2, 1, "),
    "acme_gives_nothing": ("failed", "compile", "BackendBroken", "returns a NoneType, which cannot be called"),
    "acme_hands_back": ("failed", "compare", "AssertionError", "it gives back its inputs: "),
    "acme_hangs": ("failed", "check", "Failed", "Timeout"),
    "acme_is_a_number": ("failed", "compile", "BackendBroken", "is no function, and registers no exporter"),
    "acme_kills": ("failed", "check", "WorkerDied", "SIGKILL"),
    "acme_lacks": ("unavailable", "compile", "", "acme_runtime_that_nobody_has"),
    "acme_raises": ("failed", "compile", "BackendBroken", "RuntimeError: the driver of the chip does not answer"),
    "acme_runs_out": ("failed", "memory", "MemoryError", "the chip has 4 KiB"),
    "acme_without": ("failed", "compile", "BackendBroken", "cannot be imported: AttributeError"),
    "eager": ("passed", None, "", ""),
    "no_such": ("failed", "compile", "UsageError", "there is no backend 'no_such'; there are acme, "),
}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """Return model type and backend → the record of the one run of all of them, in one worker."""
    folder = tmp_path_factory.mktemp("acme")
    asked = [f"exported_equals_eager[backend={name}]" for name in EXPECTED if name != "acme_hangs"]
    (folder / "test_acme.py").write_text(TEST.format(checks=asked), encoding="utf-8")
    done = run_pytest(folder, "-n", "1", "--dist", "loadfile", PYTHONPATH=str(ACME))
    assert done.returncode == 1, done.stdout
    return {(record["model_type"], record["backend"]): record for record in read_lines(folder / "out")[1]}


@pytest.mark.parametrize("backend", EXPECTED)
def test_what_a_backend_does_is_told_apart(records: dict[tuple[str, str], dict[str, Any]], backend: str) -> None:
    outcome, stage, kind, said = EXPECTED[backend]
    record = records["bert", backend]
    assert record["outcome"] == outcome, record
    if outcome == "failed":
        assert (record["stage"], record["error"]["type"]) == (stage, kind)
        assert said in record["error"]["message"]
    elif outcome == "unavailable":
        assert said in record["reason"]


def test_the_operator_that_stopped_it_is_told(records: dict[tuple[str, str], dict[str, Any]]) -> None:
    record = records["vit", "acme"]
    assert (record["outcome"], record["stage"]) == ("failed", "compile")
    assert record["error"]["operator"].startswith("aten.conv")


def test_the_worst_of_what_it_gives_is_told(records: dict[tuple[str, str], dict[str, Any]]) -> None:
    record = records["albert", "acme"]
    assert (record["outcome"], record["stage"]) == ("failed", "compare")
    worst = record["error"]["worst"]
    assert worst["output"] == "pooler_output"
    assert worst["allowed"] < worst["difference"] < 0.01
    assert len(worst["place"]) == 2
