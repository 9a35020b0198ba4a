"""Secrets are taken out of every text before it is written, printed or handed on."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hfci.checkout import is_secret

__all__ = ["MASK", "Masking", "known_secrets"]

MASK = "***"

_STORED = re.compile(r"=[ \t]*(\S+)")  # of several tokens, each with its name
_SHORTEST = 8  # a shorter value would take words out of sentences

# What looks like one: a token of the Hub, what an Authorization header or an address carries, what is called so.
_LOOKS = re.compile(
    r"""
      (?-i:\b(?:hf|api_org)_[A-Za-z0-9]{12,})
    | (?<=://)[^\s/@:]+:[^\s/@]+(?=@)
    | (?<=\bBearer\ )[^\s"',}]+
    | (?<=\bX-Amz-Signature=)[0-9a-f]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CALLED = re.compile(
    r"""((?:\b(?:hf_|auth_|access_|use_auth_)?token|\bapi_key|\bpassword)["']?\s*[=:]\s*["']?)[^\s"',}]{4,}""",
    re.IGNORECASE,
)


def known_secrets() -> frozenset[str]:
    """Return the secrets that this environment holds: variables that are called so, and the token that was saved."""
    values = {value.strip() for name, value in os.environ.items() if is_secret(name)}
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    for path in (Path(os.environ.get("HF_TOKEN_PATH") or home / "token"), home / "stored_tokens"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = path.read_text(encoding="utf-8")
            values.update(_STORED.findall(text) or [text.strip()])
    return frozenset(value for value in values if len(value) >= _SHORTEST)


class Masking:
    """Takes secrets out of texts: those that are known, and what looks like one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        ordered = sorted(secrets, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _CALLED.sub(rf"\1{MASK}", _LOOKS.sub(MASK, text))

    def data(self, data: Any) -> Any:
        """Return what JSON can hold, without secrets in its texts and keys."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, Mapping):
            return {self.data(key): self.data(value) for key, value in data.items()}
        if isinstance(data, (list, tuple)):
            return [self.data(value) for value in data]
        return data
