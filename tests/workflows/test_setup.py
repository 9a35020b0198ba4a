"""The action that sets a job up: what it asks pip for, where, what it caches; what one job resolves for others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import zipfile
from importlib.metadata import distributions
from pathlib import Path
from runpy import run_path

import pytest

from tests.warm import COLD

from .projects import ASSERT, SMOKE, project
from .support import ROOT

TEXT: dict[str, bool] = {"capture_output": True, "text": True}
ACTION = ROOT / ".github" / "actions" / "setup"
NOTHING = dict.fromkeys(("HFCI", "TRANSFORMERS", "PACKAGES", "CONSTRAINTS", "ENVIRONMENT", "RESOLVED", "INDEX"), "")


def prepared(folder: Path, **asked: str) -> dict[str, str]:
    """Return all that prepare.py tells the runner."""
    files = {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH")}
    for file in files.values():
        Path(file).unlink(missing_ok=True)
    env = {**NOTHING, **files, **asked}
    subprocess.run([COLD, ACTION / "prepare.py", folder / "hfci"], env=env, check=True, **TEXT)
    lines = [line for name in ("GITHUB_OUTPUT", "GITHUB_ENV") if Path(files[name]).exists()
             for line in Path(files[name]).read_text().splitlines()]  # fmt: skip
    return dict(line.split("=", 1) for line in lines)


def test_the_key_is_another_one_where_something_else_would_be_installed(tmp_path: Path) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text("torch==2.13.0")
    frozen = tmp_path / "frozen.txt"
    frozen.write_text("torch==2.13.0")
    asked = [
        {},
        {"TRANSFORMERS": "transformers>=5.17,<6"},
        {"TRANSFORMERS": "transformers>=5.17,<6 " + "x" * 600},
        {"TRANSFORMERS": "transformers>=5.17,<6", "PACKAGES": "timm"},
        {"TRANSFORMERS": "transformers>=5.17,<6", "CONSTRAINTS": str(pins)},
        {"ENVIRONMENT": str(frozen)},
    ]
    keys = [prepared(tmp_path, **one)["key"] for one in asked]
    pins.write_text("torch==2.14.0")
    frozen.write_text("torch==2.14.0")
    keys += [prepared(tmp_path, **one)["key"] for one in asked[4:]]
    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys} == {64}


def test_words_are_apart_by_any_space(tmp_path: Path) -> None:
    told = prepared(tmp_path, TRANSFORMERS="transformers\r\ntorch\r\n", PACKAGES=" timm\u2028\nkey=evil\n")
    assert Path(told["asked"]).read_text() == "transformers\ntorch\ntimm\nkey=evil\n"
    assert len(told["key"]) == 64
    assert told["NOX_DEFAULT_VENV_BACKEND"] == "uv"


@pytest.mark.parametrize("option", ["--index-url=https://evil.example", "-r/etc/passwd", "--pre"])
def test_an_option_is_no_requirement(tmp_path: Path, option: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as raised:
        prepared(tmp_path, PACKAGES=f"timm {option}")
    assert f"{option!r} is an option and no requirement" in raised.value.stderr


def test_what_the_machine_says_to_pip_it_says_to_uv(tmp_path: Path) -> None:
    machine = {"PIP_FIND_LINKS": "/opt/wheels /more", "PIP_INDEX_URL": "https://mirror.example/simple"}
    told = prepared(tmp_path, **machine, PIP_EXTRA_INDEX_URL="https://own.example")
    assert (told["UV_FIND_LINKS"], told["UV_DEFAULT_INDEX"]) == ("/opt/wheels,/more", machine["PIP_INDEX_URL"])
    assert (told["UV_INDEX"], told["UV_INDEX_STRATEGY"]) == ("https://own.example", "unsafe-best-match")
    told = prepared(tmp_path, **machine, UV_FIND_LINKS="/own")
    assert "UV_FIND_LINKS" not in told  # what it says to uv itself stays
    assert "UV_INDEX_STRATEGY" not in told  # of one index there is no best


@pytest.mark.parametrize("index", ["https://download.pytorch.org/whl/cu128", "https://x.example\nPATH=evil"])
def test_an_index_is_one_variable(tmp_path: Path, index: str) -> None:
    told = prepared(tmp_path, INDEX=index)
    assert told["UV_INDEX"] == " ".join(index.split())
    assert "PATH" not in told


CALLER = """
on: push
permissions: {}
jobs:
  hfci:
    permissions: {contents: read}
    uses: $/.github/workflows/models.yml
    with:
      models: ${{ vars.MODELS }}
      tier: smoke
      transformers: ${{ vars.TRANSFORMERS }}
      packages: ${{ vars.PACKAGES }}
      generated: generated
