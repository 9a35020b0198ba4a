"""The breakages: real models broken on purpose, each with the check that must turn red.

A row is a check, a model type, a module of its model, and what is done to that. Of every check there are rows of two
families at least, or of two architectures where it applies to one family only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import NoBadWordsLogitsProcessor, RepetitionPenaltyLogitsProcessor, TopPLogitsWarper
from transformers.loss.loss_utils import ForMaskedLMLoss

from hfci.checks.asking import load_check
from hfci.checks.table import CHECKS
from hfci.tiny import TinyModel, build_tiny
from hfci.tiny.parts import host_of

from .cache_patches import (
    cache_forgets_what_it_holds,
    chunks_are_read_backwards,
    positions_start_anew,
    reset_does_nothing,
    static_caches_hold_more,
)
from .generation_patches import forgets, generating_without, louder_where_encoded, tokens_of_labels_unshifted
from .input_patches import (
    a_hole_at_the_last_token,
    a_place_too_many_for_one,
    louder_for_one,
    louder_given,
    one_place_for_all,
    the_next_place,
)

__all__ = ["BREAKAGES", "Breakage"]

Break = Callable[[nn.Module], Any]


@dataclass(frozen=True)
class Breakage:
    """One row. `architecture` is the model type's base unless it is named; a part is broken within its host."""

    check: str
    model_type: str
    module: str
    patch: Break
    architecture: str | None = None

    def __str__(self) -> str:
        """Return it as the name of a test."""
        return f"{self.check}-{self.model_type}-{self.patch.__name__}"

    @property
    def is_of_part(self) -> bool:
        """Whether what is broken is a model type without a class of its own."""
        return CHECKS[self.check].subject == "part"

    def build(self) -> TinyModel:
        """Return the tiny model, whole."""
        host = host_of(self.model_type) if self.is_of_part else None
        return build_tiny(*(host or (self.model_type, self.architecture)))

    def apply(self, tiny: TinyModel) -> None:
        """Break it. Raises AttributeError where the model has no such module any more."""
        self.patch(tiny.model.get_submodule(self.module))
        tiny.reference = None

    def ask(self, tiny: TinyModel) -> None:
        """Ask the check; of a part, about that."""
        load_check(self.check)(tiny, *([self.model_type] if self.is_of_part else []))


def output(edit: Callable[[Tensor], Tensor]) -> Callable[[nn.Module], None]:
    """Return a patch that edits what a module gives: its tensor, or the first of several."""

    def hook(_: nn.Module, __: Any, given: Any) -> Any:
        return edit(given) if isinstance(given, Tensor) else (edit(given[0]), *given[1:])

    def patch(module: nn.Module) -> None:
        module.register_forward_hook(hook)

    patch.__name__ = edit.__name__
    return patch


def a_hole(given: Tensor) -> Tensor:
    hole = torch.zeros_like(given, dtype=torch.bool)
    hole[..., -1] = True
    return given.masked_fill(hole, float("nan"))


def noise(given: Tensor) -> Tensor:
    return given * (1 + 1e-3 * torch.rand_like(given))


def the_other_row(given: Tensor) -> Tensor:
    return given + 0.1 * given.flip(0)


def another_scale(given: Tensor) -> Tensor:
    return given * 1.5  # in the model and not in its files, so that what is loaded has the right one


def a_cut(given: Tensor) -> Tensor:
    return given.detach()


def half_the_gradient(given: Tensor) -> Tensor:
    return given / 2 + given.detach() / 2


def never_filled(module: nn.Module) -> None:
    with torch.no_grad():
        next(module.parameters()).fill_(1.0)


def in_train_mode(module: nn.Module) -> None:
    module.train()


def a_scale_in_every_path(module: nn.Module) -> None:
    module.scaling *= 1.1


def silenced(given: Tensor) -> Tensor:
    return torch.zeros_like(given)


def a_field_short(module: nn.Module) -> None:
    module.register_forward_hook(lambda _, __, given: given[:-1] if isinstance(given, tuple) else None)


def a_dict_whatever_is_asked(module: nn.Module) -> None:
    module.register_forward_pre_hook(
        lambda _, given, options: (given, options | {"return_dict": True}), with_kwargs=True
    )


