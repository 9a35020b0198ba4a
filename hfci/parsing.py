"""Reading TOML and JSON into structures, one way, with one kind of error: the file, the row, what it must be.

What a value must be is said where its field is declared: by its type, and by the `title` of its `Meta`, in words. The
JSON Schemas are made from the same declarations.
"""

from __future__ import annotations

import enum
import re
import tomllib  # noqa: TID251 -- it is read here, for everybody
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from hfci import __version__
from hfci.errors import UsageError, nearest

__all__ = [
    "UNREADABLE",
    "Filled",
    "Names",
    "Pattern",
    "Reason",
    "Release",
    "Specifiers",
    "Text",
    "Upgrades",
    "convert",
    "decode",
    "entries_of",
    "of_schema",
    "read_json",
    "read_toml",
]

T = TypeVar("T")

Text = Annotated[str, Meta(pattern=r"\S", title="a text with something in it")]
Filled = Annotated[str, Meta(min_length=1, title="a text that is not empty")]
Reason = Annotated[str, Meta(pattern=r"\S", min_length=15, title="a reason that says why, in 15 characters or more")]
Names = Annotated[
    tuple[Text, ...], Meta(min_length=1, title="a list of names", extra_json_schema={"uniqueItems": True})
]

Specifiers = Annotated[SpecifierSet, Meta(title="PEP 440 specifiers such as '>=5.17,<5.24'")]
Release = Annotated[Version, Meta(title="a version such as 5.24.0")]
Pattern = re.Pattern[str]  # without a title: what `re` says of one that is wrong says more

# The version of the hfci that wrote a document, as its field `hfci`; None is unknown. Whoever cannot read it says so.
Writer = Annotated[str | None, Meta(description="the version of the hfci that wrote it; null is unknown")]


def this_hfci() -> Writer:
    """Return the version of this hfci, for a document that it writes."""
    return __version__


def written_by(said: object) -> str:
    """Return which hfci wrote a file, as a message adds it to the file's name; empty where `said` is no version."""
    try:
        return f" (written by hfci {Version(said)})" if isinstance(said, str) else ""
    except InvalidVersion:
        return ""


# From each older schema to the next: what a document said then, as it is said now.
Upgrades = Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]
_NONE: Upgrades = MappingProxyType({})

# What msgspec raises for JSON that cannot be read, or not into a structure.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _pattern(text: str) -> Pattern:
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r:.80} is no pattern: {error}") from error


# What is a text in a file, and what its text means.
_MEANINGS: Mapping[Any, Callable[[str], Any]] = {SpecifierSet: SpecifierSet, Version: Version, Pattern: _pattern}


def read_toml(path: Path | Traversable, kind: type[T], what: str) -> T:
    """Return the structure that the TOML file at `path` holds; `what` is what people call such a file.

    Raises UsageError with the file and the row where it cannot be read, is no TOML, or is not what `kind` says.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot read {what} {path}: {error}") from error
    return convert(data, kind, str(path))


def entries_of(folder: Path | Traversable, what: str) -> list[Path | Traversable]:
    """Return what lies in a folder of `what`, by name; UsageError where it cannot be read, or is no folder."""
    try:
        return sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"cannot read the folder of {what} {folder}: {error.strerror}") from error


def read_json(path: Path, kind: type[T], what: str, *, schema: int, mend: str = "", upgrades: Upgrades = _NONE) -> T:
    """Return the structure that the JSON file at `path` holds, of this `schema` or of one that can be upgraded to it.

    Raises UsageError that names the file and the row, and says how to `mend` what cannot be read here.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the {what} {path}: {error.strerror}{mend and f'; {mend}'}") from error
    return decode(content, kind, what, str(path), schema=schema, mend=mend, upgrades=upgrades)


def decode(
    content: bytes, kind: type[T], what: str, where: str, *, schema: int, mend: str = "", upgrades: Upgrades = _NONE
) -> T:
    """Return what `read_json` does, of the JSON that stands `where`."""
    try:
        data = msgspec.json.decode(content)
    except UNREADABLE as error:
        raise UsageError(f"{where} is no {what}: {error}") from error
    return of_schema(data, kind, what, where, schema=schema, mend=mend, upgrades=upgrades)


def of_schema(
    data: Any, kind: type[T], what: str, where: str, *, schema: int, mend: str = "", upgrades: Upgrades = _NONE
) -> T:
    """Return what `read_json` does, of decoded JSON."""
    if isinstance(data, dict):
        versions = data.get("versions")
        where += written_by(versions.get("hfci") if isinstance(versions, dict) else data.get("hfci"))
    # Of another schema it may have other fields, which is not what is wrong with it.
    while isinstance(data, dict) and (version := data.get("schema")) != schema:
        if type(version) is not int or version not in upgrades:
            readable = ", ".join(map(str, (*upgrades, schema)))
            after = f"; {mend}" if mend else ""
            raise UsageError(f"{where}: a {what} of schema {version!r:.60}, this hfci reads {readable}{after}")
        data = upgrades[version](data)
    return convert(data, kind, f"{where} is no {what}")


