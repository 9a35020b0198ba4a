"""Code of a repository runs only where it is trusted, in the child, whatever becomes of that."""

from __future__ import annotations

import json

import pytest

from tests.preflight.conftest import ask, failure
from tests.preflight.hub import Blob, Repo

CODE = """
{first}
from transformers import LlamaConfig, LlamaForCausalLM


class OwnConfig(LlamaConfig):
    model_type = "own_of_a_test"


class OwnForCausalLM(LlamaForCausalLM):
    config_class = OwnConfig
"""


@pytest.fixture
def own(good: Repo) -> Repo:
    """A repository with code of its own."""
    config = json.loads(good.files["config.json"].head)
    auto_map = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnForCausalLM"}
    config |= {"model_type": "own_of_a_test", "architectures": ["OwnForCausalLM"], "auto_map": auto_map}
    good.files["config.json"] = Blob.of(json.dumps(config).encode())
    good.files["own.py"] = Blob.of(CODE.format(first="").encode())
    return good


def test_code_that_is_trusted_is_loaded(own: Repo) -> None:
    result = ask("org/good", "trust_remote_code=True", until="keys")
    assert result.failures == ()
    assert result.found.keys is not None
    assert result.found.keys.loaded_by == "AutoModelForCausalLM"
    assert result.found.access is not None
    assert result.found.access.model.commit == own.commit


def test_code_that_is_not_trusted_does_not_run(own: Repo) -> None:
    own.files["own.py"] = Blob.of(b"import os; os._exit(9)")
    diagnosis = failure(ask("org/good", until="keys"), "size")
    assert diagnosis.code == "architecture_unknown"
    assert "trust_remote_code" in diagnosis.remedy


@pytest.mark.parametrize(
    ("first", "code", "said"),
    [
        ("import no_package_at_all.inner", "package_missing", "not installed here: no_package_at_all."),
        ("import os; os._exit(9)", "unexpected", "ended by the exit code 9"),
        ("import os; os.kill(os.getpid(), 9)", "memory_too_small", "more than there is"),
        pytest.param("1 / 0", "unexpected", "ZeroDivisionError: division by zero", id="unexpected"),
        ("raise SystemExit", "unexpected", "SystemExit"),
    ],
)
def test_what_becomes_of_it_is_told(own: Repo, first: str, code: str, said: str) -> None:
    own.files["own.py"] = Blob.of(CODE.format(first=first).encode())
    diagnosis = failure(ask("org/good", "trust_remote_code=True", until="keys"), "keys")
    assert diagnosis.code == code
    assert said in diagnosis.cause
