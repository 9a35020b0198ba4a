"""Numbers that a user gives a run: accepted is what the libraries beneath can take."""

from __future__ import annotations

import argparse
import math

__all__ = ["parse_seconds", "parse_seed"]

MOST_SECONDS = 1_000_000  # of a timer; more than eleven days
MOST_SEED = 2**63 - 1  # of torch.manual_seed


def parse_seconds(text: str) -> float:
    """Return the seconds that a case may take, of which 0 is without limit."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"must be seconds from 0, which is without limit, to {MOST_SECONDS:,}: {text}")
    return seconds


def parse_seed(text: str) -> int:
    """Return a seed."""
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MOST_SEED)) or int(text) > MOST_SEED:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {MOST_SEED:,}: {text:.60}")
    return int(text)
