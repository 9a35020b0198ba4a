"""`[tool.hfci]` in pyproject.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfci.configuration import RUNNERS, TIERS, Runner, RunnerGroup, load_configuration
from hfci.errors import UsageError
from hfci.planning.runners import find_places


def written(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_nearest_file_counts_and_paths_are_relative_to_it(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    written(tmp_path, '[tool.hfci]\nledger = "known/ledger.toml"\n')
    assert load_configuration(below).ledger == tmp_path / "known" / "ledger.toml"
    written(tmp_path / "a", "[project]\n")
    assert load_configuration(below).ledger is None


def test_without_runners_there_is_one_of_github(tmp_path: Path) -> None:
    assert load_configuration(written(tmp_path, "[tool.hfci]\n")).runners == RUNNERS
    assert {
        "cpu": Runner(name="cpu", runs_on="ubuntu-24.04", memory=16.0, workers=4, tiers=TIERS, shards=8, cost=1.0)
    } == RUNNERS


def test_runners_are_read_in_their_order(tmp_path: Path) -> None:
    text = """
[tool.hfci.runners.large]
runs-on = ["self-hosted", "gpu"]
device = "cuda"
memory = 79.5
workers = 2
tiers = ["functional", "smoke", "smoke"]
shards = 3
cost = 10
[tool.hfci.runners.cpu-arm_1]
runs-on = "ubuntu-24.04-arm"
[tool.hfci.runners.scarce]
runs-on = {group = "gpus", labels = "a10"}
container = "nvcr.io/nvidia/cuda:13.0-base"
packages = ["timm>=1.0", "kernels"]
index = "https://download.pytorch.org/whl/cu130"
concurrency = "a10"
"""
    own = {"container": "nvcr.io/nvidia/cuda:13.0-base", "index": "https://download.pytorch.org/whl/cu130"}
    group, packages = RunnerGroup("gpus", ("a10",)), ("timm>=1.0", "kernels")
    assert list(load_configuration(written(tmp_path, text)).runners.values()) == [
        Runner(
            name="large",
            runs_on=("self-hosted", "gpu"),
            device="cuda",
            memory=79.5,
            workers=2,
            tiers=("smoke", "functional"),
            shards=3,
            cost=10.0,
        ),
        Runner(name="cpu-arm_1", runs_on="ubuntu-24.04-arm"),
        Runner(name="scarce", runs_on=group, packages=packages, concurrency="a10", **own),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[tool.hfci]\nledgr = "x"', "Did you mean ledger?"),
        ("[tool.hfci]\nledger = 3", "ledger must be a path"),
        ('[tool.hfci]\nledger = ""', "ledger must be a path"),
        ("[tool.hfci]\naccepted = 3", "accepted must be a path"),
        ("[tool]\nhfci = 3", r"\[tool\.hfci\]: it must be a table, not 3"),
        ("[tool.hfci", "cannot read"),
        ("[tool.hfci]\nrunners = 3", r"runners must be tables \[tool\.hfci\.runners\.NAME\], one or more, not 3"),
        ("[tool.hfci]\nrunners = {}", "one or more"),
        ("[tool.hfci]\nrunners = {cpu = 3}", r"\[tool\.hfci\]: runners\.cpu must be a table, not 3"),
        (
            "[tool.hfci.runners.cpu]\n",
            r'pyproject\.toml: \[tool\.hfci\]: runners\.cpu lacks runs-on: .* "ubuntu-24\.04"',
        ),
        ('[tool.hfci.runners."a b"]\nruns-on = "x"', "runners\\.a b must be a name of letters, .*, not 'a b'"),
        ('[tool.hfci.runners."a\\n::error"]\nruns-on = "x"', "must be a name of letters"),
        ('[tool.hfci.runners."../a"]\nruns-on = "x"', "must be a name of letters"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        load_configuration(written(tmp_path, text))


def test_a_runner_may_have_a_device_that_a_vendors_package_brings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.hfci.runners.own]\nruns-on = 'x'\ndevice = 'openreg'\n")
    runner = load_configuration(tmp_path).runners["own"]
    assert runner.device == "openreg"
    places, _ = find_places([runner])
    assert {place.device for place in places} == {"openreg"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run-on = 'x'", "unknown key 'run-on'. Did you mean runs-on"),
        ("shard = 1", "unknown key 'shard'. Did you mean shards"),
        ("runs-on = []", r"runs-on must be a label or a list of labels, .*, not \[\]"),
        ("runs-on = ['']", r"runs-on\[0\] must be a text with something in it, not ''"),
        ("runs-on = ' '", "a label must be a text with something in it, not ' '"),
        ("runs-on = 3", "runs-on must be a label"),
        ("runs-on = {labels = 'a'}", "runs-on lacks group: a group's name"),
        ("runs-on = {group = ''}", r"runs-on\.group must be a group's name, not ''"),
        ("runs-on = {group = 'a', labels = []}", r"runs-on\.labels must be a label or a list of labels, not \[\]"),
        ("runs-on = {group = 'a', label = 'b'}", "runs-on: unknown key 'label'. Did you mean labels"),
        ("container = ''", "container must be the name of an image"),
        ("container = '--privileged'", "container must be the name of an image"),
        ('container = "a\\nb"', "container must be the name of an image"),
        ("packages = 'timm'", "packages must be a list of pip requirements"),
        ("packages = ['timm >= 1']", r"packages\[0\] must be a pip requirement without spaces .*'timm >= 1'"),
        ("packages = ['--index-url=https://x.example']", r"packages\[0\] must be a pip requirement .* no option"),
        ("index = 'http://x.example'", "index must be an address that begins with https://"),
        ('index = "https://x.example\\nPATH=evil"', "index must be an address"),
        ("concurrency = 'a b'", "concurrency must be a name of letters"),
        ("concurrency = 3", "concurrency must be a name of letters"),
        ("device = 'cudda'", "no device 'cudda'; there are cpu, cuda, mps, xpu, tpu, and what torch has.*mean cuda"),
        (
            "device = 'gpu'",
            "no device 'gpu'; there are cpu, cuda, mps, xpu, tpu, and what torch has.*Did you mean cuda",
        ),
        ("device = 'Cuda:0'", "device must be a kind of device, such as cpu"),
        ("device = ['cpu']", "device must be a kind of device, such as cpu"),
        ("memory = 0", "memory must be a number above 0, not 0"),
        ("memory = inf", "memory must be a number above 0, not inf"),
        ("memory = nan", "memory must be a number above 0, not nan"),
        ("memory = '16'", "memory must be a number above 0"),
        ("workers = 0", "workers must be a whole number of at least 1, not 0"),
        ("workers = 2.0", "workers must be a whole number"),
        ("shards = 0", "shards must be a whole number of at least 1, not 0"),
        ("shards = true", "shards must be a whole number"),
        ("cost = -1", "cost must be a number above 0"),
        ("cost = false", "cost must be a number above 0"),
        ("tiers = []", "tiers must be a list of smoke, functional, deep"),
        ("tiers = 'smoke'", "tiers must be a list of smoke, functional, deep"),
        ("tiers = ['somke']", r"tiers\[0\] must be one of smoke, functional, deep, not 'somke'. Did you mean smoke"),
    ],
)
def test_what_is_wrong_with_a_runner_is_said(tmp_path: Path, line: str, said: str) -> None:
    label = "" if line.startswith("runs-on") else 'runs-on = "x"\n'
    place = rf"pyproject\.toml: \[tool\.hfci\]: runners\.gpu: {said}"
    with pytest.raises(UsageError, match=place):
        load_configuration(written(tmp_path, f"[tool.hfci.runners.gpu]\n{label}{line}\n"))
