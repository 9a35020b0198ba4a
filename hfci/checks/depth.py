"""Does a configuration say how many layers there are?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfci.checks.applicability import NotApplicable
from hfci.checks.running import run
from hfci.tiny.inputs.context import configs

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["num_hidden_layers_counts_its_layers"]


def num_hidden_layers_counts_its_layers(tiny: TinyModel) -> None:
    """Assert that `num_hidden_layers`, which every configuration has, is the number of layers that give hidden states.

    Before those of the layers there may be what the first one gets. What holds a language model has that one's.

    Raises `NotApplicable` where it gives no hidden states, or where parts of its configuration say it of theirs.
    """
    states = run(tiny, tiny.inputs() | {"output_hidden_states": True}).get("hidden_states")
    if not isinstance(states, tuple | list) or not states:
        raise NotApplicable("it gives no hidden states, asked for them")
    config = tiny.config.get_text_config(decoder=True)
    number = getattr(config, "num_hidden_layers", None)
    if number is None and len(list(configs(config))) > 1:
        raise NotApplicable("its configuration is made of parts, which say it of their own layers")
    if not isinstance(number, int):
        raise AssertionError(f"{type(config).__name__} does not say how many layers there are: {number!r}")
    if len(states) not in (number, number + 1):
        raise AssertionError(f"{type(config).__name__} says that there are {number} layers, which give {len(states)}")
