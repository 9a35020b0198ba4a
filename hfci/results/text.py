"""Text from tests is hostile, with escape sequences, Markdown, HTML, mentions; what is shown is cleaned."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clean", "code", "first_line"]

# Escape sequences of terminals: CSI (colours, cursor), OSC (titles, links), and the two-character ones.
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]")

# Control, format (also what reverses the direction of text) and surrogate characters.
HIDDEN = ("Cc", "Cf", "Cs")


def clean(text: str) -> str:
    """Return `text` on one line, without escape sequences, control or direction-changing characters."""
    shown = (c for c in ANSI.sub("", text) if c.isspace() or unicodedata.category(c) not in HIDDEN)
    return " ".join("".join(shown).split())


def first_line(text: str, length: int = 200) -> str:
    """Return the first line with something in it, cleaned and cut to `length`."""
    lines = (clean(line) for line in text.splitlines())
    line = next((line for line in lines if line), "")
    return line if len(line) <= length else line[: length - 1] + "…"


def code(text: str) -> str:
    """Return `text` as HTML code for a Markdown page.

    Every character with a meaning in Markdown or HTML becomes a numeric reference, which has none, in a table
    neither. Mentions, issue numbers and addresses are not linked inside code.
    """
    escaped = (
        character if character.isalnum() or character == " " else f"&#{ord(character)};" for character in clean(text)
    )
    return f"<code>{''.join(escaped)}</code>"
