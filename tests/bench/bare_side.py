"""The floor of one side of a comparison: `bare_side.py first|second FOLDER`, architectures by model type on stdin.

The first side builds each tiny model, runs it and saves it; the second loads what was saved and runs it on the same
inputs. Prints the processor-seconds of this process.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch

from hfci.catalog import registries
from hfci.checks.loading import loaded
from hfci.testing.process_setup import prepare
from hfci.tiny import build_tiny
from hfci.tiny.bundles import is_bundle


def first(model_type: str, architecture: str, folder: Path) -> None:
    """Build, run, save."""
    tiny = build_tiny(model_type, architecture)
    inputs = tiny.inputs()
    if not is_bundle(tiny.model):
        tiny.save(folder / "checkpoint")
        torch.save(inputs, folder / "inputs.pt")
    with torch.no_grad():
        tiny.forward(inputs)


def second(model_type: str, architecture: str, folder: Path) -> None:
    """Load, run; what is no single model is built anew."""
    if not (folder / "checkpoint").is_dir():
        tiny = build_tiny(model_type, architecture)
        with torch.no_grad():
            tiny.forward()
        return
    model, _ = loaded(registries.find_class(model_type, architecture), str(folder / "checkpoint"))
    with torch.no_grad():
        model.eval()(**torch.load(folder / "inputs.pt", weights_only=False))


if __name__ == "__main__":
    prepare("cpu")
    do = {"first": first, "second": second}[sys.argv[1]]
    for name, architectures in json.load(sys.stdin).items():
        for architecture in architectures:
            place = Path(sys.argv[2]) / f"{name}-{architecture}"
            place.mkdir(exist_ok=True)
            try:
                do(name, architecture, place)
            except Exception as error:  # it is compared, too
                print(f"{name}/{architecture}: {error!r:.100}", file=sys.stderr)
    print(time.process_time())
