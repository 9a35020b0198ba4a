"""The tiny model: the same architecture, at most a million parameters large, and what it is fed."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfci.catalog import read_row, registries
from hfci.catalog.facts import entry_point, forward_parameters
from hfci.errors import StageError, UsageError, nearest
from hfci.tiny.bundles import standing_in
from hfci.tiny.changes import Change, changed_config
from hfci.tiny.layout import can_be_placed, lay_out, placed
from hfci.tiny.recipes import Recipe, recipe_for
from hfci.tiny.shrink import VOCABULARY, shrink
from hfci.tiny.specs import Shown
from hfci.tiny.statistics import measure_statistics
from hfci.tiny.weights import fill, sizes

if TYPE_CHECKING:
    from hfci.tiny.processors import Processors

__all__ = [
    "TinyModel",
    "build_tiny",
    "changed",
    "default_config_of",
    "folder_in_memory",
    "recipe_of",
    "save_model",
    "tiny_config",
]

# The rows that norms are measured on: none of those that the checks feed.
_SETTLED_BY = (100, 101)

# Where Linux keeps files in memory.
_MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of its own is made in it

# The argument of a forward that takes videos.
_VIDEO = "pixel_values_videos"


@dataclass
class TinyModel:
    """A tiny model in evaluation mode on its device. `inputs` and `forward` say at which stage they fail.

    `config_type` is the model type that its configuration is really of: a head may be built from a part of the whole.
    Its weights lie in memory as `layout` says, of `hfci.tiny.layout`, and so does whatever inputs it makes. One that
    sees both is `shown` an image or a video beside its text. `backend` is the one that a run names for the checks that
    ask about any; empty where it names none. `initial` is the size of each parameter (its root mean
    square) as its class drew it from the seed, before it was filled. `checked` are the checks that held of it in the
    test that runs. `reference` is what its forward gave, by name, once a check has run it, `forwarded` what it gave as
    it is, and `noise` how far float error moves each of them, once one has measured it; `pipelines`, by task and
    dtype, those that were loaded from its checkpoint. None of these four goes along with
    `dataclasses.replace`: whoever changes the model changes that of a copy made so, or puts it back.
    """

    model_type: str
    architecture: str
    model: Any
    recipe: Recipe
    device: Any
    seed: int = 0
    layout: str = "natural"
    config_type: str = ""
    shown: Shown = "image"
    backend: str = ""
    initial: Mapping[str, float] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)
    reference: Mapping[str, Any] | None = field(default=None, init=False, repr=False, compare=False)
    forwarded: Any = field(default=None, init=False, repr=False, compare=False)
    noise: Mapping[str, float] | None = field(default=None, init=False, repr=False, compare=False)
    pipelines: dict[tuple[str, str], Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _made: dict[tuple[int, ...], dict[str, Any]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Take the model type for that of the configuration, unless another is given."""
        self.config_type = self.config_type or self.model_type

    @property
    def config(self) -> Any:
        """The tiny configuration."""
        return self.model.config

    @property
    def parameters(self) -> int:
        """The number of distinct parameters."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def inputs(self, rows: Sequence[int] = (0, 1)) -> dict[str, Any]:
        """Return forward's keyword arguments for a batch of `rows`, new ones at each call, on the model's device.

        Row i's content depends on i alone. Raises StageError (`inputs`).
        """
        from hfci.tiny.inputs import make_inputs

        try:
            inputs = self._made.get(tuple(rows))
            if inputs is None:
                inputs = make_inputs(self.model, rows, seed=self.seed, shown=self.shown)
                if can_be_placed(inputs):  # then each call gets a copy, for less than it takes to make them
                    self._made[tuple(rows)] = inputs
            arguments: dict[str, Any] = placed(inputs, self.device, self.layout)
            return arguments
        except Exception as error:
            raise StageError("inputs", self.model_type, self.architecture, error) from error

    @cached_property
    def checkpoint(self) -> str:
        """The folder of its checkpoint, saved once for all who load it, and nobody's to write to; it goes with it."""
        folder = self._folder()
        self.save(folder)
        return folder

    @cached_property
    def processors(self) -> Processors:
        """Its tokenizer, processors and feature extractor, built once for all who ask for them."""
        return self.new_processors()

    def new_processors(self) -> Processors:
        """Build its tokenizer, processors and feature extractor, of which nothing was asked yet."""
        from hfci.tiny.processors import build_processors

        return build_processors(self)

    @cached_property
    def whole_checkpoint(self) -> str:
        """The folder of its checkpoint with its processors beside it, as `checkpoint` is one without."""
        from hfci.tiny.processors import save_checkpoint

        folder = self._folder()
        save_checkpoint(self, folder)
        return folder

    def _folder(self) -> str:
        """Return a new folder, in memory where the system has a place for files there, that goes with the model."""
        folder = tempfile.mkdtemp(prefix="hfci-", dir=folder_in_memory())
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def use_inputs(self, inputs: dict[str, Any]) -> None:
        """Take `inputs` for those of the two rows that a forward is run on unless it is told otherwise."""
        self._made[0, 1] = inputs

    def reuse_inputs(self, other: TinyModel) -> None:
        """Take over the inputs that were made for `other`, of whose model this one's is a copy."""
        self._made.update(other._made)

    @property
    def sees_videos(self) -> bool:
        """Whether it is shown an image and takes a video in its place."""
        return _VIDEO in forward_parameters(type(self.model)) and _VIDEO not in self.inputs()

    def forward(self, inputs: Mapping[str, Any] | None = None, **overrides: Any) -> Any:
        """Run the model, or each model of a bundle, on `inputs` (default: two rows) with `overrides`.

        Gradients are the caller's choice. Raises StageError (`forward`).
        """
        arguments = {**(self.inputs() if inputs is None else inputs), **overrides}
        try:
            return _run(self.model, arguments)
        except Exception as error:
            raise StageError("forward", self.model_type, self.architecture, error) from error

    def save(self, folder: str | Path) -> None:
        """Write a checkpoint into `folder` that `from_pretrained` loads: safetensors, and what the recipe adds."""
        import torch

        save_model(self.model, folder)
        for name, content in self.recipe.files.items():
            torch.save(dict(content), Path(folder) / name)


