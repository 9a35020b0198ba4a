"""Arguments that mean the same in every command."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, _ArgumentGroup
from pathlib import Path

from hfci.configuration import require_device
from hfci.errors import UsageError
from hfci.testing.limits import parse_seed

__all__ = [
    "TIERS",
    "add_backend",
    "add_checks",
    "add_device",
    "add_folder",
    "add_imports",
    "add_json",
    "add_names",
    "add_seed",
    "add_source",
    "add_tier",
    "print_json",
    "tier_of",
]

TIERS = ("smoke", "functional", "deep")


def add_names(parser: ArgumentParser) -> None:
    """Model types, patterns, families, architectures."""
    parser.add_argument(
        "names",
        nargs="*",
        type=str.strip,  # a list written on Windows leaves each a carriage return
        metavar="NAME",
        help="model types, patterns ('qwen*'), family:NAME, import:PACKAGE, architectures; nothing means everything",
    )


def add_tier(parser: ArgumentParser) -> None:
    """The tier."""
    parser.add_argument("--tier", choices=TIERS, default="smoke", help="default: smoke")


def add_checks(parser: ArgumentParser) -> None:
    """Checks."""
    parser.add_argument(
        "--check",
        action="append",
        default=[],
        metavar="NAME",
        help="only this check, with all its axes, or NAME[dtype=bfloat16]; repeatable",
    )


def add_device(parser: ArgumentParser) -> None:
    """The device."""
    parser.add_argument(
        "--device",
        type=_device,
        default="cpu",
        help="cpu, cuda, cuda:1, mps, xpu, tpu, or what torch calls another (default: cpu)",
    )


def add_backend(parser: ArgumentParser) -> None:
    """The backend."""
    parser.add_argument(
        "--backend",
        metavar="NAME",
        help="only the cases of the deep tier that ask about a backend, with this one: eager, aot_eager, inductor, a "
        "format of transformers' exporters (dynamo, onnx), or an entry point of hfci.backends",
    )


def tier_of(backend: str | None, tier: str) -> str:
    """Return the tier that is meant where a `backend` is named: the deep one, which no other may be named beside."""
    if backend and tier not in (TIERS[0], "deep"):
        raise UsageError(f"--backend asks of the deep tier, and --tier {tier} of another: leave one of them out")
    return "deep" if backend else tier


def _device(text: str) -> str:
    kind, _, index = text.partition(":")
    try:
        require_device(kind)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
    if (index and not (index.isascii() and index.isdigit() and len(index) < 4)) or text.endswith(":"):
        raise ArgumentTypeError(f"{text!r:.60}: behind the colon stands which of several, such as {kind}:0")
    return text


def add_seed(parser: ArgumentParser) -> None:
    """The seed."""
    parser.add_argument("--seed", type=parse_seed, default=0, help="of weights and inputs (default: 0)")


def add_source(parser: ArgumentParser) -> None:
    """Which transformers."""
    parser.add_argument(
        "--source",
        type=Path,
        metavar="DIR",
        help="a checkout of transformers, or its src/, instead of the installed one; its code runs without tokens in "
        "the environment",
    )


def add_imports(parser: ArgumentParser) -> None:
    """What else registers models."""
    parser.add_argument(
        "--import",
        action="append",
        default=[],
        metavar="PACKAGE",
        dest="imports",
        help="a package whose import registers configurations and models of its own, or ./FOLDER with custom code; its "
        "code runs without tokens in the environment; repeatable (beside those of [tool.hfci] imports)",
    )
    parser.add_argument(
        "--trust-remote-code", action="store_true", help="run the custom code of a folder that --import names"
    )


def add_json(parser: ArgumentParser) -> None:
    """Output for programs."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_folder(parser: ArgumentParser | _ArgumentGroup, name: str, purpose: str, default: Path | None = None) -> None:
    """A folder."""
    shown = f" (default: {default})" if default else ""
    parser.add_argument(name, type=Path, default=default, metavar="DIR", help=purpose + shown)


def print_json(data: object) -> None:
    """Print `data` to standard output."""
    import json
    import sys

    json.dump(data, sys.stdout, indent=2)
    sys.stdout.write("\n")
