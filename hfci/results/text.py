"""Text from tests is hostile, with escape sequences, Markdown, HTML, mentions; what is shown is cleaned."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clean", "code", "first_line", "no_command", "shorten"]

# Escape sequences of terminals: CSI (colours, cursor), OSC (titles, links), and the two-character ones.
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]")

# Control, format (also what reverses the direction of text) and surrogate characters.
HIDDEN = ("Cc", "Cf", "Cs")

# No line that is shown needs more of a text, whatever is to be taken out of it.
READ = 4_000

# What may have a meaning in Markdown or HTML, in the middle of a line.
MEANINGFUL = re.compile(r"[^\w ,=/]|_")

# Where code may be broken: after `/` and `_`, since GitHub's tables are as wide as their longest words, and a case ID
# would push the command out of sight; and after `@`, since cmark-gfm links mail addresses once references are decoded.
JOINT = re.compile(r"(?<=/)|(?<=&#95;)|(?<=&#64;)")

# What a runner of GitHub takes for a command: `::name::` at the beginning of a line, `##[name]` anywhere in it.
COMMAND = re.compile(r"^\s*:(?=:)")
COMMANDS = re.compile(r":(?=:)")


def clean(text: str) -> str:
    """Return `text` on one line, without escape sequences, control or direction-changing characters."""
    if text.isprintable():  # as nearly all is
        return " ".join(text.split())
    shown = (c for c in ANSI.sub("", text) if c.isspace() or unicodedata.category(c) not in HIDDEN)
    return " ".join("".join(shown).split())


def first_line(text: str, length: int = 200) -> str:
    """Return the first line with something in it, cleaned and cut to `length`."""
    lines = (clean(line) for line in text[:READ].splitlines())
    return shorten(next((line for line in lines if line), ""), length)


def shorten(text: str, length: int) -> str:
    """Return `text` cleaned and cut to `length`."""
    line = clean(text[:READ])
    return line if len(line) <= length else line[: length - 1] + "…"


def code(text: str) -> str:
    """Return `text` as HTML code for a Markdown page.

    Every character with a meaning in Markdown or HTML becomes a numeric reference, which has none, in a table
    neither. Mentions, issue numbers and addresses are not linked inside code. It may be broken after `/`, `_` and `@`.
    """
    escaped = MEANINGFUL.sub(lambda match: f"&#{ord(match[0])};", clean(text))
    return f"<code>{JOINT.sub('<wbr>', escaped)}</code>"


def no_command(text: str, *, broken: bool = False) -> str:
    """Return `text` cleaned, as a line of output in which a runner of GitHub finds no workflow command.

    Where it may be `broken` into several lines, as in a table, none of them begins one either.
    """
    return (COMMANDS if broken else COMMAND).sub(": ", clean(text)).replace("##[", "## [")
