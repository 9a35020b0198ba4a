"""Importing what registers models beside transformers', in a process that was begun for it: see `hfci.imports`.

Whatever is wrong with an import is a UsageError that names it and says what to add; a package that it lacks is an
EnvironmentUnfit.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.machinery
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from hfci.catalog import registered as registry
from hfci.catalog.untouched import Tables, replaced, tables
from hfci.checkout import is_secret
from hfci.confined import inside
from hfci.errors import EnvironmentUnfit, HfciError, UsageError, in_one_line
from hfci.imports import CONFIG, CUSTOM, Imports, custom_module, entered
from hfci.interruption import raise_again

__all__ = ["digest", "load_imports"]

# A model type stands in IDs of cases, in names of files and in reports; a class in code that is rendered.
MODEL_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
CLASS = re.compile(r"[A-Za-z_]\w{0,127}", re.ASCII)

# A class of a module in the folder itself, not in one of its folders, nor in another repository (`OWNER/NAME--…`).
REFERENCE = re.compile(r"([A-Za-z_]\w*)\.([A-Za-z_]\w*)", re.ASCII)


class CustomCode(msgspec.Struct):
    """What is read of a `config.json` with code of its own: auto class → where its class is, `modeling_x.XModel`.

    Of a tokenizer there may be two, a slow and a fast one, the first or the second of which is null.
    """

    auto_map: dict[str, str | list[str | None]]


@functools.cache
def load_imports() -> dict[str, tuple[str, ...]]:
    """Import what this process was begun for, once, and return the model types that each import registers, by name.

    What it prints goes to standard error. No token is left in the environment.
    """
    asked = entered()
    if asked is None:
        return {}
    for name in [name for name in os.environ if is_secret(name)]:
        del os.environ[name]
    found = {}
    before = tables()
    with _printing_to_stderr():
        for name in asked.packages:
            found[name] = _registered_by(name, partial(importlib.import_module, name))
        for folder in asked.folders:
            found[folder] = _registered_by(_plain(Path(folder).name), partial(_import_folder, Path(folder)))
    _require_unchanged(asked, before)
    if asked.registry not in (None, digest()):
        raise UsageError(
            f"{_all_of(asked)}: this registers other than a moment ago, and an import must always register the same"
        )
    return found


def digest() -> str:
    """Return the digest of all that is registered in this process."""
    return hashlib.sha256("\n".join(registry.registered().lines()).encode()).hexdigest()[:32]


def _all_of(asked: Imports) -> str:
    return ", ".join((*asked.packages, *(_plain(Path(folder).name) for folder in asked.folders)))


def _registered_by(name: str, run: Callable[[], object]) -> tuple[str, ...]:
    """Run one import, and return the model types that it adds, each of which can stand in a catalog."""
    before = set(registry.registered().configs)
    try:
        run()
    except HfciError:
        raise
    except BaseException as error:
        raise_again()
        raise _told(name, error) from error
    raise_again()
    added = tuple(model_type for model_type in registry.registered().configs if model_type not in before)
    for model_type in added:
        registry.mark(model_type, name)
    _require_own(name)
    if not added:
        raise UsageError(
            f"{name} registers no configuration: add `AutoConfig.register(MODEL_TYPE, CONFIG_CLASS)` and, for each "
            "model, `AutoModel….register(CONFIG_CLASS, MODEL_CLASS)`, where its import runs them"
        )
    _require_names(name, added)
    return added


def _told(name: str, error: BaseException) -> HfciError:
    """Return what to say of an import that ends with `error`."""
    if isinstance(error, SystemExit):
        return UsageError(
            f"import of {name} exits ({_plain(in_one_line(error))}): what is imported must not end the process"
        )
    where = _place(error)
    what = f"import of {name} raises {_plain(in_one_line(error))}{where and f' ({where})'}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        return EnvironmentUnfit(f"{what}: pip install what it needs")
    taken = isinstance(error, ValueError) and "already used by a Transformers" in str(error)
    return UsageError(f"{what}: give it a model type and classes of its own names" if taken else what)


def _place(error: BaseException) -> str:
    """Return `FILE:LINE` of the innermost frame outside of transformers, torch and hfci, of which an import is made."""
    others = {"transformers", "torch", "hfci", "importlib"}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    own = [frame for frame in frames if others.isdisjoint(Path(frame.filename).parts)]
    return _plain(f"{Path(own[-1].filename).name}:{own[-1].lineno}") if own else ""


def _require_names(name: str, model_types: tuple[str, ...]) -> None:
    from hfci.catalog.registries import tables_of_transformers

    found = registry.registered()
    for model_type in model_types:
        if not MODEL_TYPE.fullmatch(model_type):
            raise UsageError(
                f"{name} registers the model type {model_type!r:.80}: it must be of letters, digits, dots, dashes and "
                "underscores, at most 64, no sign first"
            )
        classes = [
            cls for cls in found.classes if cls is found.configs[model_type] or found.find(model_type, cls.__name__)
        ]
        for cls in classes:
            if not CLASS.fullmatch(cls.__name__):
                raise UsageError(f"{name} registers a class called {cls.__name__!r:.80}: it must be a plain name")
            if cls.__module__.startswith("transformers."):
                continue
            own = {other for rows in tables_of_transformers().values() for names in rows.values() for other in names}
            if cls.__name__ in own:
                raise UsageError(
                    f"{name} registers a class {cls.__name__}, as transformers has one: give it another name"
                )
        if not found.modules(model_type):
            raise UsageError(f"{name}: nothing can be imported of {model_type}")


def _require_own(name: str) -> None:
    """Raise UsageError where something that transformers has was registered anew."""
    from transformers.models.auto.configuration_auto import (  # type: ignore[attr-defined]
        CONFIG_MAPPING,
        CONFIG_MAPPING_NAMES,
    )

    taken = [model_type for model_type in CONFIG_MAPPING._extra_content if model_type in CONFIG_MAPPING_NAMES]
    for mapping in registry.mappings_of_transformers().values():
        taken += [config.__name__ for config in mapping._extra_content if config.__module__.startswith("transformers.")]
    if taken:
        raise UsageError(
            f"{name} registers {', '.join(dict.fromkeys(map(_plain, taken)))} anew, which transformers has: what is "
            "tested would be another; give it a model type and a configuration class of its own"
        )


def _require_unchanged(asked: Imports, before: Tables) -> None:
    """Raise UsageError where something of transformers is an import's now: a class, a function, a method, an entry."""
    tops = registry.registered().packages | {name.partition(".")[0] for name in asked.names}
    if (place := next(replaced(before, tops), None)) is not None:
        raise UsageError(
            f"{_all_of(asked)} puts something else in the place of {_plain(place)}: what is tested would not be "
            "transformers; leave that as it is, and register what is yours through the Auto classes"
        )


