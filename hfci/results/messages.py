"""What an error's message says of a fault, without what it says of one case: numbers, sizes, names of the model."""

from __future__ import annotations

import functools
import re

from hfci.results.text import clean

__all__ = ["general", "heading"]

# Characters of a message that are read, and of its lines that are kept: what was wrong stands there.
READ, LINES, LONGEST = 2_000, 2, 400

# What stands for what was taken out. A message that has them by itself is none the less one of its kind.
NUMBER, MODEL, PLACE = "#", "MODEL", "PATH"

# What differs between two cases of one fault, and what stands for it, in this order.
RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\b0x[0-9a-fA-F]+\b", NUMBER),  # addresses
        (r"(?<![\w/\\])(?:[A-Za-z]:|https?:)?[/\\](?:[^\s'\"()<>\[\]{},;:/\\]{1,200}[/\\]?){2,40}", PLACE),
        (r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}\b", NUMBER),  # digests
        # Numbers; not the digits of names, such as `float32`, but those of numbered ones, such as `block_0`.
        (r"(?<![A-Za-z0-9])(?:(?<=_)|[-+]?)\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?%?(?![A-Za-z0-9])", NUMBER),
        (r"\( ?#(?:(?:, ?| ?x ?)#)*,? ?\)|\[ ?#(?:(?:, ?| ?x ?)#)*,? ?\]", NUMBER),  # shapes, lists of sizes
        (r"#(?:(?:, ?| ?x ?)#)+", NUMBER),
        (r"# ?(?:[kKMGT]i?B|bytes?)\b", f"{NUMBER} bytes"),
        (r"# ([A-Za-z]{2,})s\b", r"# \1"),  # one and many
    )
)

# A class of a model, by what follows the name of the model type in it; what else follows, `Config`, is kept.
OF_MODEL = re.compile(r"(?:[A-Z]\w*)?(?:Model|For[A-Z]\w*)$|$")

# The words of a check up to what it measured or lists, if they say something; how it says that an output is another.
FEWEST_WORDS = 3
END = re.compile(r"[:;] | \(")
MEASURED = re.compile(r"\S{1,200} by # of its magnitude")


@functools.lru_cache(maxsize=8_192)
def general(message: str, model_type: str, architecture: str | None) -> str:
    """Return the first lines of a message in one, without sizes, addresses, places, and names of the model.

    `message` need not be more than the `READ` first characters. Two cases of one fault say the same.
    """
    lines = filter(None, map(clean, message[:READ].splitlines()))
    text = " ".join(line for line, _ in zip(lines, range(LINES), strict=False))
    text = _names(model_type[:LONGEST], (architecture or "")[:LONGEST]).sub(_model, text)
    for pattern, instead in RULES:
        text = pattern.sub(instead, text)
    return text[:LONGEST]


def heading(text: str) -> str:
    """Return what hfci's own message says before it comes to what was measured, in three words at least."""
    text = MEASURED.sub("an output", text)
    for found in END.finditer(text):
        if len(text[: found.start()].split()) >= FEWEST_WORDS:
            return text[: found.start()]
    return text


@functools.lru_cache(maxsize=4_096)
def _names(model_type: str, architecture: str) -> re.Pattern[str]:
    """Return what finds the names of a model: its architecture and other classes, its model type, however written."""
    plain = re.sub(r"[^A-Za-z0-9]", "", model_type)
    if plain and architecture.lower().startswith(plain.lower()):
        stem = architecture[: len(plain)]
    else:
        stem = OF_MODEL.sub("", architecture)
    words = [re.escape(word) for word in re.split(r"[-_ ]", model_type) if word]
    names = []
    if re.fullmatch(r"[A-Z]\w{2,}", stem):
        names.append(rf"\b{re.escape(stem)}(?P<rest>[A-Z]\w*)?\b")
    if re.fullmatch(r"[A-Za-z]\w+", architecture):
        names.append(rf"\b{re.escape(architecture)}\b")
    if words and re.fullmatch(r"[A-Za-z][\w -]{2,}", model_type):
        names.append(rf"(?:(?<=_)|(?<![A-Za-z0-9])){'[-_ ]?'.join(words)}(?![A-Za-z0-9])")
    return re.compile("|".join(names) or r"(?!)")


def _model(found: re.Match[str]) -> str:
    rest = found.groupdict().get("rest") or ""
    return MODEL if OF_MODEL.fullmatch(rest) else MODEL + rest
