"""Files of which only some rows are about an architecture: recipes, the ledger, templates. Read as text."""

from __future__ import annotations

import json
import re
import tomllib  # noqa: TID251 -- a digest of whatever stands there, by another version of hfci too
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from hfci.planning.fingerprinting.normalize import digest_of

__all__ = ["Rows", "tables_in", "templates_of", "text_digest"]

# Tier → the templates that hold what a family's template fills; of a tier that is not here, all of them count.
_ARCHITECTURES = ("_architectures.py.jinja", "_architecture.py.jinja", "_model_type.py.jinja")
LAYOUTS = {"smoke": ("_smoke.py.jinja",), "functional": _ARCHITECTURES, "deep": _ARCHITECTURES}
OF_PART = "_part.py.jinja"

_READERS: Mapping[str, Callable[[str], Any]] = {"toml": tomllib.loads, "json": json.loads}
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_NAMED = re.compile(r"""\{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)["']""")
_TABLE = re.compile(r"^MODEL_(\w*?)_?MAPPING_NAMES\s*=(.*?)^\)", re.MULTILINE | re.DOTALL)
_CLASS = re.compile(r"""["'](\w+)["']""")


def text_digest(label: str, content: bytes) -> str:
    """Return the digest of a template, or of data, without comments and layout; of one that is broken, of all of it."""
    try:
        text = content.decode("utf-8")
        if (read := _READERS.get(label.rpartition(".")[2])) is not None:
            return digest_of(_plain(read(text)))
        return digest_of(_COMMENT.sub("", text).encode())
    except ValueError:
        return digest_of(b"unreadable", content)


class Rows:
    """The tables `[[key]]` of a TOML file, by the model types that they name; a broken file is about everything."""

    def __init__(self, content: bytes, key: str, today: date) -> None:
        """Read them. A row that `expires` is another one once that day is over."""
        try:
            entries = tomllib.loads(content.decode("utf-8")).get(key, [])
            rows = [row for row in entries if isinstance(row, dict)]
        except (ValueError, AttributeError, TypeError):
            rows = [{"broken": digest_of(content)}]
        self._rows = rows
        self._digests = [_row_digest(row, today) for row in rows]
        self._general: list[int] = []
        self._of_type: dict[str, list[int]] = {}
        for index, row in enumerate(rows):
            named = row.get("model_types")
            if isinstance(named, list):
                for name in named:
                    self._of_type.setdefault(str(name), []).append(index)
            else:
                self._general.append(index)

    def about(
        self, own: Iterable[str], parts: Iterable[str], architecture: str, tables: Mapping[str, frozenset[str]]
    ) -> str:
        """Return the digest of the rows about `architecture` of the model types `own`, and about its `parts`.

        A row about some architectures or tables alone counts if that is among them; of a part nobody here knows the
        class, so that the row counts.
        """
        mine = [index for name in own for index in self._of_type.get(name, ())]
        chosen = {index for index in (*self._general, *mine) if _covers(self._rows[index], architecture, tables)}
        chosen.update(index for name in parts for index in self._of_type.get(name, ()))
        return digest_of(*(self._digests[index] for index in sorted(chosen)))


def _covers(row: Mapping[str, Any], architecture: str, tables: Mapping[str, frozenset[str]]) -> bool:
    named, listed = row.get("architectures"), row.get("tables")
    if isinstance(named, list) and architecture not in named:
        return False
    if isinstance(listed, list):
        return any(architecture in tables.get(str(name), (architecture,)) for name in listed)
    return True


def _row_digest(row: Mapping[str, Any], today: date) -> bytes:
    expires = row.get("expires")
    return _plain([row, isinstance(expires, date) and expires < today])


def tables_in(modeling_auto: bytes) -> dict[str, frozenset[str]]:
    """Return short table name → the classes in it, of the text of transformers' `modeling_auto`."""
    text = modeling_auto.decode("utf-8", "replace")
    return {short or "BASE": frozenset(_CLASS.findall(body)) for short, body in _TABLE.findall(text)}


def templates_of(texts: Mapping[str, str], family: str | None, tier: str, is_part: bool) -> frozenset[str]:
    """Return the names of the templates of a family's tests in a tier, with those that they extend and include."""
    layouts = (OF_PART,) if is_part else LAYOUTS.get(tier, tuple(name for name in texts if name.startswith("_")))
    names = new = {f"{family}.py.jinja", *layouts} & texts.keys()
    while new:
        new = {named for name in new for named in _NAMED.findall(texts[name]) if named in texts} - names
        names = names | new
    return frozenset(names)


def _plain(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, default=str).encode()
