"""The environments of other transformers: each a folder in the user's cache, put before what is installed here.

Of a release it holds the release and those packages alone that it needs otherwise than they are installed here; torch
and all else are shared. It is named by its content, made whole or not at all, and the one that was used longest ago
goes where all together are larger than they may be.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import io
import os
import platform
import re
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from hfci.checkout import SETTINGS, package_in, without_secrets
from hfci.configuration import load_configuration
from hfci.errors import EnvironmentUnfit, UsageError, nearest
from hfci.git import git
from hfci.parsing import UNREADABLE
from hfci.releases.installing import are_met, install, installed_here, needed, requirements_of, shared_by
from hfci.releases.sides import Side, SideKind
from hfci.testing.process_setup import OFFLINE

__all__ = ["Environment", "Kept", "Store", "cache_folder", "limit_bytes"]

LIMIT = "HFCI_ENVIRONMENTS_GIB"
_USUAL_GIB = 10.0
_GIB = 2**30

_TOLD = "environment.json"  # written last: a folder without it is none
_PACKAGES = "packages"
_LOCKS = ".locks"
_MAKING = ".making-"


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an environment says of itself.

    - `what`: what it is of: a release, a commit, or packages alone, which a checkout needs
    - `python`: by whose interpreter it was made
    - `own`: the packages in it; `shared`: those of the interpreter's own that it relies on, as they were
    - `size`: bytes
    """

    what: str
    python: str
    own: dict[str, str]
    shared: dict[str, str]
    size: int = 0

    def fits(self, what: str) -> bool:
        """Tell whether it is of this, and whether all that it relies on is as it was."""
        here = installed_here()
        is_same = all(here.get(name) == version for name, version in self.shared.items())
        return self.what == what and self.python == _python() and is_same


@dataclass(frozen=True)
class Environment:
    """Where a side's transformers runs: its interpreter, and the folders that come before all others there."""

    side: Side
    python: Path
    paths: tuple[Path, ...] = ()

    def variables(self, *more: Path) -> dict[str, str]:
        """Return the variables of its processes: no secret, no network, its folders and then `more` on the path."""
        own = os.environ.get("PYTHONPATH") if self.side.kind != SideKind.INTERPRETER else None
        paths = [*map(str, (*self.paths, *more)), *filter(None, [own])]
        kept = {name: value for name, value in without_secrets(os.environ).items() if name != "PYTHONPATH"}
        return {**kept, **SETTINGS, **OFFLINE, **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})}


