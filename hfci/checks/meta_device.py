"""Is a model on the meta device, and back from there, the model that it is on a processor?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hfci.checks.floor import different
from hfci.checks.loading import assert_clean, loaded, saved_weights
from hfci.checks.running import outputs_of, rebuilt, reference
from hfci.checks.tensors import same_bits
from hfci.errors import StageError
from hfci.tiny.layout import lay_out_like

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["moves_to_meta_and_back", "required_accelerate"]


def moves_to_meta_and_back(tiny: TinyModel) -> None:
    """Assert that a model built without memory is the same one, and that filled it gives the same outputs.

    On the meta device every parameter and buffer has the name, shape and dtype that it has on a processor. (Not that
    each is on that device: torch's oldest constructors, `torch.Tensor(8)`, heed none, and loading makes up for it.)

    Loaded with a map of devices, by accelerate, it is built there too: buffers computed when it is built, which no file
    holds, have their old bits as weights have, and the outputs are the same.

    Raises StageError where accelerate is not installed.
    """
    required_accelerate(tiny)
    cls = type(tiny.model)
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        empty = cls._from_config(tiny.config)
    strays = list(_strays(tiny.model, empty))
    if strays:  # a forward may have lengthened a buffer: musicgen_melody's positions
        tiny = rebuilt(tiny, tiny.config)
        strays = list(_strays(tiny.model, empty))
    if strays:
        raise AssertionError(f"on the meta device {'; '.join(strays[:8])}")
    model, report = loaded(cls, tiny.checkpoint, device_map={"": tiny.device})
    assert_clean(report)
    saved = saved_weights(tiny.model)
    for what, old, new in (
        ("weights", saved, model.state_dict()),
        ("buffers", dict(tiny.model.named_buffers()), dict(model.named_buffers())),
    ):
        if changed := [name for name in old if not _is_same(old[name], new.get(name))]:
            raise AssertionError(f"loaded, {len(changed)} {what} have other numbers: {', '.join(changed[:8])}")
    unsaved = {name: tensor for name, tensor in tiny.model.state_dict().items() if name not in saved}
    model.load_state_dict(unsaved, strict=False)  # fixed by its class, and filled in a tiny model like any other
    lay_out_like(model, tiny.model)
    outputs = outputs_of(replace(tiny, model=model), tiny.inputs())
    if problems := different(tiny, outputs, reference(tiny)):
        raise AssertionError(f"loaded by a map of devices, {'; '.join(problems)}")


def required_accelerate(tiny: TinyModel) -> Any:
    """Return accelerate; StageError where it is not installed."""
    try:
        import accelerate
    except ImportError as error:
        raise StageError("check", tiny.model_type, tiny.architecture, error) from error
    return accelerate


def _strays(built: nn.Module, empty: nn.Module) -> Iterator[str]:
    """Say of each tensor how `empty` has it otherwise than `built`."""
    old, new = _described(built), _described(empty)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{name} is {new.get(name, 'missing')}, built {old.get(name, 'nowhere')}"


def _described(model: nn.Module) -> dict[str, str]:
    tensors: Any = (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False))
    return {name: f"{tensor.dtype} {tuple(tensor.shape)}" for name, tensor in tensors}


def _is_same(old: Tensor, new: Tensor | None) -> bool:
    return new is not None and not new.is_meta and same_bits(old, new)
