"""Whether the installed packages fit together: found out once, before 800 model types fail for one reason."""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.metadata
import re
import subprocess
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hfci.catalog.imported import load_imports
from hfci.errors import EnvironmentUnfit, come_of
from hfci.interruption import raise_again
from hfci.origin import find_transformers, version_of

__all__ = ["OFFLINE", "Misfit", "check_environment", "check_system", "find_misfits", "import_libraries", "try_import"]

NEEDED = ("torch", "transformers")
INSTALL = "pip install torch transformers"

# Read by the libraries when they are imported.
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

CORE = ("torch", "transformers", "huggingface_hub")

# Imported by transformers when they are there, named in its extras or not; some are built for one torch.
COMPANIONS = (
    "torchvision",
    "torchaudio",
    "timm",
    "accelerate",
    "peft",
    "kernels",
    "tokenizers",
    "safetensors",
)


@dataclass(frozen=True)
class Misfit:
    """An installed package that was made for another torch, transformers or huggingface_hub."""

    package: str
    version: str
    requires: str
    installed: str

    @property
    def mend(self) -> str:
        """The command that asks pip for a version that fits."""
        name, _, version = self.installed.partition(" ")
        return f"pip install --upgrade {self.package} '{name}=={version.partition('+')[0]}'"

    def __str__(self) -> str:
        """Return package, what it wants, what there is, and the mend."""
        needs = f"{self.package} {self.version} needs {self.requires}"
        return f"{needs}, but {self.installed} is installed: {self.mend}"


def check_environment(*, everything: bool = False) -> None:
    """Raise EnvironmentUnfit if torch or transformers is missing, or a package was made for another version.

    So it does on a system that hfci does not run on. Reads the installed packages' metadata only: milliseconds.
    `everything` looks at all of them instead of those that transformers imports on its own.
    """
    check_system(sys.platform)
    missing = [name for name in NEEDED if _version(name) is None]
    if missing:
        raise EnvironmentUnfit(f"{' and '.join(missing)} not installed: {INSTALL}")
    misfits = find_misfits(None if everything else _companions())
    if misfits:
        raise EnvironmentUnfit("; ".join(map(str, misfits)))


def check_system(platform: str) -> None:
    """Raise EnvironmentUnfit where `platform`, a value of `sys.platform`, has no signal to end a stuck case with."""
    if platform == "win32":
        wsl = "https://learn.microsoft.com/windows/wsl/install"
        raise EnvironmentUnfit(f"hfci runs on Linux and macOS; on Windows it runs in WSL: {wsl}")


def find_misfits(packages: Iterable[str] | None = None) -> tuple[Misfit, ...]:
    """Return the misfits among `packages` (default: all that are installed), by name."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    core = {canonicalize_name(name): _version(name) for name in CORE}
    misfits = set()
    for distribution in _distributions(packages):
        for line in distribution.requires or ():
            try:
                requirement = Requirement(line)
            except InvalidRequirement:
                continue
            version = core.get(canonicalize_name(requirement.name))
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if version and applies and not requirement.specifier.contains(version, prereleases=True):
                wants = f"{requirement.name}{requirement.specifier}"
                installed = f"{requirement.name} {version}"
                misfits.add(Misfit(distribution.metadata["Name"], distribution.version, wants, installed))
    return tuple(sorted(misfits, key=lambda misfit: misfit.package.lower()))


def import_libraries() -> None:
    """Import torch and transformers' model base, and then what this process was begun to import beside them.

    EnvironmentUnfit names the package that breaks the former, `load_imports` says what is wrong with the latter.
    """
    try:
        with _uncollected():
            importlib.import_module("torch")
            importlib.import_module("transformers.modeling_utils")
    except Exception as error:
        raise_again()
        raise EnvironmentUnfit(_diagnose(error)) from error
    raise_again()
    load_imports()


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Collect no garbage meanwhile: what a module is made of stays, and to look for what does not is a fifth of it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def try_import() -> str:
    """Import the libraries in a process of their own; return a line about them, or raise EnvironmentUnfit."""
    code = (
        "from hfci.catalog.environment import import_libraries as i; from hfci.errors import HfciError\n"
        "try: i()\n"
        "except HfciError as error: raise SystemExit(str(error))\n"
        "import torch, transformers; from transformers import BertModel\n"
        "print(f'torch {torch.__version__} and transformers {transformers.__version__} import')"
    )
    done = subprocess.run(  # noqa: S603 -- this interpreter, a fixed text
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"the import ends with exit code {done.returncode}"]
        raise EnvironmentUnfit(lines[-1])
    return done.stdout.strip()


def _diagnose(error: BaseException) -> str:
    """Name the package that an import of torch or transformers broke on: the last one entered."""
    *_, error = come_of(error)
    if isinstance(error, ModuleNotFoundError) and error.name in NEEDED:
        return f"{error.name} not installed: {INSTALL}"
    package = error.name if isinstance(error, ModuleNotFoundError) and error.name else _culprit(error)
    package = package.partition(".")[0]
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    mend = f"pip install --upgrade --force-reinstall {package}"
    return f"torch and transformers cannot be imported, {package} is missing or broken ({reason}): {mend}"


def _culprit(error: BaseException) -> str:
    own = {*NEEDED, "hfci", "importlib"}
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        match = re.search(r"site-packages[/\\]([^/\\]+)", frame.filename)
        name = match[1].removesuffix(".py") if match else Path(frame.filename).parent.name
        if (match or _version(name)) and name not in own:
            return name
    return "transformers"


def _companions() -> set[str]:
    """Return what transformers may import on its own: its extras, by its own metadata, and the companions."""
    try:
        named = importlib.metadata.distribution("transformers").requires or ()
    except importlib.metadata.PackageNotFoundError:  # a checkout, which is not installed
        named = ()
    names = {match[0] for line in named if (match := re.match(r"[\w.-]+", line))}
    return names | set(COMPANIONS)


def _distributions(packages: Iterable[str] | None) -> Iterable[importlib.metadata.Distribution]:
    if packages is None:
        yield from importlib.metadata.distributions()
        return
    for name in packages:
        try:
            yield importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue


def _version(name: str) -> str | None:
    try:
        if name == "transformers":  # a checkout is not installed, and what is installed may be another
            return version_of(find_transformers())
    except EnvironmentUnfit:
        return None
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