@dataclass
class Store:
    """The environments in a folder, at most `limit` bytes of them; they are made by whoever asks first."""

    folder: Path = field(default_factory=lambda: cache_folder() / "environments")
    limit: int = field(default_factory=lambda: limit_bytes())

    @contextlib.contextmanager
    def environment(self, side: Side) -> Iterator[Environment]:
        """Hold the environment of a side, made if it is not there: nobody removes it meanwhile.

        Raises EnvironmentUnfit with the reason where there can be none here.
        """
        here = Path(sys.executable)
        if side.kind == SideKind.INTERPRETER:
            assert side.path is not None
            yield Environment(side, side.path)
        elif side.kind == SideKind.INSTALLED:
            yield Environment(side, here)
        elif side.kind == SideKind.CHECKOUT:
            assert side.path is not None
            package = package_in(side.path)
            with self._packages(requirements_of(package)) as added:
                yield Environment(side, here, (package.parent, *added))
        elif side.kind == SideKind.COMMIT:
            assert side.path is not None
            assert side.commit is not None
            fill = functools.partial(_extract, side.path, side.commit)
            with (
                self._held(f"commit {side.commit}", (), fill) as folder,
                self._packages(requirements_of(package_in(folder))) as added,
            ):
                yield Environment(side, here, (package_in(folder).parent, *added))
        else:
            if installed_here().get("transformers") == str(side.release):
                yield Environment(side, here)
                return
            wanted = (f"transformers=={side.release}",)
            with self._held(f"transformers {side.release}", wanted) as folder:
                yield Environment(side, here, (folder / _PACKAGES,))

    def kept(self) -> dict[str, tuple[Kept, float]]:
        """Return the environments by name, with the time each was used last, the one unused for longest first."""
        found = {}
        for path in self.folder.glob(f"*/{_TOLD}"):
            if (told := _read(path)) is not None:
                with contextlib.suppress(OSError):
                    found[path.parent.name] = (told, path.stat().st_mtime)
        return dict(sorted(found.items(), key=lambda item: item[1][1]))

    def remove(self, names: tuple[str, ...]) -> dict[str, str | None]:
        """Remove the environments of these names, all where there is none, and what was left over of any.

        Return each with why it was not removed, if it was not: it is in use. UsageError for an unknown name.
        """
        known = self.kept()
        for name in names:
            if name not in known:
                raise UsageError(f"there is no environment {name!r:.100}.{nearest(name, known)}")
        removed: dict[str, str | None] = {}
        for name in names or known:
            removed[name] = None if self._removed(name) else "it is in use"
        if not names:
            for left in self.folder.glob(f"{_MAKING}*"):  # of one that is being made, the lock is held
                self._remove_left_over(left)
        return removed

    @contextlib.contextmanager
    def _packages(self, requirements: tuple[str, ...]) -> Iterator[tuple[Path, ...]]:
        """Hold a folder with what `requirements` want otherwise than it is installed; none where all is so."""
        if are_met(requirements):
            yield ()
            return
        with self._held(f"packages {', '.join(sorted(requirements))}", requirements) as folder:
            yield (folder / _PACKAGES,)

    @contextlib.contextmanager
    def _held(
        self, what: str, requirements: tuple[str, ...], fill: Callable[[Path], None] | None = None
    ) -> Iterator[Path]:
        """Hold the folder of an environment with `requirements`, and what `fill` puts beside them; made if need be."""
        with _lock(self._lock_of(hashlib.sha256(what.encode()).hexdigest()[:16])):
            while True:
                name = next((name for name, (told, _) in self.kept().items() if told.fits(what)), None)
                name = name or self._make(what, requirements, fill)
                using = _open_lock(self._lock_of(name))
                fcntl.flock(using, fcntl.LOCK_SH)
                if (self.folder / name / _TOLD).exists():
                    break
                os.close(using)  # somebody removed it just before
        try:
            os.utime(self.folder / name / _TOLD)
            self._evict(name)
            yield self.folder / name
        finally:
            os.close(using)

    def _make(self, what: str, requirements: tuple[str, ...], fill: Callable[[Path], None] | None) -> str:
        """Make it in a folder that nobody takes for one, give that its name once it is whole, and return the name."""
        own = needed(requirements, what) if requirements else {}
        making = self.folder / f"{_MAKING}{hashlib.sha256(what.encode()).hexdigest()[:16]}"
        try:
            shutil.rmtree(making, ignore_errors=True)  # of a making that was killed
            (making / _PACKAGES).mkdir(parents=True)
            if own:
                install(own, making / _PACKAGES, what)
            if fill is not None:
                fill(making)
            shared = shared_by(making / _PACKAGES, requirements)
            told = Kept(what=what, python=_python(), own=own, shared=shared, size=_size(making))
            content = msgspec.json.encode(told, order="deterministic")
            (making / _TOLD).write_bytes(content)
            name = f"{_slug(what)}-{hashlib.sha256(content).hexdigest()[:12]}"
            shutil.rmtree(self.folder / name, ignore_errors=True)  # of the same name, and it did not fit
            making.rename(self.folder / name)
        except OSError as error:
            raise EnvironmentUnfit(f"cannot make an environment in {self.folder}: {error}") from error
        finally:
            shutil.rmtree(making, ignore_errors=True)
        return name

    def _evict(self, kept: str) -> None:
        """Remove those that were used longest ago, until the others are within the limit; never `kept`."""
        sizes = {name: told.size for name, (told, _) in self.kept().items()}
        for name in sizes:
            if sum(sizes.values()) <= self.limit:
                return
            if name != kept and self._removed(name):
                sizes[name] = 0

    def _removed(self, name: str) -> bool:
        """Remove an environment unless it is in use; half removed it is none."""
        using = _open_lock(self._lock_of(name))
        try:
            fcntl.flock(using, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with contextlib.suppress(FileNotFoundError):
                (self.folder / name / _TOLD).unlink()
            shutil.rmtree(self.folder / name, ignore_errors=True)
        except BlockingIOError:
            return False
        finally:
            os.close(using)
        return True

    def _remove_left_over(self, folder: Path) -> None:
        making = _open_lock(self._lock_of(folder.name.removeprefix(_MAKING)))
        try:
            fcntl.flock(making, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            return
        finally:
            os.close(making)

    def _lock_of(self, name: str) -> Path:
        return self.folder / _LOCKS / name


def cache_folder() -> Path:
    """Return the folder in which hfci keeps what it can make again for the user, whatever the current folder."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(root):  # noqa: PTH117 -- the specification says to ignore any other
        return Path(root) / "hfci"
    usual = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return usual / "hfci"


def limit_bytes() -> int:
    """Return how many bytes the environments may take: by HFCI_ENVIRONMENTS_GIB, else by `[tool.hfci]`, else 10 GiB."""
    named = os.environ.get(LIMIT)
    gib = load_configuration(Path.cwd()).environments
    if named:
        try:
            gib = float(named)
        except ValueError:
            gib = -1.0
        if not 0 < gib < 1e9:
            raise UsageError(f"{LIMIT} is a number of GiB above 0, not {named!r:.40}")
    return int((gib or _USUAL_GIB) * _GIB)


def _extract(repository: Path, commit: str, folder: Path) -> None:
    """Write the package of transformers as `commit` has it below `folder`; UsageError where it has none."""
    for place in ("src/transformers", "transformers"):
        content = git(repository, "archive", "--format=tar", commit, "--", place)
        if content:
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                archive.extractall(folder, filter="data")
            return
    raise EnvironmentUnfit(f"commit {commit[:12]} of {repository} has no src/transformers")


def _python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()} {sys.platform} {platform.machine()}"


def _slug(what: str) -> str:
    return "-".join(re.findall(r"[A-Za-z0-9.]+", what))[:60]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _read(path: Path) -> Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except (OSError, *UNREADABLE):
        return None


def _open_lock(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EnvironmentUnfit(f"cannot write {path.parent}: {error.strerror}") from error


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock alone; the system gives it back, however its holder ends."""
    held = _open_lock(path)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
