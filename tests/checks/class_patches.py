"""Ways to break what is not in a model that runs: how it is built, saved and loaded, and what its class declares."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers.utils.deprecation import deprecate_kwarg

from hfci.catalog.facts import checkpoints_of_parts

__all__ = [
    "a_field_is_not_written",
    "a_head_of_the_old_size",
    "a_layer_in_a_list",
    "a_plan_for_what_is_not_there",
    "a_scale_made_as_float32",
    "a_table_that_nothing_initialises",
    "a_tensor_in_a_list",
    "an_epsilon_of_its_own",
    "an_old_name_of_another_text",
    "another_name_is_forgotten",
    "behind_its_own_prefix",
    "built_so",
    "declaring",
    "dropping_in_eval",
    "half_the_auxiliary_loss",
    "holding",
    "larger_when_built",
    "longer_on_the_meta_device",
    "louder_in_half_precision",
    "louder_when_built_on_the_meta_device",
    "louder_when_put_together",
    "never_checkpointed",
    "never_in_train_mode",
    "never_tied",
    "no_decoder_when_put_together",
    "positions_made_in_the_dtype_of_the_model",
    "rows_in_another_order",
    "saying_more_layers",
    "squeezed_when_saved",
    "states_in_float32",
    "stopped_by_undivided_heads",
    "stopped_where_it_has",
    "tied_whatever_is_asked",
    "undivided_without_a_word",
    "unknown_keys_are_dropped",
    "unknown_to",
    "unknown_when_loaded",
    "unread",
    "wider_cells_when_built",
    "without_a_prefix",
]


def never_checkpointed(model: Any) -> None:
    model._set_gradient_checkpointing = lambda **_: None


def a_field_is_not_written(model: Any) -> None:
    class Lossy(type(model.config)):  # type: ignore[misc]
        def to_dict(self) -> dict[str, Any]:
            return {name: value for name, value in super().to_dict().items() if name != "hidden_size"}

    model.config.__class__ = Lossy


def another_name_is_forgotten(model: Any) -> None:
    class Forgetful(type(model.config)):  # type: ignore[misc]
        attribute_map = type(model.config).attribute_map | {"width": "hidden_size"}

        @classmethod
        def from_dict(cls, config_dict: dict[str, Any], **options: Any) -> Any:
            return super().from_dict({name: config_dict[name] for name in config_dict if name != "width"}, **options)

    model.config.__class__ = Forgetful


def an_old_name_of_another_text(model: Any) -> None:
    known = deprecate_kwarg("tokens", "99.0.0", new_name="input_ids")(type(model).forward)

    @functools.wraps(known)
    def forward(self: Any, *given: Any, **options: Any) -> Any:
        if "tokens" in options:
            options["tokens"] = options["tokens"].flip(1)
        return known(self, *given, **options)

    as_subclass(model, forward=forward)


def unknown_keys_are_dropped(model: Any) -> None:
    known = set(model.config.to_dict())

    class Strict(type(model.config)):  # type: ignore[misc]
        @classmethod
        def from_dict(cls, config_dict: dict[str, Any], **options: Any) -> Any:
            return super().from_dict({name: config_dict[name] for name in config_dict if name in known}, **options)

    model.config.__class__ = Strict


def unknown_to(kind: type[nn.Module]) -> Callable[[nn.Module], None]:
    """Return a patch by which a model's `_init_weights` does not know the modules of a kind."""

    def patch(model: Any) -> None:
        class Forgetful(type(model)):  # type: ignore[misc]
            def _init_weights(self, module: nn.Module) -> None:
                if not isinstance(module, kind):
                    super()._init_weights(module)

        Forgetful.__name__ = type(model).__name__
        model.__class__ = Forgetful

    patch.__name__ = f"unknown_to_init_{kind.__name__}"
    return patch


def as_subclass(model: Any, **members: Any) -> Any:
    """Make `model` one of a subclass of the same name that has `members`, of which what is loaded will be too."""
    whole = type(model)
    model.__class__ = type(whole.__name__, (whole,), {"__module__": whole.__module__, **members})
    return whole