def labels_changed(edit: Callable[[Tensor], Tensor]) -> Callable[[nn.Module], None]:
    """Return a patch by which a model takes other labels than those that it is given."""

    def hook(_: nn.Module, given: Any, named: dict[str, Any]) -> Any:
        return given, {name: edit(value) if name == "labels" else value for name, value in named.items()}

    def patch(module: nn.Module) -> None:
        module.register_forward_pre_hook(hook, with_kwargs=True)

    patch.__name__ = edit.__name__
    return patch


def shifted_once_more(labels: Tensor) -> Tensor:
    return torch.nn.functional.pad(labels[:, 1:], (0, 1), value=-100)


def ignored_places_counted(labels: Tensor) -> Tensor:
    return labels.masked_fill(labels < 0, 1)


def every_problem_as_regression(model: nn.Module) -> None:
    model.loss_function = lambda labels, logits, *_, **__: (logits.mean() - labels.float().mean()) ** 2


def without_the_shift(model: nn.Module) -> None:
    model.loss_function = ForMaskedLMLoss


def another_at_each_call(module: nn.Module) -> None:
    module.calls = 0

    def hook(module: Any, _: Any, given: Tensor) -> Tensor:
        module.calls += 1
        return given * (1 + 0.1 * module.calls)

    module.register_forward_hook(hook)


def louder_when_eager(module: nn.Module) -> None:
    def hook(attention: Any, _: Any, given: Any) -> Any:
        return (1.1 * given[0], *given[1:]) if attention.config._attn_implementation == "eager" else None

    module.register_forward_hook(hook)


def never_checkpointed(model: Any) -> None:
    model._set_gradient_checkpointing = lambda **_: None


def a_field_is_not_written(model: Any) -> None:
    class Lossy(type(model.config)):  # type: ignore[misc]
        def to_dict(self) -> dict[str, Any]:
            return {name: value for name, value in super().to_dict().items() if name != "hidden_size"}

    model.config.__class__ = Lossy


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


def built_so(patch: Break) -> Callable[[nn.Module], None]:
    """Return a patch that is done to a model and, when it is built, to what is loaded of its files."""

    def patch_class(model: Any) -> None:
        def init(self: Any, *given: Any) -> None:
            whole.__init__(self, *given)
            patch(self)

        whole = as_subclass(model, __init__=init)
        patch(model)

    patch_class.__name__ = patch.__name__
    return patch_class


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


def unmasked_when_eager(module: nn.Module) -> None:
    def hook(attention: Any, given: Any, options: Any) -> Any:
        eager = attention.config._attn_implementation == "eager"
        return given, options | {"attention_mask": None} if eager else options

    module.register_forward_pre_hook(hook, with_kwargs=True)


def without(field: str) -> Callable[[nn.Module], None]:
    """Return a patch by which a model leaves a field of its outputs empty."""

    def patch(model: nn.Module) -> None:
        def hook(_: nn.Module, __: Any, given: Any) -> None:
            given[field] = None

        model.register_forward_hook(hook)

    patch.__name__ = f"without_{field}"
    return patch


def router_logits_twice(model: nn.Module) -> None:
    def hook(_: nn.Module, __: Any, given: Any) -> None:
        given.router_logits = given.router_logits and given.router_logits * 2

    model.register_forward_hook(hook)


def weights_of_another_sum(router: nn.Module) -> None:
    router.register_forward_hook(lambda _, __, given: (given[0], given[1] * torch.rand(len(given[1]), 1), *given[2:]))


def half_the_auxiliary_loss(model: Any) -> None:
    def halve(_: nn.Module, __: Any, outputs: Any) -> None:
        outputs.aux_loss = outputs.aux_loss and outputs.aux_loss / 2

    def init(self: Any, *given: Any) -> None:
        whole.__init__(self, *given)
        self.register_forward_hook(halve)

    whole = as_subclass(model, __init__=init)


def louder_when_asked_for_more(model: nn.Module) -> None:
    def hook(_: nn.Module, __: Any, options: Any, given: Any) -> None:
        if options.get("output_hidden_states"):
            given.last_hidden_state = 1.1 * given.last_hidden_state

    model.register_forward_hook(hook, with_kwargs=True)


