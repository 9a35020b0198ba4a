"""What a maker of inputs may look at: the model, its configuration tree, the row, and numbers of that row's own."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from hfci.catalog.aliases import argument_aliases, named
from hfci.catalog.facts import FEATURE_METHODS, entry_point
from hfci.tiny.layout import placed
from hfci.tiny.random_numbers import generator
from hfci.tiny.specs import Input

__all__ = ["Context", "configs", "demanded", "look_up"]

_OF_IMAGES, _OF_VIDEOS, _PIXELS = "get_image_features", "get_video_features", "pixel_values"


def configs(config: Any) -> Iterator[Any]:
    """Yield `config` and its sub-configurations, breadth first."""
    queue = [config]
    while queue:
        node = queue.pop(0)
        yield node
        queue += [part for part in vars(node).values() if hasattr(part, "model_type") and hasattr(part, "to_dict")]


def look_up(config: Any, names: str, default: Any = None) -> Any:
    """Return the first of `names` (`a|b`) that the tree of `config` has a value for, the nearest to the root first."""
    for node in configs(config):
        for name in names.split("|"):
            value = getattr(node, name, None)
            if value is not None:
                return value
    return default


def demanded(function: Any) -> frozenset[str]:
    """Return the parameters of `function` that have no default."""
    parameters = inspect.signature(function).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(p.name for p in parameters if p.default is p.empty and p.kind in named)


@dataclass
class Context:
    """The making of one row. `made` holds what the makers before gave, by parameter name."""

    model: Any
    config: Any
    row: int
    seed: int
    overrides: Mapping[str, Input] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)

    def feature_count(self, method: str, media: str) -> int:
        """Ask the model how many features its media become: the one source that cannot be out of step with it.

        `method` is the model's own `get_image_features` or a sibling; that of images makes features of videos too where
        there is none for these. Where there is none, or it wants the text that is yet to be made, the part that takes
        `media` itself is asked. 0 where there is no such part either.
        """
        function = next(iter(self.methods(method)), None)
        if function is None and method == _OF_VIDEOS and self.methods(_OF_IMAGES):
            seen = dataclasses.replace(self, made={**self.made, _PIXELS: self.made[media]})
            return seen.feature_count(_OF_IMAGES, _PIXELS)
        if function is None or "input_ids" in demanded(function):
            listener = self.listener(media)
            function = None if listener.model is self.model else listener.model.forward
        if function is None:
            return 0
        device = next(self.model.parameters()).device
        with torch.no_grad():
            features = function(**placed(self.taken_by(function, method), device, "natural"))
        pooled = getattr(features, "pooler_output", features)
        if pooled is None or (function.__name__ == "forward" and hasattr(features, "last_hidden_state")):
            pooled = features.last_hidden_state
        if isinstance(pooled, (list, tuple)):
            return sum(feature.numel() // feature.shape[-1] for feature in pooled)
        return int(pooled.numel() // pooled.shape[-1])

    def methods(self, name: str) -> list[Callable[..., Any]]:
        """Return the methods of that name, of the model itself first and then of those within."""
        return [getattr(part, name) for part in self.model.modules() if hasattr(part, name)]

    def taken_by(self, function: Callable[..., Any], method: str) -> dict[str, Any]:
        """Return what of `made` a function takes, which is a `method` of the model or stands in for it."""
        known = set(inspect.signature(function).parameters)
        if "kwargs" in known:  # a head may hand on to the model within it what its own method does not name
            known.update(*(inspect.signature(other).parameters for other in self.methods(method)))
        arguments = {name: value for name, value in self.made.items() if name in known}
        # what it demands beside the media, a strategy say, the configuration says
        declared = {name: self.find(name) for name in demanded(function) - arguments.keys()}
        return arguments | {name: value for name, value in declared.items() if value is not None}

    @functools.cached_property
    def parameters(self) -> dict[str, str]:
        """Every name of forward's parameters → how its signature spells it."""
        function = entry_point(self.model)
        return named(inspect.signature(function).parameters, argument_aliases(function))

    @functools.cached_property
    def required(self) -> frozenset[str]:
        """The parameters without a default, of forward or of a method that it turns media into features with."""
        methods = [method for name in FEATURE_METHODS for method in self.methods(name)]
        wanted = frozenset().union(*map(demanded, methods))
        return demanded(entry_point(self.model)) | (wanted & self.parameters.keys())

    def listener(self, name: str) -> Context:
        """Return the context of the part that takes `name` itself: the innermost model whose forward has it."""
        from transformers import PreTrainedModel

        model = self.model
        while True:
            inner = next(
                (
                    module
                    for module in model.modules()
                    if module is not model
                    and isinstance(module, PreTrainedModel)
                    and name in inspect.signature(module.forward).parameters
                ),
                None,
            )
            if inner is None:
                return Context(model, model.config, self.row, self.seed)
            model = inner

    def find(self, names: str, default: Any = None) -> Any:
        """Return a configuration value: see `look_up`."""
        return look_up(self.config, names, default)

    def part(self, names: str) -> Any:
        """Return the first sub-configuration of those names, or the configuration itself."""
        return self.find(names, self.config)

    def generator(self, name: str) -> torch.Generator:
        """Return a generator that depends on the row, the name and the seed alone."""
        return generator(f"{self.seed}:{self.row}:{name}")

    def normal(self, name: str, *shape: int) -> torch.Tensor:
        """Return standard normal numbers of `shape`, float32."""
        return torch.randn(shape, generator=self.generator(name))

    def uniform(self, name: str, *shape: int) -> torch.Tensor:
        """Return numbers in [0, 1) of `shape`, float32."""
        return torch.rand(shape, generator=self.generator(name))

    def integers(self, name: str, low: int, high: int, *shape: int) -> torch.Tensor:
        """Return whole numbers in [low, high) of `shape`, int64."""
        return torch.randint(low, max(low + 1, high), shape, generator=self.generator(name))