def built_so(patch: Callable[[nn.Module], Any]) -> Callable[[nn.Module], None]:
    """Return a patch that is done to a model and, when it is built, to what is loaded of its files."""

    def patch_class(model: Any) -> None:
        def init(self: Any, *given: Any) -> None:
            whole.__init__(self, *given)
            patch(self)

        whole = as_subclass(model, __init__=init)
        patch(model)

    patch_class.__name__ = patch.__name__
    return patch_class


def _is_undivided(model: Any) -> bool:
    return model.config.hidden_size % model.config.num_attention_heads > 0


def stopped_by_undivided_heads(model: Any) -> None:
    def stop(module: Any, _: Any) -> None:
        if _is_undivided(module):
            raise RuntimeError("shape '[2, 14, -1]' is invalid for input of size 128")

    model.register_forward_pre_hook(stop)


def undivided_without_a_word(model: Any) -> None:
    if _is_undivided(model):
        raise ValueError("no such model")


def an_epsilon_of_its_own(model: nn.Module) -> None:
    next(module for module in model.modules() if hasattr(module, "variance_epsilon")).variance_epsilon = 1e-3


def unread(field: str) -> Callable[[Any], None]:
    """Return a patch by which a model is built as if `field` of its configuration were what it is now."""

    def patch_class(model: Any) -> None:
        def init(self: Any, config: Any, *given: Any) -> None:
            config = copy.deepcopy(config)
            setattr(config, field, value)
            whole.__init__(self, config, *given)

        value = getattr(model.config, field)
        whole = as_subclass(model, __init__=init)

    patch_class.__name__ = f"{field}_unread"
    return patch_class


def stopped_where_it_has(field: str) -> Callable[[Any], None]:
    """Return a patch by which a model stops that is built with `field`, which is now false."""

    def stop(module: Any, _: Any) -> None:
        if getattr(module.config, field):
            raise RuntimeError("the size of tensor a must match the size of tensor b")

    def patch(model: Any) -> None:
        model.register_forward_pre_hook(stop)

    patch.__name__ = f"stopped_where_it_has_{field}"
    return built_so(patch)


def dropping_in_eval(model: Any) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.forward = functools.partial(nn.functional.dropout, p=module.p)


def never_in_train_mode(model: Any) -> None:
    model.train = lambda *_: model


def unknown_when_loaded(model: Any) -> None:
    """Make what is loaded of a model one of a model type that transformers has no conversions for."""

    def init(self: Any, *given: Any) -> None:
        whole.__init__(self, *given)
        self.config.model_type = "unknown"

    whole = as_subclass(model, __init__=init)


def _when_put_together(model: Any, edit: Callable[[Any], Any]) -> None:
    """Edit what the class's method makes of checkpoints of parts."""
    name, _ = checkpoints_of_parts(type(model))
    whole = type(model)

    def put_together(_: Any, *given: Any, **options: Any) -> Any:
        made = getattr(whole, name)(*given, **options)
        edit(made)
        return made

    as_subclass(model, **{name: classmethod(put_together)})


def louder_when_put_together(model: Any) -> None:
    _when_put_together(model, lambda made: [parameter.data.mul_(1.1) for parameter in made.parameters()])


def no_decoder_when_put_together(model: Any) -> None:
    _when_put_together(model, lambda made: setattr(made.decoder.config, "is_decoder", False))


def a_table_that_nothing_initialises(model: Any) -> None:
    model.register_buffer("table", 0.1 * torch.arange(1031), persistent=False)


def wider_cells_when_built(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.RNNBase | nn.RNNCellBase):
            for parameter in module.parameters():
                parameter.data.mul_(2)


def larger_when_built(model: nn.Module) -> None:
    for parameter in model.parameters():
        parameter.data.mul_(100)


def longer_on_the_meta_device(model: Any) -> None:
    model.register_buffer("table", torch.ones(1 + (torch.get_default_device().type == "meta")))


def louder_when_built_on_the_meta_device(model: Any) -> None:
    layer = next(module for module in model.modules() if isinstance(module, nn.LayerNorm))
    if torch.get_default_device().type == "meta":
        layer.register_forward_hook(lambda _, __, given: 1.1 * given)


