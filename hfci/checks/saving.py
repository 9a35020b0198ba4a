"""Does what is saved come back?"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn

from hfci.catalog import read_row
from hfci.checks.applicability import NotApplicable
from hfci.checks.divergence import first_different, have_other_bits
from hfci.checks.exceptions import reason
from hfci.checks.loading import assert_clean, has_its_own, loaded, reloaded
from hfci.checks.running import outputs_of, reference
from hfci.checks.tensors import relative_difference, same_bits
from hfci.errors import Differs, StageError
from hfci.tiny.layout import lay_out_like
from hfci.tiny.model import tiny_config
from hfci.tiny.weights import fill

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["save_load_roundtrip", "saves_with_size_one"]

ONES = "saves_with_size_one"

_WRITTEN = {".json", ".safetensors"}


def save_load_roundtrip(tiny: TinyModel) -> None:
    """Assert that the model saved as safetensors and loaded again is the same model.

    No key is missing, unexpected or mismatched; every parameter and persistent buffer has its old bits (a
    weight that was not saved is initialised anew, and a tiny model's weights are never what an
    initialisation gives); parameters that shared memory still do, and no others; the outputs are the same
    bit for bit, since the same kernels run on the same values in the same process. For these the loaded weights are
    moved to addresses aligned as the first model's: loading leaves them where they lay in the file, at any multiple of
    4 bytes, where the kernels of some processors sum in another order.
    """
    model = tiny.model
    with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
        tiny.save(folder)
        written = sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())
        foreign = [name for name in written if Path(name).suffix not in _WRITTEN and name not in tiny.recipe.files]
        if foreign:
            raise AssertionError(f"saving wrote more than safetensors and JSON: {', '.join(foreign)}")
        restored, report = loaded(type(model), folder)
        if has_its_own(type(model)):  # it may not know of the report
            restored = type(model).from_pretrained(folder, local_files_only=True)
        restored = restored.to(tiny.device)
    _assert_whole(model, restored, report)

    lay_out_like(restored, model)
    first, second = reference(tiny), outputs_of(replace(tiny, model=restored))
    if strays := first.keys() ^ second.keys():
        raise AssertionError(f"the loaded model returns other fields: {', '.join(sorted(strays))}")
    different = [
        f"{name} {_change(first[name], second[name])}" for name in first if not same_bits(first[name], second[name])
    ]
    if different:
        module = first_different(tiny, replace(tiny, model=restored), have_other_bits)
        raise Differs(f"the loaded model gives other outputs: {'; '.join(different)}", module)


def saves_with_size_one(tiny: TinyModel) -> None:
    """Assert that a model with one of whatever its configuration counts is, saved and loaded again, the same model.

    One head, expert, channel, label, and layer of each kind: every weight keeps its dimensions of 1, whatever splits
    and stacks it on the way. Its weights, its ties and all its buffers come back bit by bit, and so does its
    configuration, from which follow its outputs.

    Raises `NotApplicable` where no weight has such a dimension but those of a base that is asked itself, and where the
    configuration refuses so few, or the class, of which an exception says why.
    """
    model = _with_ones(tiny)
    base = _base_asked(tiny)
    usual = {name: tensor.shape for name, tensor in _weights(tiny.model).items() if not name.startswith(base)}
    now = {name: tensor.shape for name, tensor in _weights(model).items()}
    if not any(now.get(name, shape).count(1) > shape.count(1) for name, shape in usual.items()):
        raise NotApplicable("no weight of its own has a dimension that counts heads, experts, channels or labels")
    fill(model, tiny.seed, gain=tiny.recipe.gain)
    restored, report = reloaded(model, ignore_mismatched_sizes=True)  # which are in the report then
    _assert_whole(model, restored, report)
    built, loaded_ = dict(model.named_buffers()), dict(restored.named_buffers())
    if changed := [name for name in built if name not in loaded_ or not same_bits(built[name], loaded_[name])]:
        raise AssertionError(f"buffers changed on the way through the file: {', '.join(changed)}")


def _with_ones(tiny: TinyModel) -> Any:
    """Return a model of its class with one of whatever its configuration counts; StageError (`build`) for a defect."""
    refuses = reason(tiny, ONES, "refuses")
    try:
        config = tiny_config(tiny.model_type, tiny.architecture, ones=True)
    except (ValueError, StrictDataclassError) as error:
        raise NotApplicable(f"its configuration refuses one of each: {error}") from error
    try:
        with torch.random.fork_rng(devices=[]):
            model = type(tiny.model)._from_config(config).eval()
    except Exception as error:
        if refuses is None or not isinstance(error, ValueError):
            raise StageError("build", tiny.model_type, tiny.architecture, error) from error
        raise NotApplicable(refuses) from error
    if refuses is not None:
        raise AssertionError(f"an exception says that it refuses one of each ({refuses}), and it does not")
    return model


def _base_asked(tiny: TinyModel) -> tuple[str, ...]:
    """Return what the names of the weights begin with that are those of another architecture of the model type."""
    prefix = tiny.model.base_model_prefix
    name = type(getattr(tiny.model, prefix, None)).__name__
    asked = any(architecture.name == name for architecture in read_row(tiny.model_type).architectures)
    return (f"{prefix}.",) if asked else ()


def _assert_whole(model: nn.Module, restored: nn.Module, report: Mapping[str, Any]) -> None:
    """Assert that `restored`, loaded with that report, has the weights and the ties of `model`."""
    assert_clean(report)
    old, new = _weights(model), _weights(restored)
    if strays := old.keys() ^ new.keys():
        raise AssertionError(f"loading changed which weights there are: {', '.join(sorted(strays))}")
    changed = [f"{name} {_change(old[name], new[name])}" for name in old if not same_bits(old[name], new[name])]
    if changed:
        raise AssertionError(f"weights changed on the way through the file: {'; '.join(changed)}")
    before, after = _ties(model), _ties(restored)
    if before != after:
        raise AssertionError(
            f"ties changed on the way through the file: lost {_groups(before - after)}, new {_groups(after - before)}"
        )


def _weights(model: nn.Module) -> dict[str, Tensor]:
    """Return parameters and persistent buffers by every name they have."""
    return {name: tensor for name, tensor in model.state_dict().items() if isinstance(tensor, Tensor)}


def _ties(model: nn.Module) -> set[frozenset[str]]:
    """Return the groups of names that stand for one tensor in memory."""
    groups: dict[tuple[int, int], set[str]] = {}
    for name, tensor in _weights(model).items():
        if tensor.numel():
            groups.setdefault((tensor.data_ptr(), tensor.numel()), set()).add(name)
    return {frozenset(names) for names in groups.values() if len(names) > 1}


def _change(old: Tensor, new: Tensor) -> str:
    if old.shape != new.shape or old.dtype != new.dtype:
        return f"was {old.dtype} {tuple(old.shape)}, is {new.dtype} {tuple(new.shape)}"
    return f"by {relative_difference(old, new):.1e} of its magnitude"


def _groups(groups: set[frozenset[str]]) -> str:
    return "; ".join(sorted(" = ".join(sorted(group)) for group in groups)) or "none"
