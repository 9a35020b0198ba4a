"""Devices that are none: the processor's memory, told apart as if some of it were on an accelerator.

Where a tensor lies is where its storage does, as with real devices: views share it, what a function makes lies where
its arguments do, `.to()` copies. A function that is given tensors of two devices is refused as torch refuses it
(https://docs.pytorch.org/docs/stable/notes/cuda.html): a number of no dimensions may come from the processor, an index
too, and what is copied may come from anywhere. All is computed by the processor's kernels, to the same bits.

So a machine without an accelerator sees what would stop on one: a table made on the processor within a forward, a cache
that `.to()` does not move, `.numpy()`. It does not see what lies in kernels, nor what no torch function is asked of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

from hfci.checks.half_precision import NO_KERNEL

__all__ = ["DEVICES", "Emulated", "where"]

# A kind of device that torch has a name for and nobody's code a branch, as there are for CUDA's.
_KIND = "maia"
DEVICES = (torch.device(_KIND, 0), torch.device(_KIND, 1))
_PROCESSOR = torch.device("cpu")
# The attribute of a storage that says where it lies; one without lies with the processor.
_PLACE = "_hfci_emulated_device"
# torch's own words, of a tensor of the meta device among others of the processor: so an entry of the ledger can be
# reproduced where there is no accelerator.
_REFUSED = "one of which is not on the expected device"

# What may read from another device than it writes to, with rules of its own.
_FIRST_ARGUMENTS: frozenset[Any] = frozenset({Tensor.__setitem__, Tensor.copy_, Tensor.__getitem__})
# What reads of its other argument the shape alone, wherever that lies.
_SHAPED_LIKE: frozenset[Any] = frozenset({Tensor.expand_as, Tensor.view_as, Tensor.reshape_as})
# What asks whether a parameter may have the storage of another one, and gives it to it, as `Module.to` does.
_TRANSFERS = (torch._has_compatible_shallow_copy_type, Tensor.data.__set__)  # type: ignore[attr-defined]
_HOST: tuple[Any, ...] = (Tensor.numpy, Tensor.__array__)
_ATTRIBUTES: Mapping[Any, Callable[[torch.device], Any]] = {
    Tensor.device.__get__: lambda device: device,
    Tensor.is_cpu.__get__: lambda device: device == _PROCESSOR,  # type: ignore[attr-defined]
    Tensor.is_cuda.__get__: lambda _: False,  # type: ignore[attr-defined]
}
_FROM_NUMBERS: frozenset[Any] = frozenset({torch.tensor, torch.as_tensor, torch.asarray})


class Emulated(TorchFunctionMode):
    """Has each torch function be given tensors of one device only, as far as there are several."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call `func` on the processor, if where its arguments lie allows it; its results lie where theirs would."""
        with torch._C.DisableTorchFunction():
            return _called(func, args, dict(kwargs or {}))


def where(tensor: Tensor) -> torch.device:
    """Return the device that `tensor` lies on."""
    with torch._C.DisableTorchFunction():
        place: torch.device = getattr(_holder(tensor), _PLACE, _PROCESSOR)
    return place


