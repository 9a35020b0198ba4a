"""Find out whether the installed packages fit together, and name the command that mends what does not."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "is this environment fit, and if not, what mends it"
EXAMPLE = "hfci doctor"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare no argument."""
    del parser


def run(arguments: Namespace) -> int:
    """Look at all packages' metadata, then really import the libraries."""
    del arguments
    from hfci.catalog.environment import check_environment, try_import

    check_environment(everything=True)
    sys.stdout.write("every package's requirements of torch, transformers and huggingface_hub are met\n")
    sys.stdout.write(f"{try_import()}\n")
    return 0
