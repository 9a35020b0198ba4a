"""Where packages come from, as real pip says it of a real repository; and what one job resolves for the others."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distributions
from pathlib import Path
from runpy import run_path

import pytest

from hfci.packages import addresses

ROOT = Path(__file__).parents[1]
FREEZE = ROOT / ".github" / "actions" / "setup" / "freeze.py"

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
# Builds a wheel of one module without any other package, so that pip needs no index.
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


def install(folder: Path, *what: str) -> Path:
    """Install into a new environment, with its own pip and without any index; return where packages are."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    command = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-index", *what]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (found,) = folder.glob("lib/python*/site-packages")
    return found


def test_what_one_job_resolves_another_installs_though_the_branch_has_moved_on(
    tmp_path: Path, git: Git, served: str
) -> None:
    first = git("rev-parse", "HEAD")
    url = f"git+{served}/repository/.git"
    site = install(tmp_path / "plan", f"moving @ {url}@main#subdirectory=part")
    assert addresses(distributions(path=[str(site)])) == {"moving": f"{url}@{first}#subdirectory=part"}
    (tmp_path / "repository" / "part" / "moving.py").write_text("NIGHT = 2\n")
    git("commit", "--quiet", "--all", "--message", "two")
    git("update-server-info")
    frozen = [line for line in run_path(str(FREEZE))["freeze"](distributions(path=[str(site)])) if "moving" in line]
    assert frozen == [f"moving @ {url}@{first}#subdirectory=part"]
    (tmp_path / "environment.txt").write_text("\n".join(frozen))
    site = install(tmp_path / "shard", "--requirement", str(tmp_path / "environment.txt"))
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