def folder_in_memory() -> Path | None:
    """Return where files are kept in memory; None where the system has no such place, or not for this user."""
    return _MEMORY if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) else None


def save_model(model: Any, folder: str | Path) -> None:
    """Write the checkpoint of a model into `folder`, and leave the model as it is.

    transformers leaves the name of the dtype in the configuration where the dtype stood (5.24.0, modeling_utils.py,
    line 3443), by which not every class can be built (apertus).
    """
    dtype = model.config.dtype
    try:
        model.save_pretrained(folder)
    finally:
        model.config.dtype = dtype


def default_config_of(model_type: str, architecture: str | None = None) -> Any:
    """Return the default configuration that `architecture` of `model_type` is built from, of the size it has.

    That is the first part of the model type's own, itself to begin with, that is of the class's `config_class`:
    `AutoModelForCausalLM.from_config` takes the text part of a whole. A head that ships next to the weights of another
    model, as a configuration class with extra files says, has that model's configuration as the part of its own that
    may be any model. Any other class is handed the model type's own.
    """
    from hfci.tiny.inputs.context import configs

    default = registries.default_config(model_type, **recipe_for(model_type, architecture).default)
    if architecture is None:
        return default
    cls = registries.find_class(model_type, architecture).config_class
    own = next((part for part in configs(default) if isinstance(part, cls)), None)
    if own is not None or not getattr(cls, "extra_config_files", ()):
        return default if own is None else own
    (part,) = (name for name, part in cls.sub_configs.items() if part.__name__ == "AutoConfig")
    return registries.default_config(cls.model_type, **{part: default})


def recipe_of(model_type: str, architecture: str, config: Any) -> Recipe:
    """Return the recipe of `architecture` built from `config`: that of the model type which `config` is really of."""
    return recipe_for(_config_type(model_type, config), architecture)


def _config_type(model_type: str, config: Any) -> str:
    if isinstance(config, registries.config_class(model_type)):
        return model_type
    own: str = config.model_type
    return own


def tiny_config(
    model_type: str, architecture: str | None = None, *, ones: bool = False, vocabulary: int = VOCABULARY
) -> Any:
    """Return the tiny configuration: that of `default_config_of` shrunk, then its recipe's exceptions.

    With `ones` it has one of whatever it counts, and one label. A vocabulary keeps at most `vocabulary` tokens.
    """
    from hfci.tiny.inputs.context import configs

    default = default_config_of(model_type, architecture)
    config = type(default).from_dict(shrink(default.to_dict(), architecture, ones=ones, vocabulary=vocabulary))
    for part in configs(config) if ones else ():
        part.num_labels = 1
    return config