def convert(data: Any, kind: type[T], where: str) -> T:
    """Return decoded TOML or JSON as a structure; UsageError, which begins with `where`, if it is none."""
    try:
        return _converted(data, kind)  # type: ignore[no-any-return]
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {_told(error, data, kind)}") from error
    except RecursionError as error:
        raise UsageError(f"{where}: {error}") from error


def _converted(data: Any, kind: Any) -> Any:
    return msgspec.convert(data, kind, builtin_types=(date, datetime, time), dec_hook=_meaning)


def _meaning(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected a text, not {value!r:.60}")
    return _MEANINGS[kind](value)


# What msgspec finds, in our words: it tells no key of a mapping, and not what would be right, so that the value at
# fault is looked for again, along the declared types.


def _told(error: msgspec.ValidationError, data: Any, kind: Any, at: str = "", joint: str = "") -> str:
    """Return what is wrong with `data`, which `error` says is no `kind`, at the innermost place where something is."""
    kind, title = _declared(kind, data)
    before = f"{at}: " if at else ""
    if _is_struct(kind) and isinstance(data, Mapping):
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        if kind.__struct_config__.forbid_unknown_fields and (strange := [key for key in data if key not in fields]):
            near = nearest(strange[0], fields) or f" It takes {', '.join(fields)}."
            return f"{before}unknown key {strange[0]!r:.80}.{near}"
        for name, field in fields.items():
            if field.required and name not in data:
                wanted = _declared(field.type)[1]
                return f"{at or 'it'} lacks {name}{wanted and f': {wanted}'}"
    for step, value, part, is_row in _parts(kind, data):
        try:
            _converted(value, part)
        except msgspec.ValidationError as inner:
            place = f"{at}{step}" if step.startswith("[") else f"{at}{joint}{step}"
            return _told(inner, value, part, place, ": " if is_row else ".")
    near = nearest(data, known) if isinstance(data, str) and (known := _choices(kind)) else ""
    if title and not (_is_struct(kind) and isinstance(data, Mapping)):
        return f"{at or 'it'} must be {title}, not {data!r:.60}{near and f'.{near}'}"
    return f"{before}{error}"


def _declared(kind: Any, data: Any = None) -> tuple[Any, str]:
    """Return a declared type without its annotations, of several the one that `data` would be; and its title."""
    title = ""
    while True:
        if get_origin(kind) is Annotated:
            titles = (meta.title for meta in reversed(kind.__metadata__) if isinstance(meta, Meta))
            title = title or next(filter(None, titles), "")
            kind = kind.__origin__
        elif get_origin(kind) in (Union, UnionType):
            kind = next((option for option in get_args(kind) if _holds(option, data)), get_args(kind)[0])
        else:
            return kind, title or _among(_choices(kind))


def _holds(kind: Any, data: Any) -> bool:
    """Say whether `kind` has parts, and `data` is such a whole."""
    kind = _declared(kind)[0]
    if _is_struct(kind) or get_origin(kind) is dict:
        return isinstance(data, Mapping)
    return isinstance(data, list) and isinstance(get_origin(kind), type)


def _parts(kind: Any, data: Any) -> Iterator[tuple[str, Any, Any, bool]]:
    """Yield what `data` is made of: the step to it, its value, its type, and whether it is one row of many."""
    inner = get_args(kind)
    if _is_struct(kind):
        own = data if isinstance(data, Mapping) else {}
        for field in msgspec.structs.fields(kind):
            if field.encode_name in own:
                yield field.encode_name, own[field.encode_name], field.type, False
    elif get_origin(kind) in (dict, Mapping) and isinstance(data, Mapping):
        for key, value in data.items():
            yield from ((_plain(key), key, inner[0], False), (_plain(key), value, inner[1], True))
    elif get_origin(kind) in (tuple, list, frozenset) and isinstance(data, list):
        for index, value in enumerate(data):
            yield f"[{index}]{_label(inner[0], value)}", value, inner[0], True


def _label(kind: Any, row: Any) -> str:
    """Return what a row is called, by the first field that each row has."""
    kind = _declared(kind, row)[0]
    if not _is_struct(kind) or not isinstance(row, Mapping):
        return ""
    name = next((row.get(field.encode_name) for field in msgspec.structs.fields(kind) if field.required), None)
    return f" ({_plain(name)})" if isinstance(name, str) else ""


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _among(choices: tuple[str, ...]) -> str:
    return f"one of {', '.join(choices)}" if len(choices) > 1 else "".join(choices)


def _choices(kind: Any) -> tuple[str, ...]:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tuple(str(member.value) for member in kind)
    return tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()


def _plain(text: str) -> str:
    return text if text.isprintable() and len(text) <= 80 and not text.isspace() else repr(text)[:80]
