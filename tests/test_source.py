"""A checkout of transformers, as whoever works on it meets hfci: real processes, a copy of the installed one in git."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hfci.checkout import is_secret, package_in, without_secrets
from hfci.errors import UsageError
from hfci.origin import Origin, find_transformers, version_of
from tests.test_cli import run

LLAMA = "models/llama/modeling_llama.py"
FORWARD = "        if (input_ids is None) ^ (inputs_embeds is not None):"
SECRETS = {"HF_TOKEN": "hf_s3cret", "GITHUB_TOKEN": "s3cret", "AWS_SECRET_ACCESS_KEY": "s3cret", "MY_API_KEY": "s3cret"}


class Checkout:
    """A clone of transformers as its contributors have it, and a folder from where hfci is called."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "transformers"
        self.package = self.root / "src" / "transformers"
        self.cwd = folder / "elsewhere"
        self.cwd.mkdir()
        skipped = shutil.ignore_patterns("__pycache__", "*.so", "*.cu", "*.cuh", "*.cpp", "*.h")
        shutil.copytree(find_transformers(), self.package, ignore=skipped)
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "as installed")

    def git(self, *arguments: str) -> str:
        named = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "gc.auto=0"]
        done = subprocess.run(["git", *named, *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def hfci(self, command: str, *arguments: str, cwd: Path | None = None, **extra: str) -> Any:
        return run(command, "--source", str(self.root), *arguments, cwd=cwd or self.cwd, **extra)

    @contextmanager
    def changed(self, name: str, old: str, new: str) -> Iterator[None]:
        path = self.package / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")

    def headers(self, folder: str) -> list[dict[str, Any]]:
        files = sorted((self.cwd / folder).rglob("records-*.jsonl"))
        return [json.loads(path.read_text(encoding="utf-8").splitlines()[0]) for path in files]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("source"))


def test_the_header_says_which_transformers_was_imported_and_its_code_sees_no_token(checkout: Checkout) -> None:
    spy = "import os as _os, pathlib as _p\n_p.Path({!r}).write_text(repr(dict(_os.environ)))\n"
    seen = checkout.cwd / "environment"
    with checkout.changed(LLAMA, "import torch\n", "import torch\n" + spy.format(str(seen))):
        done = checkout.hfci("run", "llama", "--check", "builds_tiny", "--results", "spied", **SECRETS)
    assert done.returncode == 0, done.stdout + done.stderr
    (head,) = checkout.headers("spied")
    assert head["source"]["path"] == str(checkout.package)
    assert head["source"]["commit"] == checkout.git("rev-parse", "HEAD")
    assert head["source"]["version"] == head["versions"]["transformers"] == version_of(find_transformers())
    assert "s3cret" not in seen.read_text()
    assert "PATH" in seen.read_text()
    line = next((checkout.cwd / "spied").glob("*.jsonl")).read_text().splitlines()[1]
    assert f"--source {checkout.root}" in json.loads(line)["reproduce"]


def test_check_tells_what_an_edit_breaks(checkout: Checkout) -> None:
    """Broken: a composite's part that no import of its own names. Found 1 and Found 2 of the same kind, in one go."""
    with checkout.changed(LLAMA, FORWARD, f"        raise ValueError('broken on purpose')\n{FORWARD}"):
        done = checkout.hfci("check", "--since", "HEAD", "llava", "vit", "--results", "broken")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Assumed green: vit (" in done.stdout
    assert "broken on purpose" in done.stdout
    assert "Red: " in done.stdout
    done = checkout.hfci("check", "--since", "main", "llava", "vit", "--results", "whole")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Assumed green: llava, vit (" in done.stdout
    assert not (checkout.cwd / "whole").exists() or not checkout.headers("whole")


def test_a_plan_of_one_transformers_is_not_run_on_another(checkout: Checkout) -> None:
    done = checkout.hfci("generate", "--scratch", "--out", "tests", "bert")
    assert done.returncode == 0, done.stderr
    done = checkout.hfci("plan", "bert", "--tier", "smoke", "--generated", "tests", "--shards", "1")
    assert done.returncode == 0, done.stderr
    assert json.loads((checkout.cwd / "plan.json").read_text())["source"]["path"] == str(checkout.package)
    with checkout.changed(LLAMA, "import torch\n", "import torch\n\nCHANGED = True\n"):
        done = checkout.hfci("run", "--shard", "plan.json:0", "--generated", "tests", "--results", "other")
    assert done.returncode == 2
    assert "what was planned is not what would be tested" in done.stderr
    assert not (checkout.cwd / "other").exists()


def test_a_revision_of_a_checkout_that_is_not_tested_is_wrong_use(checkout: Checkout) -> None:
    (checkout.cwd / "empty").mkdir()
    (checkout.cwd / "tests").exists() or checkout.hfci("generate", "--scratch", "--out", "tests", "bert")
    done = run("plan", "bert", "--generated", str(checkout.cwd / "tests"), "--since", "HEAD", cwd=checkout.root)
    assert done.returncode == 2, done.stdout
    assert "not about the checkout here: for that, add --source ." in done.stderr
    assert "where nothing lies that is tested" in done.stderr
    assert "--source DIR" in done.stderr


def test_tests_of_other_registries_are_refused_and_rendered_anew(checkout: Checkout) -> None:
    """As in a version in development: the same version, and a model type that the tests do not know."""
    (checkout.cwd / "tests").exists() or checkout.hfci("generate", "--scratch", "--out", "tests", "bert")
    auto = "models/auto/modeling_auto.py"
    with checkout.changed(auto, '        ("albert", "AlbertModel"),\n', ""):
        done = checkout.hfci("run", "bert", "--generated", "tests")
        assert done.returncode == 2, done.stdout
        assert "is for another state of transformers" in done.stderr
        done = checkout.hfci("generate", "--out", "tests", "vit")
        assert done.returncode == 2, done.stdout
        assert "with other model types or classes in its registries" in done.stderr


@pytest.mark.parametrize("name", ["src", "src/transformers/models", "nowhere"])
def test_what_is_no_checkout_is_wrong_use(checkout: Checkout, name: str) -> None:
    if name == "src":
        assert package_in(checkout.root / "src") == package_in(checkout.root) == checkout.package
        return
    with pytest.raises(UsageError, match="is no checkout of transformers"):
        package_in(checkout.root / name)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("HF_TOKEN", True), ("HUGGING_FACE_HUB_TOKEN", True), ("GITHUB_TOKEN", True), ("GH_TOKEN", True),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", True), ("ACTIONS_RUNTIME_TOKEN", True), ("AWS_SECRET_ACCESS_KEY", True),
        ("AWS_ACCESS_KEY_ID", True), ("OPENAI_API_KEY", True), ("WANDB_APIKEY", True), ("PGPASSWORD", True),
        ("GOOGLE_APPLICATION_CREDENTIALS", True), ("SSH_AUTH_SOCK", True), ("my_secret", True), ("DB_PASS", True),
        ("TOKENIZERS_PARALLELISM", False), ("PWD", False), ("OLDPWD", False), ("PATH", False), ("KEYBOARD", False),
        ("HF_HUB_DISABLE_IMPLICIT_TOKEN", False), ("GITHUB_STEP_SUMMARY", False), ("PYTHONPATH", False),
        ("AUTHOR", False), ("MONKEY", False), ("COMPAT", False),
    ],
)  # fmt: skip
def test_what_a_secret_is_called(name: str, secret: bool) -> None:
    assert is_secret(name) is secret
    assert (name in without_secrets({name: "x"})) is not secret


def test_an_environment_in_a_repository_is_none_of_its_commits(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "kept").write_text("x")
    named = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "add", "kept"], cwd=tmp_path, check=True)
    subprocess.run(["git", *named, "commit", "-q", "-m", "x"], cwd=tmp_path, check=True)
    package = tmp_path / "env" / "transformers"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('__version__ = "5.99.0.dev0"\n')
    found = Origin.at(package)
    assert (found.version, found.commit) == ("5.99.0.dev0", None)
    (package / "new.py").write_text("x = 1\n")
    assert Origin.at(package).digest != found.digest
    subprocess.run(["git", "add", "env"], cwd=tmp_path, check=True)
    assert len(Origin.at(package).commit or "") == 40