def all_as_the_first(grid: str) -> Callable[[nn.Module], None]:
    """Return a patch by which all images are taken to have the shape of the first."""

    def hook(_: nn.Module, given: Any, options: dict[str, Any]) -> Any:
        return given, {**options, grid: options[grid][:1].expand_as(options[grid])}

    def patch(model: nn.Module) -> None:
        model.register_forward_pre_hook(hook, with_kwargs=True)

    return patch


BREAKAGES = (
    Breakage("builds_tiny", "bert", "embeddings.word_embeddings", never_filled),
    Breakage("builds_tiny", "vit", "layers.0.mlp.fc1", never_filled),
    Breakage("builds_tiny", "llama", "layers.0.mlp", in_train_mode),
    Breakage("forward_is_finite", "bert", "encoder.layer.1.output", output(a_hole)),
    Breakage("forward_is_finite", "vit", "layernorm", output(a_hole)),
    Breakage("forward_is_finite", "llama", "norm", output(a_hole)),
    Breakage("forward_is_deterministic", "bert", "encoder.layer.0.output", output(noise)),
    Breakage("forward_is_deterministic", "vit", "layers.0.mlp", output(noise)),
    Breakage("batch_is_independent", "bert", "encoder.layer.0.output", output(the_other_row)),
    Breakage("batch_is_independent", "vit", "layers.0.mlp", output(the_other_row)),
    Breakage("batch_is_independent", "whisper", "encoder.layers.0.fc2", output(the_other_row)),
    Breakage("unequal_images_equal_alone", "qwen2_vl_vision", "", all_as_the_first("grid_thw")),
    Breakage("unequal_images_equal_alone", "minicpmv4_6_vision", "", all_as_the_first("target_sizes")),
    Breakage("unequal_images_equal_alone", "siglip2", "", all_as_the_first("spatial_shapes"), "Siglip2Model"),
    Breakage("save_load_roundtrip", "bert", "encoder.layer.0.output", output(another_scale)),
    Breakage("save_load_roundtrip", "vit", "layers.0.mlp", output(another_scale)),
    Breakage("gradients_reach_every_parameter", "bert", "encoder.layer.0.output", output(a_cut)),
    Breakage("gradients_reach_every_parameter", "vit", "layers.0.mlp", output(a_cut)),
    Breakage("gradients_reach_every_parameter", "llama", "layers.0.self_attn.o_proj", output(a_cut)),
    Breakage("tuple_equals_dict", "bert", "", a_field_short),
    Breakage("tuple_equals_dict", "vit", "", a_field_short),
    Breakage("tuple_equals_dict", "llama", "", a_dict_whatever_is_asked),
    Breakage("golden_output", "llama", "layers.0.self_attn", a_scale_in_every_path),
    Breakage("golden_output", "vit", "layers.0.attention", a_scale_in_every_path),
    Breakage("golden_output", "whisper", "decoder.layers.0.encoder_attn", a_scale_in_every_path),
    Breakage("loss_matches_definition", "llama", "", without_the_shift, "LlamaForCausalLM"),
    Breakage("loss_matches_definition", "bert", "", labels_changed(shifted_once_more), "BertForMaskedLM"),
    Breakage("loss_matches_definition", "wav2vec2", "", labels_changed(ignored_places_counted), "Wav2Vec2ForCTC"),
    Breakage("loss_matches_definition", "vit", "", every_problem_as_regression, "ViTForImageClassification"),
    Breakage("gradient_checkpointing_equals_plain", "bert", "encoder.layer.0.output.dense", another_at_each_call),
    Breakage("gradient_checkpointing_equals_plain", "llama", "layers.0.mlp.gate_proj", another_at_each_call),
    Breakage("gradient_checkpointing_equals_plain", "vit", "", never_checkpointed),
    Breakage("training_step_lowers_loss", "llama", "model.norm", output(half_the_gradient), "LlamaForCausalLM"),
    Breakage(
        "training_step_lowers_loss", "vit", "vit.layernorm", output(half_the_gradient), "ViTForImageClassification"
    ),
    Breakage("frozen_base_trains_head", "bert", "classifier", output(a_cut), "BertForTokenClassification"),
    Breakage("frozen_base_trains_head", "vit", "classifier", output(a_cut), "ViTForImageClassification"),
    Breakage("config_roundtrip", "bert", "", a_field_is_not_written),
    Breakage("config_roundtrip", "vit", "", unknown_keys_are_dropped),
    Breakage("missing_key_is_initialised", "bert", "", unknown_to(nn.LayerNorm)),
    Breakage("missing_key_is_initialised", "vit", "", unknown_to(nn.Linear)),
    Breakage("missing_key_is_initialised", "llama", "", unknown_to(nn.Embedding)),
    Breakage("tied_weights_stay_tied", "bert", "", never_tied, "BertForMaskedLM"),
    Breakage("tied_weights_stay_tied", "t5", "", never_tied),
    Breakage("tied_weights_stay_tied", "gpt2", "", tied_whatever_is_asked, "GPT2LMHeadModel"),
    Breakage("base_model_loads_into_head_and_back", "vit", "vit", without_a_prefix, "ViTForImageClassification"),
    Breakage("base_model_loads_into_head_and_back", "bert", "", behind_its_own_prefix, "BertForTokenClassification"),
    Breakage("resize_embeddings_keeps_rows", "bert", "", rows_in_another_order),
    Breakage("resize_embeddings_keeps_rows", "llama", "", a_head_of_the_old_size, "LlamaForCausalLM"),
    Breakage("resize_embeddings_keeps_rows", "t5", "", rows_in_another_order),
    Breakage("declared_names_exist", "bert", "", declaring(_no_split_modules=["BertLayr"])),
    Breakage("declared_names_exist", "vit", "", declaring(_keep_in_fp32_modules=["layer_nrm"])),
    Breakage("declared_names_exist", "whisper", "", declaring(main_input_name="input_sound")),
    Breakage("declared_names_exist", "bert", "", declaring(base_model_prefix="brt"), "BertForMaskedLM"),
    Breakage("declared_names_exist", "vit", "", declaring(base_model_prefix="vt"), "ViTForImageClassification"),
    Breakage("declared_names_exist", "llama", "", a_plan_for_what_is_not_there),
    Breakage("parameters_are_in_the_module_tree", "bert", "", holding(a_layer_in_a_list)),
    Breakage("parameters_are_in_the_module_tree", "vit", "", holding(a_tensor_in_a_list)),
    Breakage("eager_equals_sdpa", "llama", "layers.0.self_attn", louder_when_eager),
    Breakage("eager_equals_sdpa", "llama", "layers.0.self_attn", unmasked_when_eager),
    Breakage("eager_equals_sdpa", "bert", "encoder.layer.0.attention.self", louder_when_eager),
    Breakage("eager_equals_sdpa", "vit", "layers.0.attention", louder_when_eager),
    Breakage("attention_mask_hides_padding", "bert", "encoder.layer.0.output", output(the_next_place)),
    Breakage("attention_mask_hides_padding", "t5", "encoder.block.0.layer.1", output(the_next_place)),
    Breakage("causal_mask_hides_future", "llama", "model.layers.0.mlp", output(the_next_place), "LlamaForCausalLM"),
    Breakage(
        "causal_mask_hides_future", "marian", "model.decoder.layers.0.fc1", output(the_next_place), "MarianMTModel"
    ),
    Breakage("length_one_and_batch_one_run", "bert", "encoder.layer.1.output", output(a_place_too_many_for_one)),
    Breakage("length_one_and_batch_one_run", "llama", "layers.0.mlp", output(louder_for_one)),
    Breakage("length_one_and_batch_one_run", "t5", "decoder.block.0.layer.2", output(louder_for_one)),
    Breakage("inputs_embeds_equal_input_ids", "bert", "", louder_given("inputs_embeds")),
    Breakage("inputs_embeds_equal_input_ids", "llama", "", louder_given("inputs_embeds")),
    Breakage("explicit_positions_equal_default", "bert", "", louder_given("position_ids")),
    Breakage("explicit_positions_equal_default", "llama", "", louder_given("position_ids")),
    Breakage("every_token_id_runs", "bert", "embeddings.word_embeddings", a_hole_at_the_last_token),
    Breakage("every_token_id_runs", "llama", "embed_tokens", a_hole_at_the_last_token),
    Breakage("positions_matter", "bert", "embeddings.position_embeddings", one_place_for_all),
    Breakage("positions_matter", "llama", "rotary_emb", one_place_for_all),
    Breakage("every_output_flag_fills_its_field", "bert", "", without("hidden_states")),
    Breakage("every_output_flag_fills_its_field", "mixtral", "", router_logits_twice),
    Breakage("every_output_flag_fills_its_field", "vit", "", louder_when_asked_for_more),
    Breakage("router_logits_and_auxiliary_loss_match_definition", "mixtral", "", router_logits_twice),
    Breakage(
        "router_logits_and_auxiliary_loss_match_definition", "qwen3_next", "layers.0.mlp.gate", weights_of_another_sum
    ),
    Breakage(
        "router_logits_and_auxiliary_loss_match_definition", "jamba", "", half_the_auxiliary_loss, "JambaForCausalLM"
    ),
    Breakage("router_logits_and_auxiliary_loss_match_definition", "nllb-moe", "", without("encoder_router_logits")),
    Breakage("half_precision_stays_close", "bert", "", built_so(louder_in_half_precision)),
    Breakage("half_precision_stays_close", "vit", "", built_so(states_in_float32)),
    Breakage("half_precision_stays_close", "llama", "", built_so(positions_made_in_the_dtype_of_the_model)),
    Breakage("loads_in_the_dtype_asked_for", "bert", "", built_so(a_scale_made_as_float32)),
    Breakage("loads_in_the_dtype_asked_for", "vit", "", built_so(a_scale_made_as_float32)),
    Breakage("component_is_exercised", "idefics_perciever", "perceiver_resampler", output(silenced)),
    Breakage("component_is_exercised", "sam_mask_decoder", "mask_decoder.iou_prediction_head", output(a_hole)),
    Breakage("cache_equals_no_cache", "llama", "", positions_start_anew),
    Breakage("cache_equals_no_cache", "gpt2", "", positions_start_anew, "GPT2LMHeadModel"),
    Breakage("cache_equals_no_cache", "mamba", "", cache_forgets_what_it_holds),
    Breakage("cache_equals_no_cache", "bart", "", cache_forgets_what_it_holds),
    Breakage("chunked_prefill_equals_whole", "llama", "", positions_start_anew),
    Breakage("chunked_prefill_equals_whole", "mamba2", "", chunks_are_read_backwards),
    Breakage("reset_cache_is_new", "llama", "", reset_does_nothing),
    Breakage("reset_cache_is_new", "mamba", "", reset_does_nothing),
    Breakage("reset_cache_is_new", "bart", "", reset_does_nothing),
    Breakage("static_cache_equals_dynamic", "llama", "", static_caches_hold_more),
    Breakage("static_cache_equals_dynamic", "bart", "", static_caches_hold_more),
    Breakage("generate_equals_without_cache", "gpt2", "", cache_forgets_what_it_holds, "GPT2LMHeadModel"),
    Breakage("generate_equals_without_cache", "mamba", "", cache_forgets_what_it_holds, "MambaForCausalLM"),
    Breakage("generate_equals_without_cache", "t5", "", cache_forgets_what_it_holds, "T5ForConditionalGeneration"),
    Breakage("left_padded_generation_equals_unpadded", "llama", "", forgets("attention_mask"), "LlamaForCausalLM"),
    Breakage("left_padded_generation_equals_unpadded", "gpt2", "", forgets("position_ids"), "GPT2LMHeadModel"),
    Breakage("left_padded_generation_equals_unpadded", "mamba", "", forgets("attention_mask"), "MambaForCausalLM"),
    Breakage("encoder_decoder_consistency", "t5", "", louder_where_encoded, "T5Model"),
    Breakage("encoder_decoder_consistency", "whisper", "", louder_where_encoded, "WhisperForConditionalGeneration"),
    Breakage("encoder_decoder_consistency", "bart", "", tokens_of_labels_unshifted, "BartForConditionalGeneration"),
    *(
        Breakage("generation_options_keep_their_contract", model_type, "", generating_without(kind), architecture)
        for model_type, architecture, kind in (
            ("llama", "LlamaForCausalLM", NoBadWordsLogitsProcessor),
            ("gpt2", "GPT2LMHeadModel", RepetitionPenaltyLogitsProcessor),
            ("mamba", "MambaForCausalLM", TopPLogitsWarper),
        )
    ),
)
