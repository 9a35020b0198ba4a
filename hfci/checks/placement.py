"""Does a model run on another device than the processor, and give there what it gives here?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn
from transformers.integrations.accelerate import get_device, infer_auto_device_map

from hfci.catalog.registries import quiet
from hfci.checks.applicability import NotApplicable
from hfci.checks.emulated_devices import DEVICES, Emulated, where
from hfci.checks.exceptions import reason
from hfci.checks.floor import different
from hfci.checks.meta_device import required_accelerate
from hfci.checks.running import copied, outputs_of, rebuilt, reference
from hfci.checks.tensors import same_bits
from hfci.errors import StageError
from hfci.tiny import TinyModel
from hfci.tiny.copying import copy_of

__all__ = ["device_equals_cpu", "load_by", "splits_over_devices"]

CHECK = "device_equals_cpu"

# Of the model's own size, what the first of two devices has room for; until a part of the model is on each.
_SHARES = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9)


def device_equals_cpu(tiny: TinyModel) -> None:
    """Assert that on an accelerator every output lies there, and is what the processor gives.

    The device is the run's, where that is an accelerator: outputs may differ from the processor's by float error as
    measured on this very model, and moved away and back its parameters have their bits. On a processor it is emulated:
    the same numbers come of the same kernels, and where a device would stop, this does.
    """
    if tiny.device.type == "cpu":
        wanted = reference(tiny)  # before: what a model keeps of a forward must move with it
        got, strays = _moved(tiny)
        _require_none(tiny, strays)
        problems = different(tiny, got, wanted)
    else:
        here = replace(copied(tiny), device=torch.device("cpu"), reference=None, noise=None)
        here.model.cpu()
        there = reference(tiny)
        home = tiny.device.type
        _require_none(tiny, {name: tensor.device for name, tensor in there.items() if tensor.device.type != home})
        back = copy_of(here.model).to(tiny.device).cpu().state_dict()
        if changed := [name for name, tensor in here.model.state_dict().items() if not same_bits(tensor, back[name])]:
            raise AssertionError(f"moved there and back, {', '.join(changed[:8])} have other bits")
        problems = different(here, {name: tensor.cpu() for name, tensor in there.items()}, outputs_of(here))
    if problems:
        raise AssertionError(f"on another device {'; '.join(problems[:8])}")


def splits_over_devices(tiny: TinyModel) -> None:
    """Assert that a model gives over two devices what it gives on one.

    It is split as `device_map="auto"` splits it, by transformers' own rule and accelerate's hooks, where two devices
    have room for a part of it each. Both are emulated: what would stop on two accelerators stops here.

    Raises `NotApplicable` where its class names no modules that must stay whole, or they are all there is, StageError
    (`build`, `forward`) where it stops, and where accelerate is not installed.
    """
    accelerate = required_accelerate(tiny)
    home = DEVICES[0]
    with _at("build", tiny):
        device_map = _halves(tiny)
    moved = rebuilt(tiny, tiny.config)  # as it is loaded: it has not run elsewhere before
    with Emulated():
        with _at("build", tiny):
            load_by(device_map, moved.model)
            keys = getattr(moved.model, "_skip_keys_device_placement", None)
            # The main device, where inputs go, is said: of names, but not of numbers, accelerate takes any.
            accelerate.dispatch_model(moved.model, device_map, main_device=str(home), skip_keys=keys)
        outputs = _outputs_there(moved, home)
    if problems := different(tiny, outputs, reference(tiny)):
        raise AssertionError(f"over two devices {'; '.join(problems[:8])}")


def _halves(tiny: TinyModel) -> dict[str, str]:
    """Return module → emulated device, as transformers splits a model that does not fit on one."""
    whole = getattr(tiny.model, "_no_split_modules", None)
    if not whole:
        raise NotApplicable("its class names no modules that must stay whole on a device")
    size = sum(tensor.nbytes for tensor in tiny.model.state_dict().values())
    for share in _SHARES:
        room: dict[int | str, int | str] = {0: int(size * share), 1: 2 * size, "cpu": 0}
        with quiet("accelerate"):  # which warns that they are not there
            devices = infer_auto_device_map(tiny.model, max_memory=room, no_split_module_classes=whole)
        if set(devices.values()) == {0, 1}:
            return {module: str(DEVICES[index]) for module, index in devices.items()}
    raise NotApplicable("it is one module that must stay whole on a device")


def _moved(tiny: TinyModel) -> tuple[dict[str, Tensor], dict[str, torch.device]]:
    """Return what a copy gives on an emulated device, and which of it lies elsewhere."""
    home = DEVICES[0]
    moved = copied(tiny)  # its device is the processor still, which draws the random numbers
    with Emulated():
        moved.model.to(home)
        outputs = _outputs_there(moved, home)
        strays = {name: place for name, tensor in outputs.items() if (place := where(tensor)) != home}
    return outputs, strays


def load_by(device_map: Mapping[str, str], model: nn.Module) -> None:
    """Move each parameter and buffer to its device, as `from_pretrained` loads it there before there are any hooks.

    Those of a module that is split have a place of their own in the map, and no hook ever moves them.
    """
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        tensor.data = tensor.data.to(get_device(dict(device_map), name))


@contextmanager
def _at(stage: str, tiny: TinyModel) -> Iterator[None]:
    """Have what stops transformers and accelerate be an error of `stage`."""
    try:
        yield
    except NotApplicable:
        raise
    except StageError as error:
        cause = error.__cause__ or error
        raise StageError(stage, tiny.model_type, tiny.architecture, cause) from cause
    except Exception as error:
        raise StageError(stage, tiny.model_type, tiny.architecture, error) from error


def _outputs_there(moved: TinyModel, home: torch.device) -> dict[str, Tensor]:
    """Return what a model gives for inputs that lie on `home`; StageError (`forward`) where a device would stop it."""
    with _at("forward", moved):  # its inputs too, of which parts of it make some
        return outputs_of(moved, replace(moved, device=home).inputs())


def _require_none(tiny: TinyModel, strays: Mapping[str, torch.device]) -> None:
    if strays and reason(tiny, CHECK, "brought_back") is None:
        said = "; ".join(f"{name} is on {place.type}" for name, place in [*strays.items()][:8])
        raise AssertionError(f"after a forward on another device {said}")