# A folder with custom code.


def _import_folder(folder: Path) -> None:
    """Import what the `auto_map` of a folder names, from where it lies, and register it as transformers would."""
    import transformers

    auto_map = _auto_map(folder)
    package = custom_module(str(folder))
    _make_package(CUSTOM, [])
    _make_package(package, [str(folder)])
    classes = {auto: [_load(folder, package, each) for each in references] for auto, references in auto_map.items()}
    config = classes.pop("AutoConfig")[0]
    transformers.AutoConfig.register(config.model_type, config)
    for auto, (cls, *others) in classes.items():
        door = getattr(transformers, auto)
        if others:  # of a tokenizer, a slow and a fast one
            door.register(config, slow_tokenizer_class=cls, fast_tokenizer_class=others[0])
        else:
            door.register(config, cls)


def _auto_map(folder: Path) -> dict[str, list[str]]:
    """Return auto class → references of a folder's configuration; UsageError where it is none that can be loaded."""
    import transformers

    path = folder / CONFIG
    try:
        said = msgspec.json.decode(path.read_bytes(), type=CustomCode).auto_map
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UsageError(
            f'{path}: no configuration with an auto_map, such as {{"AutoConfig": "configuration_x.XConfig"}}: {error}'
        ) from error
    if "AutoConfig" not in said:
        raise UsageError(f"{path}: auto_map names no AutoConfig, which everything else is registered by")
    auto_map = {}
    for auto, value in said.items():
        if not re.fullmatch(r"Auto\w+", auto, re.ASCII) or not hasattr(getattr(transformers, auto, None), "register"):
            raise UsageError(f"{path}: auto_map: {auto!r:.80} is no auto class of transformers")
        auto_map[auto] = [each for each in ([value] if isinstance(value, str) else value) if each]
        for each in auto_map[auto]:
            if not REFERENCE.fullmatch(each):
                raise UsageError(
                    f"{path}: auto_map.{auto}: {each!r:.80} is no class of a file there, as modeling_x.XModel is"
                )
        if not auto_map[auto]:
            raise UsageError(f"{path}: auto_map.{auto} names no class")
    return auto_map


def _load(folder: Path, package: str, reference: str) -> Any:
    module, name = reference.split(".")
    if not inside(folder, f"{module}.py").is_file():
        raise UsageError(f"{folder / CONFIG}: auto_map: there is no {module}.py in {folder}")
    cls = getattr(importlib.import_module(f"{package}.{module}"), name, None)
    if not inspect.isclass(cls):
        raise UsageError(f"{folder / CONFIG}: auto_map: {module}.py has no class {name}")
    return cls


def _make_package(name: str, places: list[str]) -> None:
    """Make an empty package in this process whose modules lie in `places`."""
    if name in sys.modules:
        return
    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = places
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, module)


# What it prints, and what is said of it.


@contextlib.contextmanager
def _printing_to_stderr() -> Iterator[None]:
    """Let whatever is printed go to standard error: a command's own output may be read by a program."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _plain(text: str) -> str:
    return text if text.isprintable() else repr(text)
