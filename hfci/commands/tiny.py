"""Build the tiny model of a model type, run it once, and save it as a checkpoint if asked."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from hfci.commands.options import add_device, add_folder, add_imports, add_json, add_seed, print_json

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "build a tiny model, offline"
EXAMPLE = "hfci tiny gpt2 --architecture GPT2LMHeadModel --set add_cross_attention=true --save DIR"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model_type", metavar="MODEL_TYPE", help="a key of transformers' CONFIG_MAPPING_NAMES")
    parser.add_argument("--architecture", metavar="CLASS", help="default: the base architecture")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        dest="changes",
        help="change this field of its configuration, to a value of JSON; repeatable",
    )
    add_folder(parser, "--save", "write a checkpoint that pipeline loads, with its tokenizer and processors")
    add_imports(parser)
    add_device(parser)
    add_seed(parser)
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Build, forward, save, and say what was made."""
    from hfci.catalog.environment import check_environment
    from hfci.checks.own import require_readable
    from hfci.testing.process_setup import prepare, used_device

    check_environment()
    require_readable()
    prepare(arguments.device)
    from hfci.tiny import build_tiny
    from hfci.tiny.changes import parse_change
    from hfci.tiny.processors import KINDS, VOCABULARY, Processors, save_checkpoint
    from hfci.tiny.shrink import VOCABULARY as SMALL

    changes = [parse_change(text) for text in arguments.changes]
    saves = arguments.save is not None
    tiny = build_tiny(
        arguments.model_type,
        arguments.architecture,
        device=arguments.device,
        seed=arguments.seed,
        changes=changes,
        vocabulary=VOCABULARY if saves else SMALL,
    )
    tiny.forward()
    processors = save_checkpoint(tiny, arguments.save) if saves else Processors()
    classes = {kind: type(one).__name__ for kind in KINDS if (one := getattr(processors, kind)) is not None}
    facts = {
        "model_type": tiny.model_type,
        "architecture": tiny.architecture,
        "changes": [str(change) for change in changes],
        "parameters": tiny.parameters,
        "device": used_device(tiny.model),
        "saved": str(arguments.save) if saves else None,
        "processors": classes,
        "refused": dict(processors.refused),
    }
    if arguments.json:
        print_json(facts)
        return 0
    size = f"{tiny.architecture} of {tiny.parameters:,} parameters"
    size += f" with {', '.join(map(str, changes))}" if changes else ""
    saved = f", saved in {arguments.save}" if saves else ""
    saved += f" with {', '.join(classes.values())}" if classes else ""
    sys.stdout.write(f"{tiny.model_type}: {size} builds and forwards{saved}\n")
    for kind, why in processors.refused.items():
        sys.stdout.write(f"without {kind}: {why}\n")
    return 0