def build_tiny(
    model_type: str,
    architecture: str | None = None,
    *,
    device: str = "cpu",
    seed: int = 0,
    dtype: str = "float32",
    layout: str = "natural",
    changes: Sequence[Change] = (),
    vocabulary: int = VOCABULARY,
) -> TinyModel:
    """Build `architecture` of `model_type` (default: the one of `AutoModel`) as a tiny model, without any network.

    Its configuration has the `changes`, and at most `vocabulary` tokens in each vocabulary. Its numbers are the same
    whatever `layout` says of where they lie.
    Raises UsageError for an unknown name, StageError (`config` or `build`) where transformers does.
    """
    name = _chosen(model_type, architecture)
    try:
        cls = registries.find_class(model_type, name)
    except Exception as error:
        raise StageError("build", model_type, name, error) from error
    try:
        config = tiny_config(model_type, name, vocabulary=vocabulary)
    except Exception as error:
        raise StageError("config", model_type, name, error) from error
    if changes:
        config = _changed_config(model_type, name, config, changes)
    return _build(model_type, name, cls, config, device=device, seed=seed, dtype=dtype, layout=layout)


def _chosen(model_type: str, architecture: str | None) -> str:
    """Return the name of an architecture of the model type: the one asked for, or its base."""
    tables = registries.model_tables().values()
    if architecture is not None and any(architecture in rows.get(model_type, ()) for rows in tables):
        return architecture  # to read a row takes as long as a few forwards, and all that the tables list is in it
    row = read_row(model_type)
    names = [arch.name for arch in row.architectures]
    name = architecture or (row.base.name if row.base else None)
    if name is None:
        raise UsageError(f"{model_type} has no model to build: {row.reason or row.error}")
    if name not in names:
        raise UsageError(f"{model_type} has no architecture {name!r}.{nearest(name, names)}")
    return name


def changed(tiny: TinyModel, changes: Sequence[Change]) -> TinyModel:
    """Return the architecture of `tiny` built from its configuration with `changes`, as `build_tiny` builds it.

    Raises UsageError for a field that the configuration does not have, StageError as `build_tiny` does.
    """
    config = _changed_config(tiny.model_type, tiny.architecture, tiny.config, changes)
    return _build(
        tiny.model_type,
        tiny.architecture,
        type(tiny.model),
        config,
        device=str(tiny.device),
        seed=tiny.seed,
        dtype=str(tiny.model.dtype).removeprefix("torch."),
        layout=tiny.layout,
    )


def _changed_config(model_type: str, architecture: str, config: Any, changes: Sequence[Change]) -> Any:
    try:
        return changed_config(config, changes)
    except UsageError:
        raise
    except Exception as error:
        raise StageError("config", model_type, architecture, error) from error


def _build(
    model_type: str,
    architecture: str,
    cls: type[Any],
    config: Any,
    *,
    device: str,
    seed: int,
    dtype: str,
    layout: str,
) -> TinyModel:
    """Build a `cls` from its tiny configuration."""
    import torch

    from hfci.tiny.devices import find_device
    from hfci.tiny.inputs import make_inputs

    recipe = recipe_of(model_type, architecture, config)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            model = cls._from_config(config, dtype=getattr(torch, dtype))
        initial = sizes(model)
        fill(model, seed, gain=recipe.gain)
        measure_statistics(model.eval(), lambda double: _run(double, make_inputs(double, _SETTLED_BY, seed=seed)), seed)
        place = find_device(device).place
        model = model.to(place)
        lay_out(model, layout)
    except Exception as error:
        raise StageError("build", model_type, architecture, error) from error
    config_type = _config_type(model_type, config)
    return TinyModel(model_type, architecture, model, recipe, place, seed, layout, config_type, initial=initial)


def _run(model: Any, arguments: Mapping[str, Any]) -> Any:
    return standing_in(model, arguments, _entered)(**arguments)


def _entered(model: Any, _: Mapping[str, Any]) -> Any:
    """Return what is called to run a model: itself, with its hooks, but where its forward is not what is entered."""
    return model if entry_point(model) == model.forward else entry_point(model)
