"""The stage `access`: does the checkpoint exist, may it be read, and which commit is it from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hfci.preflight.repository import Repository, endpoint, look_at

if TYPE_CHECKING:
    from hfci.preflight.stages import Context

__all__ = ["Access", "access"]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What `access` finds.

    - `endpoint`: the address of the Hub; `model`: where the model is; `tokenizer`: where the tokenizer is
    """

    endpoint: str
    model: Repository
    tokenizer: Repository


def access(context: Context) -> Access:
    """Find the repositories of the model and of the tokenizer, which need not be the same."""
    asked = context.configuration.model
    context.progress(f"asking for {asked.name}", None, None)
    model = look_at(asked.name, asked.revision)
    tokenizer = model
    if asked.tokenizer not in (None, asked.name):
        context.progress(f"asking for {asked.tokenizer}", None, None)
        tokenizer = look_at(str(asked.tokenizer), asked.tokenizer_revision or asked.revision)
    return Access(endpoint=endpoint(), model=model, tokenizer=tokenizer)
