"""Is a model that is put together of checkpoints of its parts the one that they were parts of?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from transformers import PreTrainedConfig, PreTrainedModel

from hfci.catalog.facts import checkpoints_of_parts
from hfci.checks.running import outputs_of, reference
from hfci.checks.tensors import same_bits
from hfci.tiny.model import save_model

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["parts_loaded_apart_make_the_whole"]

# What makes a decoder of a model; a part may come from a checkpoint of one that was none.
_OF_A_DECODER = ("is_decoder", "add_cross_attention")
# What a configuration says of where it was loaded from, and in what dtype.
_OF_LOADING = {"_name_or_path", "dtype", "transformers_version"}


def parts_loaded_apart_make_the_whole(tiny: TinyModel) -> None:
    """Assert that the class's method that puts a model together of checkpoints makes this one of those of its parts.

    Each part is saved by itself, a decoder as if it were none, and what is no part's field is handed over. Then the
    whole has the parts' weights and configurations, and, with those of its weights that are no part's, its outputs.
    """
    name, arguments = checkpoints_of_parts(type(tiny.model))
    parts = {part: _part(tiny.model, part) for part in arguments.values()}
    with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
        for part, model in parts.items():
            _save_as_no_decoder(model, Path(folder, part))
        checkpoints = {argument: str(Path(folder, part)) for argument, part in arguments.items()}
        offline = {f"{part}_local_files_only": True for part in parts}
        own = {field: value for field, value in _own_fields(tiny.config).items() if not _is_of_a_part(field, parts)}
        model = getattr(type(tiny.model), name)(**checkpoints, **offline, **own)
    for part, old in parts.items():
        _assert_same(part, old, _part(model, part))
    model.load_state_dict(tiny.model.state_dict())
    now = outputs_of(replace(tiny, model=model.to(tiny.device).eval()))
    if wrong := [field for field, old in reference(tiny).items() if field not in now or not same_bits(old, now[field])]:
        raise AssertionError(f"put together by {name} it gives other {', '.join(wrong)}")


def _part(model: PreTrainedModel, name: str) -> Any:
    """Return the part that bears the name, or that name with "model" behind it."""
    return next(
        part
        for path, part in model.named_modules()
        if path.rpartition(".")[2] in (name, f"{name}_model") and isinstance(part, PreTrainedModel)
    )


def _save_as_no_decoder(model: Any, folder: Path) -> None:
    save_model(model, folder)
    file = folder / "config.json"
    config = msgspec.json.decode(file.read_bytes())
    config |= {field: False for field in _OF_A_DECODER if config.get(field)}
    file.write_bytes(msgspec.json.encode(config))


def _own_fields(config: PreTrainedConfig) -> dict[str, Any]:
    """Return the fields that the configuration of the whole declares itself, but for those of its parts."""
    fields = {name: getattr(config, name) for name in vars(type(config)).get("__annotations__", {})}
    return {name: value for name, value in fields.items() if isinstance(value, bool | int | float)}


def _is_of_a_part(field: str, parts: Iterable[str]) -> bool:
    return field.startswith(tuple(f"{part}_" for part in parts))


def _assert_same(name: str, old: Any, new: Any) -> None:
    before, after = (
        {field: value for field, value in part.config.to_dict().items() if field not in _OF_LOADING}
        for part in (old, new)
    )
    if other := [field for field in before.keys() | after.keys() if before.get(field) != after.get(field)]:
        raise AssertionError(f"its {name} has another configuration than was saved: {', '.join(sorted(other))}")
    weights, loaded = old.state_dict(), new.state_dict()
    if strays := weights.keys() ^ loaded.keys():
        raise AssertionError(f"its {name} has other weights than were saved: {', '.join(sorted(strays))}")
    if changed := [key for key, weight in weights.items() if not same_bits(weight, loaded[key])]:
        raise AssertionError(f"its {name} lost what was saved: {', '.join(changed)}")
