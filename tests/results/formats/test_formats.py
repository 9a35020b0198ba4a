from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hfci.cases.records import Error
from hfci.errors import EnvironmentUnfit
from hfci.results import summarize
from hfci.results.formats import FORMATS
from tests.warm import COLD

from .samples import of_every_outcome, results_of, sample

MANY = 10_000

WRITE = (
    "import resource, sys; from pathlib import Path\n"
    "from hfci.results import read_results, summarize; from hfci.results.formats import FORMATS\n"
    "one = FORMATS[sys.argv[1]]; results = read_results([Path(sys.argv[2])]); summary = summarize(results)\n"
)


def test_each_has_its_own_name_and_file() -> None:
    assert list(FORMATS) == ["junit", "ctrf", "badge", "coverage-summary"]
    assert len({one.FILE for one in FORMATS.values()}) == len(FORMATS)
    assert all(name == one.NAME for name, one in FORMATS.items())


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_records_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    results = results_of(tmp_path, *of_every_outcome())
    for path in (tmp_path / "1", tmp_path / "2"):
        FORMATS[name].write(path, results, summarize(results))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_leaves_the_earlier_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "records").mkdir()
    results_of(tmp_path / "records", *(sample(f"m{n}", outcome="failed") for n in range(50)))
    path = tmp_path / "out" / FORMATS[name].FILE
    path.parent.mkdir()
    path.write_text("before")
    code = (
        f"{WRITE}resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); one.write(Path(sys.argv[3]), results, summary)"
    )
    arguments = [COLD, "-c", code, name, tmp_path / "records", path]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"EnvironmentUnfit: cannot write {path}: File too large" in done.stderr
    assert path.read_text() == "before"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", FORMATS)
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    results = results_of(tmp_path, sample())
    with pytest.raises(EnvironmentUnfit, match=f"cannot write {tmp_path}/file/{FORMATS[name].FILE}"):
        FORMATS[name].write(tmp_path / "file" / FORMATS[name].FILE, results, summarize(results))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with MANY failures, each with a traceback of 4 kB."""
    folder = tmp_path_factory.mktemp("many")
    error = Error("ValueError", "no", "0123456789 " * 360)
    results_of(folder, *(sample("m", outcome="failed", case=f"m/M/c{n}[]", error=error) for n in range(MANY)))
    return folder


@pytest.mark.parametrize("name", FORMATS)
def test_a_record_that_is_written_does_not_stay_in_memory(many: Path, tmp_path: Path, name: str) -> None:
    code = (
        f"{WRITE}before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "one.write(Path(sys.argv[3]), results, summary)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    arguments = [COLD, "-c", code, name, many, tmp_path / "out"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < MANY * 500
