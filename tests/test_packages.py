"""Where packages come from, as the real uv says it of a real repository; and what one job resolves for the others."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distributions
from pathlib import Path

import pytest

from hfci.packages import addresses
from tests.warm import COLD

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
# Builds a wheel of one module without any other package, so that uv needs no index.
BACKEND = """
import pathlib, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, info = "moving-1.0-py3-none-any.whl", "moving-1.0.dist-info"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        wheel.write("moving.py")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: moving\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Return what runs git in a repository whose package, below a folder, keeps its version while `main` moves on."""
    part = tmp_path / "repository" / "part"
    part.mkdir(parents=True)
    for name, text in {"pyproject.toml": PROJECT, "backend.py": BACKEND, "moving.py": "NIGHT = 1\n"}.items():
        (part / name).write_text(text)

    def git(*arguments: str) -> str:
        who = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(tmp_path / "repository"), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "one")
    git("update-server-info")
    return git


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield an address of this machine from which git can read."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def uv(*words: object) -> None:
    """Run uv, without any index."""
    command = [COLD, "-m", "uv", "pip", words[0], "--no-config", "--no-index", "--quiet", *words[1:]]
    subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)


def test_what_one_job_resolves_another_installs_though_the_branch_has_moved_on(
    tmp_path: Path, git: Git, served: str
) -> None:
    first = git("rev-parse", "HEAD")
    url = f"git+{served}/repository/.git"
    asked, environment = tmp_path / "asked.txt", tmp_path / "environment.txt"
    asked.write_text(f"moving @ {url}@main#subdirectory=part")
    uv("compile", "--universal", "--no-header", "--no-annotate", asked, "--output-file", environment)
    assert environment.read_text().strip() == f"moving @ {url}@{first}#subdirectory=part"
    (tmp_path / "repository" / "part" / "moving.py").write_text("NIGHT = 2\n")
    git("commit", "--quiet", "--all", "--message", "two")
    git("update-server-info")
    subprocess.run([COLD, "-m", "venv", "--without-pip", tmp_path / "shard"], check=True)
    uv("install", "--python", tmp_path / "shard" / "bin" / "python", "--requirement", environment)
    (site,) = (tmp_path / "shard").glob("lib/python*/site-packages")
    assert (site / "moving.py").read_text() == "NIGHT = 1\n"
    assert addresses(distributions(path=[str(site)])) == {"moving": f"{url}@{first}#subdirectory=part"}


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ({"url": "https://x.example/a.zip", "archive_info": {}}, "https://x.example/a.zip"),
        ({"url": "https://me:s3cr3t@x.example/a.zip", "archive_info": {}}, "https://x.example/a.zip"),
        (
            {"url": "https://me:s3cr3t@x.example/r", "vcs_info": {"vcs": "git", "commit_id": "c" * 40}},
            f"git+https://x.example/r@{'c' * 40}",
        ),
        ({"url": "ssh://git@x.example/r", "vcs_info": {"vcs": "git", "commit_id": "c" * 40}}, None),
        ({"url": "file:///mine", "dir_info": {"editable": True}}, "file:///mine"),
        ([], ""),
        ({}, ""),
        ({"url": 3}, ""),
        ("no JSON", ""),
    ],
)
def test_an_address_tells_no_password(tmp_path: Path, said: object, address: str | None) -> None:
    place = tmp_path / "some-1.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: some\nVersion: 1\n")
    (place / "direct_url.json").write_text(said if isinstance(said, str) else json.dumps(said))
    wanted = f"git+ssh://git@x.example/r@{'c' * 40}" if address is None else address
    assert addresses(distributions(path=[str(tmp_path)])) == ({"some": wanted} if wanted else {})
