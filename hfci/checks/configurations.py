"""Does a configuration survive its file?"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hfci.tiny.model import default_config_of

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["config_roundtrip"]

_UNKNOWN = {"hfci_unknown_key": {"kept": [1, 2.5, "three", None]}}


def config_roundtrip(tiny: TinyModel) -> None:
    """Assert that the configuration comes back as it was: from its dictionary, from its file, and from its defaults.

    Every field of every part has its value, and every part its class; the order of keys says nothing. A key that the
    class does not know is kept. What a default configuration leaves out of its file comes back with its default. The
    generation configuration comes back too.
    """
    config = tiny.config
    default = default_config_of(tiny.model_type, tiny.architecture)
    for what, one in (("the tiny configuration", config), ("the default configuration", default)):
        _assert_same(f"{what} from its dictionary", one, type(one).from_dict(one.to_dict()))
        with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
            one.save_pretrained(folder)
            _assert_same(f"{what} from its file", one, type(one).from_pretrained(folder, local_files_only=True))
    kept = type(config).from_dict({**config.to_dict(), **_UNKNOWN}).to_dict()
    for name, value in _UNKNOWN.items():
        if kept.get(name) != value:
            raise AssertionError(f"a key that {type(config).__name__} does not know is lost, or {kept.get(name)!r}")


def _assert_same(what: str, old: Any, new: Any) -> None:
    if type(old) is not type(new):
        raise AssertionError(f"{what} is a {type(new).__name__}, not a {type(old).__name__}")
    held = [name for name in vars(old) if not name.startswith("_")]  # which may be more than its dictionary says
    before, after = ({name: vars(one).get(name, "not there") for name in held} | one.to_dict() for one in (old, new))
    differences = [*_differences(_plain(before), _plain(after)), *_classes(old, new)]
    if differences:
        raise AssertionError(f"{what} is another: {'; '.join(differences[:8])}")


def _plain(value: Any) -> Any:
    """Return `value` as it stands in JSON, whose keys are strings and which knows no tuples."""
    return json.loads(json.dumps(value, default=str))


def _differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            place = f"{where}.{key}" if where else key
            if key not in old or key not in new:
                yield f"{place} was {old.get(key, 'not there')!r:.60}, is {new.get(key, 'not there')!r:.60}"
            else:
                yield from _differences(old[key], new[key], place)
    elif old != new:
        yield f"{where} was {old!r:.60}, is {new!r:.60}"


def _classes(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Yield the parts whose class is another."""
    for name, part in vars(old).items():
        if hasattr(part, "to_dict") and hasattr(part, "model_type"):
            other = getattr(new, name, None)
            if type(other) is not type(part):
                yield f"{where}{name} was a {type(part).__name__}, is a {type(other).__name__}"
            else:
                yield from _classes(part, other, f"{where}{name}.")