def louder_in_half_precision(model: Any) -> None:
    layer = next(module for module in model.modules() if isinstance(module, nn.Linear))
    layer.register_forward_hook(lambda _, __, given: given if given.dtype == torch.float32 else 1.5 * given)


def states_in_float32(model: Any) -> None:
    def widen(_: nn.Module, __: Any, outputs: Any) -> None:
        outputs.last_hidden_state = outputs.last_hidden_state.float()

    model.register_forward_hook(widen)


def positions_made_in_the_dtype_of_the_model(model: Any) -> None:
    def hook(module: Any, given: Any, options: dict[str, Any]) -> Any:
        positions = torch.arange(options["input_ids"].shape[1], dtype=module.dtype).long()
        return given, options | {"position_ids": positions[None]}

    model.register_forward_pre_hook(hook, with_kwargs=True)


def a_scale_made_as_float32(model: Any) -> None:
    norm = next(module for module in model.modules() if isinstance(module, nn.LayerNorm))
    norm.weight = nn.Parameter(norm.weight.float())


def never_tied(model: Any) -> None:
    as_subclass(model, tie_weights=lambda *_, **__: None)


def tied_whatever_is_asked(model: Any) -> None:
    def init(self: Any, *given: Any) -> None:
        whole.__init__(self, *given)
        self.get_output_embeddings().weight = self.get_input_embeddings().weight

    whole = as_subclass(model, __init__=init)


def behind_its_own_prefix(model: Any) -> None:
    old = model.base_model_prefix

    def init(self: Any, *given: Any) -> None:
        whole.__init__(self, *given)
        self.moved = self._modules.pop(old)

    whole = as_subclass(model, __init__=init, base_model_prefix="moved")
    model.moved = model._modules.pop(old)


def without_a_prefix(base: Any) -> None:
    as_subclass(base, base_model_prefix="")


def rows_in_another_order(model: Any) -> None:
    def resize(self: Any, *given: Any, **options: Any) -> Any:
        embeddings = whole.resize_token_embeddings(self, *given, **options)
        embeddings.weight.data = embeddings.weight.data.flip(0)
        return embeddings

    whole = as_subclass(model, resize_token_embeddings=resize)


def a_head_of_the_old_size(model: Any) -> None:
    as_subclass(model, set_output_embeddings=lambda *_: None)


def squeezed_when_saved(model: Any) -> None:
    def save(self: Any, folder: Any, **options: Any) -> None:
        weights = {name: tensor.squeeze() for name, tensor in self.state_dict().items()}
        whole.save_pretrained(self, folder, state_dict=weights, **options)

    whole = as_subclass(model, save_pretrained=save)


def declaring(**members: Any) -> Callable[[nn.Module], None]:
    """Return a patch by which a model's class declares other names."""

    def patch(model: Any) -> None:
        as_subclass(model, **members)

    patch.__name__ = "_".join(members)
    return patch


def a_plan_for_what_is_not_there(model: Any) -> None:
    model.config.base_model_tp_plan = model.config.base_model_tp_plan | {"layers.*.mlp.gate_projection": "colwise"}


def holding(make: Callable[[], Any]) -> Callable[[nn.Module], None]:
    """Return a patch by which a model holds what `make` makes in a plain list."""

    def patch(model: Any) -> None:
        def init(self: Any, *given: Any) -> None:
            whole.__init__(self, *given)
            self.held = [make()]

        whole = as_subclass(model, __init__=init)

    patch.__name__ = make.__name__
    return patch


def a_layer_in_a_list() -> nn.Module:
    return nn.Linear(2, 2)


def a_tensor_in_a_list() -> Tensor:
    return torch.ones(2)


def half_the_auxiliary_loss(model: Any) -> None:
    def halve(_: nn.Module, __: Any, outputs: Any) -> None:
        outputs.aux_loss = outputs.aux_loss and outputs.aux_loss / 2

    model.register_forward_hook(halve)


def saying_more_layers(model: Any) -> None:
    """Let a model's configuration say that it has three layers more."""
    model.config.num_hidden_layers += 3
