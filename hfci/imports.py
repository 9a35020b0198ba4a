"""Packages, and folders with custom code, that register configurations and models of their own beside transformers'.

They are arbitrary code: hfci begins anew in a process without tokens in its environment, as for a checkout of
transformers, after another such process has imported them once and told what they register. That one may print, exit,
or never come back: this one is told of it. Here nothing of them is imported.
"""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from hfci import workflow
from hfci.checkout import SETTINGS, begin_anew, without_secrets
from hfci.configuration import Configuration, load_configuration
from hfci.errors import EnvironmentUnfit, UsageError
from hfci.origin import commit_of, digest_of

__all__ = [
    "CUSTOM",
    "ENTERED",
    "Imported",
    "Imports",
    "adopt",
    "asked_for",
    "custom_module",
    "enter",
    "entered",
    "found",
    "imported_here",
    "options_for",
    "options_of",
    "place_of",
    "unhonoured",
]

# Set in the process that was begun for imports: what it is to import, as JSON.
ENTERED = "HFCI_IMPORTS"

CONFIG = "config.json"
# The package in which transformers too has what is imported from folders with custom code.
CUSTOM = "transformers_modules"

PACKAGE = re.compile(r"(?=.{1,200}\Z)[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)

# Seconds that the packages may take to be imported, torch and transformers with them.
LIMIT_S = 300.0
LONGEST = 500


class Imported(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One import.

    - `name`: of the package, or of the folder with custom code
    - `path`: where its top package, its only file or the folder lies; `digest`: of all Python files there
    - `version`: of what was installed; `commit`: of the repository that it is part of; None where there is none
    - `model_types`: those that it registers
    - `custom`: whether it is a folder with custom code, which somebody trusted
    """

    name: str
    path: str
    digest: str
    version: str | None = None
    commit: str | None = None
    model_types: tuple[str, ...] = ()
    custom: bool = False

    def __str__(self) -> str:
        """Return name, version, commit and the beginning of the digest."""
        version = f" {self.version}" if self.version else ""
        commit = f", commit {self.commit[:12]}" if self.commit else ""
        return f"{self.name}{version}{commit} (digest {self.digest[:12]})"


class Imports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to import, in this order: `packages` by name, then `folders` with custom code.

    `registry` is the digest of what they register, None where nobody has looked; `found` what is known of each.
    """

    packages: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    registry: str | None = None
    found: tuple[Imported, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The packages' names, and those of the folders' packages."""
        return (*self.packages, *map(custom_module, self.folders))


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the process that imported them says: model types by import, the digest of all that they register.

    Or the `error`, and whether it is that a package is missing.
    """

    model_types: dict[str, tuple[str, ...]] = {}
    registry: str = ""
    error: str = ""
    unfit: bool = False


def entered() -> Imports | None:
    """Return what this process is to import; None where it is nothing. UsageError where the variable is not ours."""
    text = os.environ.get(ENTERED)
    if not text:
        return None
    try:
        return msgspec.json.decode(text.encode(), type=Imports)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UsageError(f"{ENTERED} is for hfci's own processes, and is none of theirs ({error}): unset it") from error


def imported_here() -> tuple[Imported, ...]:
    """Return what this process was begun to import, as it lay then."""
    imports = entered()
    return () if imports is None else imports.found


def asked_for(names: Sequence[str], *, trusted: bool, folder: Path) -> Imports | None:
    """Return what the options name, and the configuration of `folder`; None where they name nothing.

    Raises UsageError for what is neither a package's name nor a folder with custom code, and for such a folder that is
    not `trusted`.
    """
    configuration = load_configuration(folder)
    honoured = () if unhonoured(configuration) else configuration.imports
    folders = [name for name in names if not PACKAGE.fullmatch(name)]
    if trusted and not folders:
        raise UsageError("--trust-remote-code is for a folder with custom code: name one with --import ./FOLDER")
    packages = tuple(dict.fromkeys([*honoured, *(name for name in names if PACKAGE.fullmatch(name))]))
    places = tuple(dict.fromkeys(str(_custom(name, trusted=trusted)) for name in folders))
    modules = [custom_module(place) for place in places]
    if twice := [name for name in modules if modules.count(name) > 1]:
        raise UsageError(f"two folders with custom code are called {twice[0].partition('.')[2]}: rename one of them")
    return Imports(packages, places) if packages or places else None


def unhonoured(configuration: Configuration) -> str:
    """Return what to say where the configuration names imports and is perhaps a stranger's; else nothing."""
    if not configuration.imports or not workflow.is_foreign():
        return ""
    named = ", ".join(configuration.imports)
    return f"[tool.hfci] imports of a stranger's commit are not honoured: {named} is not imported"


def options_of(names: Sequence[str], *, trusted: bool) -> list[str]:
    """Return the options that ask for the same imports again."""
    return [*(part for name in names for part in ("--import", name)), *(["--trust-remote-code"] if trusted else [])]


def options_for(imports: Iterable[Imported]) -> list[str]:
    """Return the options that ask for what was imported somewhere: packages by name, folders by where they lay."""
    imports = tuple(imports)
    named = [one.path if one.custom else one.name for one in imports]
    return options_of(named, trusted=any(one.custom for one in imports))


def custom_module(folder: str) -> str:
    """Return the name of the package that a folder with custom code is imported as: `transformers_modules.my_model`."""
    name = re.sub(r"\W", "_", Path(folder).name, flags=re.ASCII)
    return f"{CUSTOM}.{name if name[:1].isalpha() else f'_{name}'}"


def _custom(name: str, *, trusted: bool) -> Path:
    folder = Path(name)
    if not folder.is_dir():
        raise UsageError(
            f"--import {name!r:.80}: that is no package's dotted name, such as my_package, and no folder either"
        )
    if not (folder / CONFIG).is_file():
        raise UsageError(
            f"--import {name!r:.80}: a folder with custom code has a {CONFIG} with an auto_map; of a package give the "
            "name, such as my_package"
        )
    if not trusted:
        raise UsageError(
            f"{name!r:.80} has code of its own, which would be run: add --trust-remote-code if you trust it"
        )
    return folder.resolve()


# Where they lie.


def place_of(name: str) -> Path:
    """Return the folder of the top package of `name`, or its only file; EnvironmentUnfit where there is none.

    Looked for where Python does, and then in the folder of the configuration, or its `src`.
    """
    top = name.partition(".")[0]
    spec = importlib.machinery.PathFinder.find_spec(top, [*sys.path, *map(str, _own_places(top))])
    for place in [*((spec and spec.submodule_search_locations) or ()), *filter(None, [spec and spec.origin])]:
        return Path(place).resolve()
    raise EnvironmentUnfit(
        f"there is no package {top} here: install it (`pip install -e .` in its folder), or call hfci in the folder "
        "that it lies in"
    )


def _own_places(top: str) -> list[Path]:
    """Return which of the current folder and the configuration's, and of the `src` in them, holds `top`."""
    here = Path.cwd()
    own = load_configuration(here).folder
    folders = dict.fromkeys(place / part for place in (here, *([own] if own else ())) for part in ("", "src"))
    return [place for place in folders if (place / top).is_dir() or (place / f"{top}.py").is_file()]


def found(imports: Imports | None) -> tuple[Imported, ...]:
    """Return what can be said of each import before it is one, as it lies here now."""
    if imports is None:
        return ()
    places = [
        *((name, place_of(name)) for name in imports.packages),
        *((place, Path(place)) for place in imports.folders),
    ]
    return tuple(
        Imported(
            name=Path(name).name,
            custom=name in imports.folders,
            path=str(place),
            digest=digest_of(place.rglob("*.py") if place.is_dir() else [place], place.parent),
            version=_version(name),
            commit=commit_of(place, ".") if place.is_dir() else commit_of(place.parent, place.name),
        )
        for name, place in places
    )


def _version(name: str) -> str | None:
    for distribution in importlib.metadata.packages_distributions().get(name.partition(".")[0], ()):
        return importlib.metadata.version(distribution)
    return None


# Going on in a process for them.


def enter(asked: Imports, arguments: Sequence[str], *, tries: bool = True) -> int | None:
    """Go on in a process that is to import what is `asked`; None where this one is to import it already.

    `arguments` are those of the command line. With `tries` they are imported once before, and what they register is
    known from then on. Does not return where the system can put another program in this one's place. Raises UsageError
    and EnvironmentUnfit where they cannot be imported, or register nothing that can be tested.
    """
    known = entered()
    if known is not None and {*asked.packages, *asked.folders} <= {*known.packages, *known.folders}:
        return None  # what a process of hfci's begins asks for no more than it does
    tops = (name.partition(".")[0] for name in asked.packages)
    paths = [*filter(None, [os.environ.get("PYTHONPATH")]), *(str(place) for top in tops for place in _own_places(top))]
    environment = {**without_secrets(os.environ), **SETTINGS}
    environment.update({"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))} if paths else {})
    here = found(asked)
    environment[ENTERED] = _as_text(msgspec.structs.replace(asked, found=here))
    if tries:
        told = _registration(environment)
        names = (*asked.packages, *asked.folders)
        typed = zip(here, names, strict=True)
        here = tuple(msgspec.structs.replace(one, model_types=told.model_types.get(name, ())) for one, name in typed)
        environment[ENTERED] = _as_text(msgspec.structs.replace(asked, found=here, registry=told.registry))
    return begin_anew(environment, arguments)


def adopt(folder: Path) -> None:
    """Have this process import what the configuration of `folder` names, where it was begun for nothing else.

    For plain pytest: hfci did not begin it, so that its environment loses its tokens when they are imported.
    """
    if entered() is not None or (asked := asked_for((), trusted=False, folder=folder)) is None:
        return
    for top in dict.fromkeys(name.partition(".")[0] for name in asked.packages):
        sys.path += [place for place in map(str, _own_places(top)) if place not in sys.path]
    os.environ.update(SETTINGS)
    os.environ[ENTERED] = _as_text(msgspec.structs.replace(asked, found=found(asked)))


def _as_text(imports: Imports) -> str:
    return msgspec.json.encode(imports).decode()


def _registration(environment: Mapping[str, str]) -> Registration:
    """Import everything in a process of its own, and return what it says that they register."""
    with tempfile.TemporaryDirectory(prefix="hfci-", ignore_cleanup_errors=True) as scratch:
        told, errors = Path(scratch, "told.json"), Path(scratch, "errors")
        command = [sys.executable, "-c", "from hfci.catalog.registration_child import tell; tell()", str(told)]
        try:
            with errors.open("wb") as file:
                code = subprocess.run(  # noqa: S603 -- hfci itself
                    command,
                    env=environment,
                    check=False,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,  # no pipe, which what it starts may hold open
                    stderr=file,
                    timeout=LIMIT_S,
                ).returncode
        except subprocess.TimeoutExpired as error:
            raise UsageError(f"{_named(environment)}: the import takes more than {LIMIT_S:.0f} s") from error
        try:
            answer = msgspec.json.decode(told.read_bytes(), type=Registration)
        except (OSError, msgspec.DecodeError, UnicodeError):
            said = errors.read_bytes().decode("utf-8", "replace")
            answer = Registration(error=f"{_named(environment)}: {_ended(code, said)}")
    if answer.error:
        kind = EnvironmentUnfit if answer.unfit else UsageError
        raise kind(answer.error if answer.error.isprintable() else repr(answer.error))
    return answer


def _named(environment: Mapping[str, str]) -> str:
    imports = msgspec.json.decode(environment[ENTERED].encode(), type=Imports)
    return f"import of {', '.join((*imports.packages, *imports.folders))}"


def _ended(code: int, said: str) -> str:
    how = f"dies of signal {-code}" if code < 0 else f"ends with exit code {code}"
    lines = said.strip().splitlines()
    last = f" ({lines[-1]!r:.200})" if lines else ""
    return f"the process that imports it {how}{last}: what is imported must not end the process"