"""


def test_a_requirement_with_a_comma_a_long_one_and_lists_that_were_written_on_windows(tmp_path: Path) -> None:
    emulator = project(tmp_path, {"one": ASSERT, "two": ASSERT}, files={".github/workflows/caller.yml": CALLER})
    long = "x" * 600
    asked = {"MODELS": "one\r\ntwo\r\n", "TRANSFORMERS": "transformers>=5.17,<6\r\n", "PACKAGES": f"timm>=1,<2 {long}"}
    told = emulator.run("caller.yml", vars=asked)
    assert {job.result for job in told.ran.values()} == {"success"}, told.log
    assert [call.files["asked.txt"] for call in told.resolved] == [["transformers>=5.17,<6", "timm>=1,<2", long]]
    plan = json.loads((told.artifact("coverage-summary-plan-1") / "plan.json").read_text())
    assert plan["names"] == ["one", "two"]


def test_what_an_earlier_job_left_on_a_machine_is_not_used(tmp_path: Path) -> None:
    """The hfci and the packages of a machine of one's own stay there: none of them is seen."""
    emulator = project(tmp_path, {"one": ASSERT}, runners=SMOKE.replace('"ubuntu-24.04"', '["self-hosted"]'))
    stale = tmp_path / "stale"
    stale.mkdir()
    for program in ("hfci", "nox"):
        (stale / program).write_text("#!/bin/sh\necho of an earlier commit >&2\nexit 1\n")
        (stale / program).chmod(0o755)
    path = f"{emulator.shims()}:{stale}:{os.environ['PATH']}"
    told = emulator.run("ci.yml", path=path, vars={"HFCI_MODELS": "one"})
    assert {job.result for job in told.ran.values()} == {"success"}, told.log
    assert told["models / smoke on small 1/1"].told["runs-on"] == ["self-hosted"]


# Each package, what a wheel of it is for, and what it needs.
WHEELS = {
    "torch-2.13.0-py3-none-any": ["cuda"],
    "torch-2.13.0+cpu-cp311-cp311-linux_x86_64": [],
    "cuda-1.0-py3-none-any": [],
    "timm-1.0-py3-none-any": ["torch"],
    "timm-1.1-py3-none-any": ["torch"],
}


def wheels(folder: Path) -> Path:
    """Make an index: a folder of wheels."""
    folder.mkdir()
    for name, needs in WHEELS.items():
        package, version, tag = name.split("-", 2)
        with zipfile.ZipFile(folder / f"{name}.whl", "w") as wheel:
            info = f"{package}-{version}.dist-info"
            head = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
            wheel.writestr(f"{info}/METADATA", head + "".join(f"Requires-Dist: {need}\n" for need in needs))
            wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
            wheel.writestr(f"{info}/RECORD", "")
    return folder


def uv(*words: object) -> str:
    """Run the real uv, without any index."""
    command = [COLD, "-m", "uv", "pip", words[0], "--no-config", "--no-index", "--quiet", *words[1:]]
    return subprocess.run([str(word) for word in command], check=True, **TEXT).stdout


def test_what_one_machine_resolves_any_other_installs_in_its_own_build(tmp_path: Path) -> None:
    found = wheels(tmp_path / "wheels")
    asked, environment = tmp_path / "asked.txt", tmp_path / "environment.txt"
    asked.write_text("timm<1.1\ntorch\n")
    uv(
        "compile",
        "--universal",
        "--no-header",
        "--no-annotate",
        "--find-links",
        found,
        asked,
        "--output-file",
        environment,
    )
    assert "torch==2.13.0+cpu" in environment.read_text()
    subprocess.run([COLD, ACTION / "resolved.py", environment], check=True, **TEXT)
    lines = environment.read_text().splitlines()
    assert {line.partition(" ")[0] for line in lines} == {"cuda==1.0", "timm==1.0", "torch==2.13.0"}
    environment_of = {"all": [], "planning": ["--excludes", ACTION / "without-torch.txt"]}
    for name, more in environment_of.items():
        subprocess.run([COLD, "-m", "venv", "--without-pip", tmp_path / name], check=True)
        here = ("--python", tmp_path / name / "bin" / "python")
        uv("install", *here, "--find-links", found, "--requirement", environment, *more)
        (site,) = (tmp_path / name).glob("lib/python*/site-packages")
        has = {one.metadata["Name"]: one.version for one in distributions(path=[str(site)])}
        assert has == {"timm": "1.0", **({"torch": "2.13.0+cpu"} if name == "all" else {})}


def test_what_is_resolved_names_commits_and_no_password() -> None:
    text = run_path(str(ACTION / "resolved.py"))["for_every_machine"](
        f"transformers @ git+https://me:s3cr3t@github.com/huggingface/transformers@{'a' * 40}\n"
        "torch==2.13.0+cpu ; sys_platform != 'darwin'\ntorch==2.13.0 ; sys_platform == 'darwin'\nx-y==1+a.b\n"
    )
    assert text == (
        f"transformers @ git+https://github.com/huggingface/transformers@{'a' * 40}\n"
        "torch==2.13.0 ; sys_platform != 'darwin'\ntorch==2.13.0 ; sys_platform == 'darwin'\nx-y==1\n"
    )


def test_uv_is_the_one_whose_digests_are_known(tmp_path: Path) -> None:
    """The real pip takes it, in an environment of its own."""
    subprocess.run([COLD, "-m", "venv", tmp_path / "own"], check=True)
    python = tmp_path / "own" / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", ACTION / "uv.txt"]
    subprocess.run(command, check=True, **TEXT)
    pinned = re.search(r"^uv==(\S+)", (ACTION / "uv.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert subprocess.run([python, "-m", "uv", "--version"], check=True, **TEXT).stdout.split()[1] == pinned[1]


def test_no_path_of_the_machine_is_used_in_its_container() -> None:
    """There `github.action_path`, `github.workspace` and `runner.temp` of an expression are paths outside of it."""
    assert not re.findall(r"\$\{\{[^}]*(?:action_path|workspace|runner\.temp)", (ACTION / "action.yml").read_text())