def _called(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if (says := _ATTRIBUTES.get(func)) is not None:
        return says(where(args[0]))
    tensors = _tensors_in((args, kwargs))
    asked, args = _asked(func, args, kwargs)
    target = asked or _target(func, args, tensors)
    made = _computed(func, args, kwargs, tensors)
    if asked is not None and any(made is tensor and where(tensor) != asked for tensor in tensors):
        made = made.clone()  # what is copied to where it is already is given back itself
    for tensor in _tensors_in(made):
        _note(tensor, target)
    return made


def _asked(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[torch.device | None, tuple[Any, ...]]:
    """Return the device that a call asks for, and the arguments with which the processor does it."""
    if kwargs.get("device") is not None:
        asked = _named(kwargs["device"])
        kwargs["device"] = _PROCESSOR
        return asked, args
    if func is Tensor.cpu:
        return _PROCESSOR, args
    if func is Tensor.to and (other := kwargs.get("other", args[1] if len(args) > 1 else None)) is not None:
        if isinstance(other, Tensor):
            return where(other), args
        if isinstance(other, str | int | torch.device):
            return _named(other), (args[0], _PROCESSOR, *args[2:])
    if func is Tensor.type_as:
        return where(args[1]), args
    return None, args


def _target(func: Callable[..., Any], args: tuple[Any, ...], tensors: list[Tensor]) -> torch.device:
    """Return where the results of a call lie. Raises RuntimeError where its arguments do not lie together."""
    if func in _HOST and (device := where(args[0])) != _PROCESSOR:
        raise TypeError(f"numpy cannot read a tensor {_said(device)}; Tensor.cpu() copies it")
    if func in _FIRST_ARGUMENTS:
        _require_indices(func, args)
        return where(args[0])
    if func in _SHAPED_LIKE:
        return where(args[0])
    if func in _TRANSFERS:
        return _PROCESSOR
    if func in _FROM_NUMBERS:
        return where(tensors[0]) if func is not torch.tensor and tensors else _PROCESSOR
    # A function written in Python may be given an empty tensor that it does not use, as attention's is.
    spares = isinstance(func, FunctionType)
    places = {where(tensor): tensor for tensor in tensors if tensor.dim() and (tensor.numel() or not spares)}
    if len(places) > 1:
        shapes = " and ".join(f"{tuple(tensor.shape)} {_said(device)}" for device, tensor in places.items())
        raise RuntimeError(f"{_name(func)} is given {shapes}, {_REFUSED}")
    elsewhere = [device for device in map(where, tensors) if device != _PROCESSOR]
    return next(iter(places), elsewhere[0] if elsewhere else _PROCESSOR)


def _require_indices(func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Raise RuntimeError for an index on another device than its tensor, the processor apart, or such a value."""
    home = where(args[0])
    indices = [] if func is Tensor.copy_ else _tensors_in(args[1])
    wrong = [device for device in map(where, indices) if device not in (home, _PROCESSOR)]
    if func is Tensor.__setitem__ and indices and isinstance(args[2], Tensor) and args[2].dim():
        wrong += {where(args[2])} - {home}
    if wrong:
        raise RuntimeError(f"{_name(func)} of a tensor {_said(home)} is given one {_said(wrong[0])}, {_REFUSED}")


def _note(tensor: Tensor, device: torch.device) -> None:
    """Write down where the tensor lies, unless that is known of its storage."""
    holder = _holder(tensor)
    if device != _PROCESSOR and not hasattr(holder, _PLACE):
        setattr(holder, _PLACE, device)


def _holder(tensor: Tensor) -> Any:
    """Return what knows where a tensor lies, as long as anything refers to it: its storage; a sparse one itself."""
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):  # within what `torch.vmap` hands to a function
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor.untyped_storage() if tensor.layout == torch.strided else tensor


def _named(device: Any) -> torch.device:
    """Return the device that is meant by a name or a number: without an index the first of its kind."""
    found = torch.device(_KIND, device) if isinstance(device, int) else torch.device(device)
    return torch.device(_KIND, 0) if found.type == _KIND and found.index is None else found


def _said(device: torch.device) -> str:
    return "on the processor" if device == _PROCESSOR else f"on device {device.index}"


def _name(func: Callable[..., Any]) -> str:
    return str(getattr(func, "__name__", func)).strip("_")


def _tensors_in(value: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


def _computed(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], tensors: list[Tensor]) -> Any:
    """Call `func`; of whole numbers in float64 where the processor has no kernel for them, as accelerators have."""
    try:
        return func(*args, **kwargs)
    except (NotImplementedError, RuntimeError) as error:
        dtypes = {tensor.dtype for tensor in tensors}
        if not NO_KERNEL.search(str(error)) or len(dtypes) != 1 or (dtype := dtypes.pop()).is_floating_point:
            raise
        made = func(*tree_map_only(Tensor, Tensor.double, args), **tree_map_only(Tensor, Tensor.double, kwargs))
        return tree_map_only(Tensor, lambda tensor: tensor.to(dtype), made)
