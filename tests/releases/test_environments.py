"""The environments of other transformers: made of wheels in a folder, by uv and by pip, and used by real processes."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from hfci.errors import EnvironmentUnfit, UsageError
from hfci.releases import installing
from hfci.releases.environments import Environment, Kept, Store, cache_folder, limit_bytes
from hfci.releases.sides import SideKind, parse_side
from tests.releases.wheels import make_wheel, only_index

HERE = installing.installed_here()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store, and an index with a release that wants one package otherwise than it is here, and one as it is."""
    index = tmp_path / "index"
    make_wheel(index, "transformers", "9.1.0", requires=["msgspec<0.1", "packaging>=1", "absent; extra == 'all'"])
    make_wheel(index, "transformers", "9.2.0", requires=["packaging>=1"])
    make_wheel(index, "transformers", "9.3.0", python=">=99")
    make_wheel(index, "transformers", "9.4.0", requires=["nowhere-to-be-found"])
    make_wheel(index, "msgspec", "0.0.9")
    make_wheel(index, "packaging", HERE["packaging"])
    only_index(index, monkeypatch)
    return Store(tmp_path / "environments", 2**30)


def versions_in(environment: Environment) -> str:
    code = "import transformers, packaging; print(transformers.__version__, packaging.__file__)"
    command = [str(environment.python), "-P", "-c", code]
    return subprocess.run(command, env=environment.variables(), capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_what_differs_is_its_own_and_all_else_is_shared(
    store: Store, installer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if installer == "pip":
        monkeypatch.setattr(installing, "_uv", list)
    with store.environment(parse_side("9.1.0")) as environment:
        said = versions_in(environment)
    assert said.startswith("9.1.0 ")
    assert str(store.folder) not in said.split()[1]
    ((name, (told, _)),) = store.kept().items()
    assert name.startswith("transformers-9.1.0-")
    assert told.own == {"msgspec": "0.0.9", "transformers": "9.1.0"}
    assert told.shared == {"packaging": HERE["packaging"]}
    assert told.size > 0


def test_one_is_made_once_and_anew_where_what_it_shares_is_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        with store.environment(parse_side("9.2.0")):
            (name,) = store.kept()
        monkeypatch.setattr("hfci.releases.environments.install", None)  # nobody installs a second time
    monkeypatch.undo()
    only_index(store.folder.parent / "index", monkeypatch)
    told = store.folder / name / "environment.json"
    kept = msgspec.json.decode(told.read_bytes(), type=Kept)
    told.write_bytes(msgspec.json.encode(msgspec.structs.replace(kept, shared={"packaging": "0.1"})))
    with store.environment(parse_side("9.2.0")):
        assert any(kept.shared == {"packaging": HERE["packaging"]} for kept, _ in store.kept().values())


@pytest.mark.parametrize(("release", "why"), [("9.9.9", "9.9.9"), ("9.3.0", "99"), ("9.4.0", "nowhere-to-be-found")])
def test_a_release_that_there_is_not_or_that_does_not_fit_is_told_with_the_reason(
    store: Store, release: str, why: str
) -> None:
    with pytest.raises(EnvironmentUnfit, match=why) as raised, store.environment(parse_side(release)):
        pass
    assert release in str(raised.value)
    assert "\n" not in str(raised.value)
    assert store.kept() == {}
    assert not list(store.folder.glob("*/packages"))


def test_what_a_killed_making_left_over_is_none_and_goes(store: Store) -> None:
    import hashlib

    left = store.folder / f".making-{hashlib.sha256(b'transformers 9.2.0').hexdigest()[:16]}"
    (left / "packages" / "transformers").mkdir(parents=True)
    (left / "packages" / "transformers" / "__init__.py").write_text("raise SystemExit('half')")
    assert store.kept() == {}
    with store.environment(parse_side("9.2.0")) as environment:
        assert versions_in(environment).startswith("9.2.0 ")
    assert not left.exists()
    left.mkdir()
    store.remove(())
    assert not left.exists()
    assert store.kept() == {}


def test_the_one_unused_for_longest_goes_above_the_limit_but_none_in_use(store: Store) -> None:
    store.limit = 1
    with store.environment(parse_side("9.1.0")):
        (first,) = store.kept()
        with store.environment(parse_side("9.2.0")):
            assert len(store.kept()) == 2  # both are in use
        assert store.remove((first,)) == {first: "it is in use"}
    with store.environment(parse_side("9.2.0")):
        (last,) = store.kept()
    assert last.startswith("transformers-9.2.0-")
    assert store.remove((last,)) == {last: None}
    with pytest.raises(UsageError, match="no environment"):
        store.remove(("../index",))
    assert (store.folder.parent / "index").is_dir()


def hold(folder: Path, ready: object, go: object) -> None:
    with Store(folder, 2**30).environment(parse_side("9.2.0")):
        ready.set()  # type: ignore[attr-defined]
        go.wait(60)  # type: ignore[attr-defined]


def test_two_processes_make_one_and_a_killed_one_gives_it_back(store: Store) -> None:
    context = multiprocessing.get_context("fork")
    ready, go = context.Event(), context.Event()
    other = context.Process(target=hold, args=(store.folder, ready, go))
    other.start()
    assert ready.wait(60)
    with store.environment(parse_side("9.2.0")):
        (name,) = store.kept()
    assert store.remove((name,)) == {name: "it is in use"}
    other.kill()
    other.join()
    assert store.remove((name,)) == {name: None}


@pytest.mark.parametrize(
    "text",
    ["", "latest", "../../no-such-folder", "5.23.0; rm -rf /", "--index-url=http://x", "-r/etc/passwd", "5.23.0\n--pre",
     "5.23.0 @ https://example.com/x.whl", "1" * 500, "5.23.0+local", "5.٣.0", "\0"],
)  # fmt: skip
def test_what_is_no_version_is_refused_before_anything_runs(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no release such as 5\.23\.0, nor a folder"):
        parse_side(text)


def test_a_commit_is_taken_from_git_and_a_checkout_as_it_lies(store: Store, tmp_path: Path) -> None:
    package = tmp_path / "clone" / "src" / "transformers"
    (package / "models").mkdir(parents=True)
    (package / "models" / "__init__.py").touch()
    (package / "modeling_utils.py").touch()
    (package / "dependency_versions_check.py").write_text(
        'pkgs_to_check_at_runtime = ["python", "packaging", "msgspec"]\n'
    )
    (package / "dependency_versions_table.py").write_text(
        'deps = {"packaging": "packaging>=1", "msgspec": "msgspec<0.1", "python": "python>=3.10", "x": "y @ http://z"}\n'
    )
    (package / "__init__.py").write_text('__version__ = "as committed"\n')
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *arguments], cwd=tmp_path / "clone", check=True)
    (package / "__init__.py").write_text('__version__ = "as it lies"\n')
    assert installing.requirements_of(package) == ("packaging>=1", "msgspec<0.1")
    code = "import transformers, msgspec; print(transformers.__version__, msgspec.__version__)"
    said = []
    for text in (f"{tmp_path / 'clone'}@HEAD", str(tmp_path / "clone")):
        with store.environment(parse_side(text)) as environment:
            command = [str(environment.python), "-P", "-c", code]
            done = subprocess.run(command, env=environment.variables(), capture_output=True, text=True, check=True)
            said.append(done.stdout.strip())
    assert said == ["as committed 0.0.9", "as it lies 0.0.9"]
    with pytest.raises(UsageError, match="has no commit 'nothing'"):
        parse_side(f"{tmp_path / 'clone'}@nothing")


def test_no_secret_and_no_network_reach_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "s3cret")
    variables = Environment(parse_side("installed"), Path("python")).variables()
    assert "s3cret" not in variables.values()
    assert variables["HF_HUB_OFFLINE"] == "1"


def test_where_the_cache_is_and_how_large_it_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "hfci"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder().is_absolute()
    monkeypatch.chdir(tmp_path)
    assert limit_bytes() == 10 * 2**30
    (tmp_path / "pyproject.toml").write_text("[tool.hfci]\nenvironments = 2.5\n")
    assert limit_bytes() == int(2.5 * 2**30)
    monkeypatch.setenv("HFCI_ENVIRONMENTS_GIB", "1")
    assert limit_bytes() == 2**30
    monkeypatch.setenv("HFCI_ENVIRONMENTS_GIB", "-1")
    with pytest.raises(UsageError, match="HFCI_ENVIRONMENTS_GIB"):
        limit_bytes()


def test_an_interpreter_and_its_environment_are_one_side(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(os.path.realpath("/bin/sh"))
    (tmp_path / "pyvenv.cfg").touch()
    for text in (str(tmp_path), str(python)):
        side = parse_side(text)
        assert (side.kind, side.path) == (SideKind.INTERPRETER, python)
