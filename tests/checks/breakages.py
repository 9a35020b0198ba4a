"""The breakages: real models broken on purpose, each with the check that must turn red.

A row is a check, a model type, a module of its model or a kind of its processors, and what is done to that. Of every
check there are rows of two families at least, or of two architectures where it applies to one family only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn
from transformers import (
    EtaLogitsWarper,
    NoBadWordsLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from hfci.checks.asking import load_check
from hfci.checks.pipelines.serving import load
from hfci.checks.table import CHECKS
from hfci.tiny import TinyModel, build_tiny
from hfci.tiny.parts import host_of
from hfci.tiny.processors import KINDS, VOCABULARY, Processors
from hfci.tiny.shrink import VOCABULARY as SMALL

from .attention_patches import (
    deaf_to_one_token_when_eager,
    louder_when_batched,
    louder_when_eager,
    never_switched,
    not_told_of_its_window,
    nothing_is_no_number_when_eager,
    one_place_more_behind_a_cache,
    one_place_more_is_seen,
    scaled_the_other_way,
    unmasked_when_eager,
)
from .backend_patches import (
    a_batch_of_three_apart,
    another_token_kept_compiled,
    half_the_gradient_compiled,
    louder_compiled,
    louder_whole,
)
from .cache_patches import (
    beams_stay_in_place,
    cache_forgets_what_it_holds,
    chunks_are_read_backwards,
    drafts_are_taken_back_from_the_front,
    kinds_are_told_of_the_first_chunk,
    positions_start_anew,
    reset_does_nothing,
    static_caches_hold_more,
)
from .class_patches import (
    a_field_is_not_written,
    a_head_of_the_old_size,
    a_layer_in_a_list,
    a_plan_for_what_is_not_there,
    a_scale_made_as_float32,
    a_table_that_nothing_initialises,
    a_tensor_in_a_list,
    an_epsilon_of_its_own,
    an_old_name_of_another_text,
    another_name_is_forgotten,
    behind_its_own_prefix,
    built_so,
    declaring,
    dropping_in_eval,
    half_the_auxiliary_loss,
    holding,
    larger_when_built,
    longer_on_the_meta_device,
    louder_in_half_precision,
    louder_when_built_on_the_meta_device,
    louder_when_put_together,
    never_checkpointed,
    never_in_train_mode,
    never_tied,
    no_decoder_when_put_together,
    positions_made_in_the_dtype_of_the_model,
    rows_in_another_order,
    saying_more_layers,
    squeezed_when_saved,
    states_in_float32,
    stopped_by_undivided_heads,
    stopped_where_it_has,
    tied_whatever_is_asked,
    undivided_without_a_word,
    unknown_keys_are_dropped,
    unknown_to,
    unknown_when_loaded,
    unread,
    wider_cells_when_built,
    without_a_prefix,
)
from .device_patches import (
    adds_a_table_of_the_processor,
    adds_its_embeddings_in_its_last_layer,
    goes_by_way_of_numpy,
    keeps_what_it_adds_where_it_first_ran,
    louder_elsewhere,
    reads_the_embeddings_in_its_last_layer,
    returned_to_the_processor,
)
from .generation_patches import (
    ends_where_no_maximum_is_set,
    forgets,
    generating_without,
    images_in_turns,
    in_eval_mode_from_then_on,
    louder_where_encoded,
    positions_of_its_first_text,
    prepares_no,
    reads_no_cache_in_train_mode,
    rows_in_turns,
    scores_of_another_length,
    seeds_itself,
    tokens_of_labels_unshifted,
    writes_its_rows_in_turns,
    writes_less_each_time,
    writes_what_it_wrote_first,
)
from .input_patches import (
    a_begun_place_is_uncounted,
    a_feature_short,
    a_hole_at_the_last_token,
    a_place_too_few_is_masked,
    a_place_too_many_for_one,
    all_as_the_first,
    blind_to_embeddings,
    half_turned,
    louder_for_one,
    louder_given,
    one_place_for_all,
    places_louder_interpolated,
    places_of_higher_images_unknown,
    places_uncounted,
    refused_without_numbers,
    stopped_by_one_side,
    stopped_past_its_maximum,
    stopped_past_its_maximum_without_a_number,
    the_next_place,
    the_place_before,
    videos_louder_together,
    videos_uncounted,
    videos_unseen,
    without_padding,
)
from .loss_patches import (
    any_place_may_hold_an_answer,
    each_number_with_each,
    every_problem_as_regression,
    ignored_places_counted,
    labels_changed,
    noisy_copies_are_seen,
    shifted_once_more,
    the_first_object_of_each_row,
    without_the_shift,
)
from .media_patches import (
    a_mask_of_all,
    alone_louder,
    answering,
    any_rate_is_taken,
    beside_others_louder,
    mirrored_of_pil_images,
    true_taken_for_the_most,
    without_argument,
)
from .output_patches import (
    a_class_that_there_is_not,
    a_cut,
    a_dict_whatever_is_asked,
    a_field_short,
    a_hole,
    a_random_number_drawn,
    a_scale_in_every_path,
    a_series_unscaled,
    a_width_of_another_scale,
    all_the_same,
    another_at_each_call,
    another_scale,
    half_the_gradient,
    in_another_order,
    in_train_mode,
    louder_when_asked_for_more,
    never_filled,
    noise,
    one_more,
    output,
    router_logits_twice,
    silenced,
    the_first_left_out,
    the_loss_left_out,
    the_other_row,
    weights_of_another_sum,
    without,
    without_what_was_asked_for,
)
from .pipeline_patches import always_as_at_first, another_in_a_list, deaf_to_parameters, out_of_form
from .processor_patches import (
    a_letter_lost,
    a_placeholder_more,
    changed_by_saving,
    deaf_to,
    masked_before_images,
    saved_as_another,
    saved_without,
    special_tokens_never_skipped,
    template_without,
    what_is_none_written,
)
from .rope_patches import (
    a_rope_that_stays_long,
    always_half_of_a_head_turned,
    crosses_with_one_token,
    the_default_rope_whatever_is_asked,
    turned_by_other_lengths,
)
from .state_patches import (
    a_note_when_built,
    a_note_when_run,
    louder_after_a_shorter_text,
    louder_after_more_rows,
    louder_after_training,
    records_anew,
    written_over,
)

__all__ = ["BREAKAGES", "Breakage"]

Break = Callable[[Any], Any]


@dataclass(frozen=True)
class Breakage:
    """One row. `architecture` is the model type's base unless it is named; a part is broken within its host.

    Of a check of a model type as a whole, `module` is the kind of processor that is broken.
    Of a check of a `task` it is the pipeline that is broken, and `module` is empty.
    """

    check: str
    model_type: str
    module: str
    patch: Break
    architecture: str | None = None
    task: str | None = None

    def __str__(self) -> str:
        """Return it as the name of a test."""
        name = f"{self.check}-{self.model_type}-{self.patch.__name__}"
        return f"{name}-{self.task}" if self.task else name

    @property
    def is_of_part(self) -> bool:
        """Whether what is broken is a model type without a class of its own."""
        return CHECKS[self.check].subject == "part"

    @property
    def needs_processors(self) -> bool:
        """Whether its check asks the processors of a model type, of which `module` is then a kind."""
        return "processor" in CHECKS[self.check].needs

    def build(self) -> TinyModel:
        """Return the tiny model, whole."""
        host = host_of(self.model_type) if self.is_of_part else None
        vocabulary = VOCABULARY if self.needs_processors else SMALL
        return build_tiny(*(host or (self.model_type, self.architecture)), vocabulary=vocabulary)

    def apply(self, tiny: TinyModel) -> None:
        """Break it. Raises AttributeError where the model has no such module, or no such processor, any more."""
        if self.task:
            self.patch(load(tiny, self.task, "bfloat16" if self.check == IN_BFLOAT16 else "auto"))
        elif self.module in KINDS:
            tiny.new_processors = self._broken_by(tiny.new_processors)  # type: ignore[method-assign]
            vars(tiny).pop("processors", None)
            assert tiny.processors is not None  # built here, so that a kind that is there no more is an error here
        else:
            self.patch(tiny.model.get_submodule(self.module))
        tiny.reference = None

    def _broken_by(self, build: Callable[[], Processors]) -> Callable[[], Processors]:
        """Return what builds processors, of which one is broken each time."""

        def broken() -> Processors:
            processors = build()
            self.patch(getattr(processors, self.module))
            return processors

        return broken

    def ask(self, tiny: TinyModel) -> None:
        """Ask the check; of a part, about that; of one about backends, with its first."""
        told = [self.model_type] if self.is_of_part else [self.task] if self.task else []
        if backends := CHECKS[self.check].axes.get("backend"):
            load_check(self.check)(tiny, backend=backends[0])
        else:
            load_check(self.check)(tiny, *told)


IN_BFLOAT16 = "pipeline_runs_in_bfloat16"

# Task, and two that can serve it, of two families where there are so many whose packages are here.
SERVED = (
    ("text-classification", "bert", "BertForSequenceClassification"),
    ("text-classification", "llama", "LlamaForSequenceClassification"),
    ("token-classification", "bert", "BertForTokenClassification"),
    ("token-classification", "llama", "LlamaForTokenClassification"),
    ("fill-mask", "bert", "BertForMaskedLM"),
    ("fill-mask", "bart", "BartForConditionalGeneration"),
    ("feature-extraction", "bert", "BertModel"),
    ("feature-extraction", "llama", "LlamaModel"),
    ("zero-shot-classification", "bert", "BertForSequenceClassification"),
    ("zero-shot-classification", "bart", "BartForSequenceClassification"),
    ("text-generation", "gpt2", "GPT2LMHeadModel"),
    ("text-generation", "mamba", "MambaForCausalLM"),
    ("decision", "gpt2", "GPT2LMHeadModel"),
    ("decision", "mamba", "MambaForCausalLM"),
    ("image-text-to-text", "llava", "LlavaForConditionalGeneration"),
    ("image-text-to-text", "blip", "BlipForConditionalGeneration"),
    ("image-classification", "vit", "ViTForImageClassification"),
    ("image-classification", "clip", "CLIPForImageClassification"),
    ("image-feature-extraction", "vit", "ViTModel"),
    ("image-feature-extraction", "detr", "DetrModel"),
    ("image-segmentation", "beit", "BeitForSemanticSegmentation"),
    ("image-segmentation", "detr", "DetrForSegmentation"),
    ("object-detection", "detr", "DetrForObjectDetection"),
    ("object-detection", "yolos", "YolosForObjectDetection"),
    ("zero-shot-object-detection", "owlvit", "OwlViTForObjectDetection"),
    ("zero-shot-object-detection", "owlv2", "Owlv2ForObjectDetection"),
    ("zero-shot-image-classification", "clip", "CLIPModel"),
    ("zero-shot-image-classification", "blip", "BlipModel"),
    ("depth-estimation", "dpt", "DPTForDepthEstimation"),
    ("depth-estimation", "glpn", "GLPNForDepthEstimation"),
    ("document-question-answering", "layoutlm", "LayoutLMForQuestionAnswering"),
    ("document-question-answering", "layoutlmv3", "LayoutLMv3ForQuestionAnswering"),
    ("audio-classification", "hubert", "HubertForSequenceClassification"),
    ("audio-classification", "audio-spectrogram-transformer", "ASTForAudioClassification"),
    ("audio-classification", "whisper", "WhisperForAudioClassification"),
    ("zero-shot-audio-classification", "clap", "ClapModel"),
    ("automatic-speech-recognition", "wav2vec2", "Wav2Vec2ForCTC"),
    ("automatic-speech-recognition", "whisper", "WhisperForConditionalGeneration"),
    ("text-to-audio", "vits", "VitsModel"),
    ("any-to-any", "qwen2_audio", "Qwen2AudioForConditionalGeneration"),
    ("any-to-any", "llava", "LlavaForConditionalGeneration"),
    ("mask-generation", "sam", "SamModel"),
    ("mask-generation", "sam2", "Sam2Model"),
)

# What the pipeline of keypoints gives of a batch, and of images that are not square, is in the ledger; of its models
# this one alone is sure of any two points while its weights are random.
OF_KEYPOINTS = (("keypoint-matching", "superglue", "SuperGlueForKeypointMatching"),)

# Videos are decoded by packages that a run need not have.
OF_VIDEOS = (
    ("video-classification", "timesformer", "TimesformerForVideoClassification"),
    ("video-classification", "vivit", "VivitForVideoClassification"),
)

# What the pipeline of tables makes of a batch is in the ledger; one input alone it answers.
OF_TABLES = (("table-question-answering", "tapas", "TapasForQuestionAnswering"),)

BREAKAGES = (
    Breakage("builds_tiny", "bert", "embeddings.word_embeddings", never_filled),
    Breakage("builds_tiny", "vit", "layers.0.mlp.fc1", never_filled),
    Breakage("builds_tiny", "llama", "layers.0.mlp", in_train_mode),
    Breakage("forward_is_finite", "bert", "encoder.layer.1.output", output(a_hole)),
    Breakage("forward_is_finite", "vit", "layernorm", output(a_hole)),
    Breakage("forward_is_finite", "llama", "norm", output(a_hole)),
    Breakage("forward_is_deterministic", "bert", "encoder.layer.0.output", output(noise)),
    Breakage("forward_is_deterministic", "vit", "layers.0.mlp", output(noise)),
    Breakage("forward_is_deterministic", "bert", "encoder.layer.0", a_random_number_drawn),
    Breakage("forward_is_deterministic", "llama", "layers.0", a_random_number_drawn),
    Breakage("batch_is_independent", "bert", "encoder.layer.0.output", output(the_other_row)),
    Breakage("batch_is_independent", "vit", "layers.0.mlp", output(the_other_row)),
    Breakage("batch_is_independent", "whisper", "encoder.layers.0.fc2", output(the_other_row)),
    Breakage("unequal_images_equal_alone", "qwen2_vl_vision", "", all_as_the_first("grid_thw")),
    Breakage("unequal_images_equal_alone", "minicpmv4_6_vision", "", all_as_the_first("target_sizes")),
    Breakage("unequal_images_equal_alone", "siglip2", "", all_as_the_first("spatial_shapes"), "Siglip2Model"),
    Breakage("places_of_patches_are_interpolated", "vit", "embeddings", places_louder_interpolated),
    Breakage("places_of_patches_are_interpolated", "clip", "vision_model.embeddings", places_of_higher_images_unknown),
    Breakage("places_of_patches_are_interpolated", "vit", "embeddings", stopped_by_one_side),
    Breakage("arguments_are_handed_on", "llama", "", forgets("position_ids"), "LlamaForCausalLM"),
    Breakage("arguments_are_handed_on", "bert", "", forgets("token_type_ids"), "BertForMaskedLM"),
    Breakage("norms_read_their_epsilon", "llama", "", built_so(an_epsilon_of_its_own)),
    Breakage("norms_read_their_epsilon", "t5", "", built_so(an_epsilon_of_its_own)),
    Breakage("save_load_roundtrip", "bert", "encoder.layer.0.output", output(another_scale)),
    Breakage("save_load_roundtrip", "vit", "layers.0.mlp", output(another_scale)),
    Breakage("saves_with_size_one", "bert", "", squeezed_when_saved, "BertForSequenceClassification"),
    Breakage("saves_with_size_one", "vit", "", squeezed_when_saved),
    Breakage("saves_with_size_one", "mixtral", "", squeezed_when_saved),
    Breakage("gradients_reach_every_parameter", "bert", "encoder.layer.0.output", output(a_cut)),
    Breakage("gradients_reach_every_parameter", "vit", "layers.0.mlp", output(a_cut)),
    Breakage("gradients_reach_every_parameter", "llama", "layers.0.self_attn.o_proj", output(a_cut)),
    Breakage("tuple_equals_dict", "bert", "", a_field_short),
    Breakage("tuple_equals_dict", "vit", "", a_field_short),
    Breakage("tuple_equals_dict", "electra", "", without_what_was_asked_for),
    Breakage("tuple_equals_dict", "resnet", "", without_what_was_asked_for),
    Breakage("tuple_equals_dict", "llama", "", a_dict_whatever_is_asked),
    Breakage("tuple_equals_dict", "bert", "", the_loss_left_out, "BertForTokenClassification"),
    Breakage("tuple_equals_dict", "vit", "", the_loss_left_out, "ViTForImageClassification"),
    Breakage("tuple_equals_dict", "vision-encoder-decoder", "", the_first_left_out),
    Breakage("golden_output", "llama", "layers.0.self_attn", a_scale_in_every_path),
    Breakage("golden_output", "vit", "layers.0.attention", a_scale_in_every_path),
    Breakage("golden_output", "whisper", "decoder.layers.0.encoder_attn", a_scale_in_every_path),
    Breakage("loss_matches_definition", "llama", "", without_the_shift, "LlamaForCausalLM"),
    Breakage("loss_matches_definition", "bert", "", labels_changed(shifted_once_more), "BertForMaskedLM"),
    Breakage("loss_matches_definition", "wav2vec2", "", labels_changed(ignored_places_counted), "Wav2Vec2ForCTC"),
    Breakage("loss_matches_definition", "vit", "", every_problem_as_regression, "ViTForImageClassification"),
    *(
        Breakage("loss_matches_definition", model_type, "", built_so(each_number_with_each), architecture)
        for model_type, architecture in (
            ("vit", "ViTForImageClassification"),
            ("llama", "LlamaForSequenceClassification"),
        )
    ),
    *(
        Breakage("loss_matches_definition", model_type, module, any_place_may_hold_an_answer, architecture)
        for model_type, module, architecture in (
            ("xlm", "qa_outputs.end_logits", "XLMForQuestionAnswering"),
            ("xlnet", "start_logits", "XLNetForQuestionAnswering"),
        )
    ),
    Breakage("gradient_checkpointing_equals_plain", "bert", "encoder.layer.0.output.dense", another_at_each_call),
    Breakage("gradient_checkpointing_equals_plain", "llama", "layers.0.mlp.gate_proj", another_at_each_call),
    Breakage("gradient_checkpointing_equals_plain", "vit", "", never_checkpointed),
    Breakage("training_step_lowers_loss", "llama", "model.norm", output(half_the_gradient), "LlamaForCausalLM"),
    Breakage(
        "training_step_lowers_loss", "vit", "vit.layernorm", output(half_the_gradient), "ViTForImageClassification"
    ),
    Breakage("frozen_base_trains_head", "bert", "classifier", output(a_cut), "BertForTokenClassification"),
    Breakage("frozen_base_trains_head", "vit", "classifier", output(a_cut), "ViTForImageClassification"),
    Breakage("dropout_is_off_in_eval_and_on_in_train", "bert", "", built_so(dropping_in_eval)),
    Breakage("dropout_is_off_in_eval_and_on_in_train", "gpt2", "", built_so(dropping_in_eval)),
    Breakage("dropout_is_off_in_eval_and_on_in_train", "bert", "", built_so(never_in_train_mode)),
    Breakage("dropout_is_off_in_eval_and_on_in_train", "vit", "", built_so(never_in_train_mode)),
    Breakage("state_is_not_left_behind", "bert", "", louder_after_a_shorter_text),
    Breakage("state_is_not_left_behind", "bert", "", louder_after_more_rows),
    Breakage("state_is_not_left_behind", "vit", "", louder_after_more_rows),
    Breakage("state_is_not_left_behind", "vit", "", louder_after_training),
    Breakage("state_is_not_left_behind", "llama", "model", records_anew, "LlamaForCausalLM"),
    Breakage("config_is_not_changed", "bert", "", built_so(a_note_when_built)),
    Breakage("config_is_not_changed", "vit", "", a_note_when_run),
    Breakage("config_is_not_changed", "gpt2", "", a_note_when_run, "GPT2LMHeadModel"),
    Breakage("config_is_not_changed", "vit", "", written_over),
    Breakage("config_roundtrip", "bert", "", a_field_is_not_written),
    Breakage("config_roundtrip", "vit", "", unknown_keys_are_dropped),
    Breakage("missing_key_is_initialised", "bert", "", unknown_to(nn.LayerNorm)),
    Breakage("missing_key_is_initialised", "vit", "", unknown_to(nn.Linear)),
    Breakage("missing_key_is_initialised", "gpt2", "", built_so(larger_when_built)),
    Breakage("missing_key_is_initialised", "slanet", "", built_so(wider_cells_when_built)),
    Breakage("missing_key_is_initialised", "parakeet_rnnt", "", built_so(wider_cells_when_built)),
    Breakage("missing_key_is_initialised", "llama", "", unknown_to(nn.Embedding)),
    Breakage("moves_to_meta_and_back", "bert", "", built_so(a_table_that_nothing_initialises)),
    Breakage("moves_to_meta_and_back", "llama", "", built_so(longer_on_the_meta_device)),
    Breakage("moves_to_meta_and_back", "vit", "", built_so(louder_when_built_on_the_meta_device)),
    Breakage("device_equals_cpu", "bert", "encoder.layer.1", adds_a_table_of_the_processor),
    Breakage("device_equals_cpu", "vit", "layers.0", goes_by_way_of_numpy),
    Breakage("device_equals_cpu", "t5", "encoder.block.0", louder_elsewhere),
    Breakage("device_equals_cpu", "llama", "norm", returned_to_the_processor),
    Breakage("device_equals_cpu", "whisper", "encoder.layers.0", keeps_what_it_adds_where_it_first_ran),
    Breakage("splits_over_devices", "llama", "", built_so(reads_the_embeddings_in_its_last_layer)),
    Breakage("splits_over_devices", "mamba", "", built_so(reads_the_embeddings_in_its_last_layer)),
    Breakage("splits_over_devices", "vit", "", built_so(adds_its_embeddings_in_its_last_layer)),
    Breakage("tied_weights_stay_tied", "bert", "", never_tied, "BertForMaskedLM"),
    Breakage("tied_weights_stay_tied", "t5", "", never_tied),
    Breakage("tied_weights_stay_tied", "gpt2", "", tied_whatever_is_asked, "GPT2LMHeadModel"),
    Breakage("parts_loaded_apart_make_the_whole", "vision-text-dual-encoder", "", louder_when_put_together),
    Breakage("parts_loaded_apart_make_the_whole", "encoder-decoder", "", no_decoder_when_put_together),
    Breakage("old_checkpoint_layout_loads_whole", "mixtral", "", unknown_when_loaded),
    Breakage("old_checkpoint_layout_loads_whole", "qwen3_next", "", unknown_when_loaded),
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
    Breakage("sliding_window_is_as_wide_as_declared", "mistral", "", built_so(one_place_more_is_seen)),
    Breakage("sliding_window_is_as_wide_as_declared", "mistral", "", built_so(one_place_more_behind_a_cache)),
    Breakage("sliding_window_is_as_wide_as_declared", "modernbert", "", built_so(one_place_more_is_seen)),
    Breakage("sliding_window_is_as_wide_as_declared", "qwen2", "", built_so(not_told_of_its_window)),
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
    Breakage("cross_modal_inputs_matter", "llava", "multi_modal_projector", output(silenced)),
    Breakage("cross_modal_inputs_matter", "llava", "multi_modal_projector", output(in_another_order)),
    Breakage("cross_modal_inputs_matter", "qwen2_audio", "multi_modal_projector", output(in_another_order)),
    Breakage("cross_modal_inputs_matter", "clip", "visual_projection", output(all_the_same)),
    Breakage("cross_modal_inputs_matter", "qwen2_vl", "", videos_unseen),
    Breakage("media_features_fit_their_items", "llava", "", a_feature_short("get_image_features")),
    Breakage("media_features_fit_their_items", "qwen2_vl", "", videos_louder_together),
    Breakage("media_features_fit_their_items", "llava", "", blind_to_embeddings),
    Breakage("media_features_fit_their_items", "llava", "vision_tower.encoder.layers.0.self_attn", louder_when_eager),
    Breakage("media_features_fit_their_items", "glmasr", "", a_feature_short("get_audio_features")),
    Breakage("media_features_fit_their_items", "clip", "visual_projection", output(the_other_row)),
    Breakage("text_past_its_maximum_is_refused", "llama", "", stopped_past_its_maximum),
    Breakage("text_past_its_maximum_is_refused", "clip", "", stopped_past_its_maximum),
    Breakage("text_past_its_maximum_is_refused", "modernbert", "", stopped_past_its_maximum_without_a_number),
    Breakage("undivided_heads_are_refused", "qwen3", "", built_so(stopped_by_undivided_heads)),
    Breakage("undivided_heads_are_refused", "t5", "", built_so(stopped_by_undivided_heads)),
    Breakage("undivided_heads_are_refused", "qwen3", "", built_so(undivided_without_a_word)),
    Breakage("wrong_placeholder_count_is_refused", "internvl", "", places_uncounted),
    Breakage("wrong_placeholder_count_is_refused", "internvl", "", refused_without_numbers),
    Breakage("wrong_placeholder_count_is_refused", "glmasr", "", places_uncounted),
    Breakage("wrong_placeholder_count_is_refused", "qwen2_vl", "", videos_uncounted),
    Breakage("every_token_id_runs", "bert", "embeddings.word_embeddings", a_hole_at_the_last_token),
    Breakage("every_token_id_runs", "llama", "embed_tokens", a_hole_at_the_last_token),
    Breakage("positions_matter", "bert", "embeddings.position_embeddings", one_place_for_all),
    Breakage("positions_matter", "llama", "rotary_emb", one_place_for_all),
    Breakage("rotary_places_are_relative", "llama", "rotary_emb", half_turned),
    Breakage("rotary_places_are_relative", "eurobert", "rotary_emb", half_turned),
    Breakage("rotary_places_are_relative", "bamba", "rotary_emb", half_turned),
    Breakage("packed_equals_separate", "llama", "layers.0.mlp", output(the_place_before)),
    Breakage("packed_equals_separate", "gpt2", "", forgets("position_ids")),
    Breakage("packed_equals_separate", "bamba", "", forgets("seq_idx")),
    Breakage("every_output_flag_fills_its_field", "bert", "", without("hidden_states")),
    Breakage("every_output_flag_fills_its_field", "mixtral", "", router_logits_twice),
    Breakage("every_output_flag_fills_its_field", "qwen2_vl", "visual", forgets("output_hidden_states")),
    Breakage("every_output_flag_fills_its_field", "vit", "", louder_when_asked_for_more),
    Breakage("attention_switched_at_run_time_equals_built", "bert", "", never_switched),
    Breakage("attention_switched_at_run_time_equals_built", "vit", "", never_switched),
    Breakage("eager_equals_batched_experts", "mixtral", "layers.0.mlp.experts", louder_when_batched),
    Breakage("eager_equals_batched_experts", "qwen3_next", "layers.0.mlp.experts", louder_when_batched),
    Breakage("eager_equals_batched_experts", "mixtral", "layers.0.mlp.experts", deaf_to_one_token_when_eager),
    Breakage("eager_equals_batched_experts", "qwen3_next", "layers.0.mlp.experts", deaf_to_one_token_when_eager),
    Breakage("router_logits_and_auxiliary_loss_match_definition", "mixtral", "", router_logits_twice),
    Breakage(
        "router_logits_and_auxiliary_loss_match_definition", "qwen3_next", "layers.0.mlp.gate", weights_of_another_sum
    ),
    Breakage(
        "router_logits_and_auxiliary_loss_match_definition",
        "jamba",
        "",
        built_so(half_the_auxiliary_loss),
        "JambaForCausalLM",
    ),
    Breakage("router_logits_and_auxiliary_loss_match_definition", "nllb-moe", "", without("encoder_router_logits")),
    Breakage("deprecated_names_equal_new", "bert", "", another_name_is_forgotten),
    Breakage("deprecated_names_equal_new", "llama", "", another_name_is_forgotten),
    Breakage("deprecated_names_equal_new", "gpt2", "", an_old_name_of_another_text),
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
    Breakage("chunked_generation_equals_whole", "gpt2", "", cache_forgets_what_it_holds, "GPT2LMHeadModel"),
    Breakage("chunked_generation_equals_whole", "llama", "", positions_start_anew, "LlamaForCausalLM"),
    Breakage("chunked_generation_equals_whole", "bamba", "", cache_forgets_what_it_holds, "BambaForCausalLM"),
    Breakage(
        "chunked_generation_equals_whole",
        "gemma3",
        "",
        kinds_are_told_of_the_first_chunk,
        "Gemma3ForConditionalGeneration",
    ),
    Breakage("chunked_generation_equals_whole", "gpt2", "", kinds_are_told_of_the_first_chunk, "GPT2LMHeadModel"),
    Breakage("generate_equals_without_cache", "gpt2", "", cache_forgets_what_it_holds, "GPT2LMHeadModel"),
    Breakage("generate_equals_without_cache", "mamba", "", cache_forgets_what_it_holds, "MambaForCausalLM"),
    Breakage("generate_equals_without_cache", "t5", "", cache_forgets_what_it_holds, "T5ForConditionalGeneration"),
    Breakage("generate_equals_without_cache", "musicgen_melody", "decoder", cache_forgets_what_it_holds),
    Breakage("generate_equals_without_cache", "gpt2", "", ends_where_no_maximum_is_set, "GPT2LMHeadModel"),
    Breakage("generate_equals_without_cache", "t5", "", ends_where_no_maximum_is_set, "T5ForConditionalGeneration"),
    *(
        Breakage("own_generate_keeps_rows_apart", model_type, "", patch, architecture)
        for model_type, architecture, patch in (
            ("parakeet_ctc", "ParakeetForCTC", writes_its_rows_in_turns),
            ("parakeet_rnnt", "ParakeetForRNNT", writes_what_it_wrote_first),
            ("whisper", "WhisperForConditionalGeneration", writes_less_each_time),
            ("informer", "InformerForPrediction", seeds_itself),
        )
    ),
    *(
        Breakage("generate_with_media_equals_forward", model_type, module, patch, architecture)
        for model_type, module, patch, architecture in (
            ("llava", "", prepares_no("pixel_values", "mm_encoder_outputs"), "LlavaForConditionalGeneration"),
            ("glmasr", "", prepares_no("input_features"), "GlmAsrForConditionalGeneration"),
            ("qwen2_vl", "", positions_of_its_first_text, "Qwen2VLForConditionalGeneration"),
            ("whisper", "model.encoder.layer_norm", output(silenced), "WhisperForConditionalGeneration"),
        )
    ),
    *(
        Breakage("objects_have_a_loss", model_type, "", patch, architecture)
        for model_type, architecture, patch in (
            ("detr", "DetrForObjectDetection", labels_changed(the_first_object_of_each_row)),
            ("yolos", "YolosForObjectDetection", labels_changed(the_first_object_of_each_row)),
            ("maskformer", "MaskFormerForInstanceSegmentation", forgets("mask_labels")),
        )
    ),
    *(
        Breakage("denoising_changes_no_other_loss", model_type, "", built_so(noisy_copies_are_seen), architecture)
        for model_type, architecture in (("rt_detr", "RTDetrForObjectDetection"), ("d_fine", "DFineForObjectDetection"))
    ),
    Breakage(
        "generation_from_embeddings_equals_tokens", "llama", "model", louder_given("inputs_embeds"), "LlamaForCausalLM"
    ),
    Breakage(
        "generation_from_embeddings_equals_tokens",
        "t5",
        "encoder",
        louder_given("inputs_embeds"),
        "T5ForConditionalGeneration",
    ),
    Breakage("num_hidden_layers_counts_its_layers", "bert", "", saying_more_layers),
    Breakage("num_hidden_layers_counts_its_layers", "convnext", "", saying_more_layers),
    Breakage("norms_see_one_place", "llama", "norm", output(the_other_row)),
    Breakage("norms_see_one_place", "dinov3_vit", "model.layer.0.layer_scale1", output(the_other_row)),
    Breakage("scores_are_scaled_by_a_size", "llama", "layers.0.self_attn", scaled_the_other_way),
    Breakage("scores_are_scaled_by_a_size", "vit", "layers.0.attention", scaled_the_other_way),
    Breakage("several_media_stay_in_order", "llava", "", images_in_turns, "LlavaForConditionalGeneration"),
    Breakage(
        "several_media_stay_in_order", "idefics3", "", chunks_are_read_backwards, "Idefics3ForConditionalGeneration"
    ),
    Breakage("several_media_stay_in_order", "dots3_note", "", rows_in_turns, "Dots3NoteForConditionalGeneration"),
    Breakage("beam_search_equals_without_cache", "gpt2", "", beams_stay_in_place, "GPT2LMHeadModel"),
    Breakage("beam_search_equals_without_cache", "mamba", "", beams_stay_in_place, "MambaForCausalLM"),
    Breakage("beam_search_equals_without_cache", "t5", "", beams_stay_in_place, "T5ForConditionalGeneration"),
    Breakage("continuous_batching_equals_generate", "llama", "model", forgets("attention_mask"), "LlamaForCausalLM"),
    Breakage(
        "continuous_batching_equals_generate", "gpt2", "transformer.h.0", output(the_next_place), "GPT2LMHeadModel"
    ),
    Breakage("beam_and_sample_keep_the_contract", "gpt2", "", rows_in_turns, "GPT2LMHeadModel"),
    Breakage("beam_and_sample_keep_the_contract", "t5", "", rows_in_turns, "T5ForConditionalGeneration"),
    Breakage("beam_and_sample_keep_the_contract", "llama", "", scores_of_another_length, "LlamaForCausalLM"),
    Breakage("assisted_equals_greedy", "gpt2", "", drafts_are_taken_back_from_the_front, "GPT2LMHeadModel"),
    Breakage("assisted_equals_greedy", "t5", "", drafts_are_taken_back_from_the_front, "T5ForConditionalGeneration"),
    *(
        Breakage("generate_in_train_mode_with_checkpointing", model_type, "", built_so(patch), architecture)
        for model_type, architecture, patch in (
            ("llama", "LlamaForCausalLM", reads_no_cache_in_train_mode),
            ("bamba", "BambaForCausalLM", reads_no_cache_in_train_mode),
            ("t5", "T5ForConditionalGeneration", in_eval_mode_from_then_on),
        )
    ),
    Breakage("left_padded_generation_equals_unpadded", "llama", "", forgets("attention_mask"), "LlamaForCausalLM"),
    Breakage("left_padded_generation_equals_unpadded", "gpt2", "", forgets("position_ids"), "GPT2LMHeadModel"),
    Breakage("left_padded_generation_equals_unpadded", "mamba", "", forgets("attention_mask"), "MambaForCausalLM"),
    Breakage("audio_length_arithmetic", "parakeet_encoder", "", a_begun_place_is_uncounted),
    Breakage("audio_length_arithmetic", "speech_to_text", "encoder.conv.conv_layers.1", without_padding),
    Breakage("audio_length_arithmetic", "wav2vec2-bert", "", a_place_too_few_is_masked),
    Breakage("audio_length_arithmetic", "parakeet_encoder", "", a_place_too_few_is_masked),
    Breakage("sound_padding_is_hidden", "parakeet_encoder", "", forgets("attention_mask")),
    Breakage("sound_padding_is_hidden", "wav2vec2-bert", "", forgets("attention_mask"), "Wav2Vec2BertForCTC"),
    Breakage("sound_padding_is_hidden", "canary", "", forgets("attention_mask")),
    Breakage("sound_padding_is_hidden", "parakeet_encoder", "", nothing_is_no_number_when_eager),
    Breakage("sound_padding_is_hidden", "wav2vec2-bert", "", nothing_is_no_number_when_eager, "Wav2Vec2BertForCTC"),
    Breakage("time_series_scaling_is_undone", "patchtst", "", built_so(a_series_unscaled)),
    Breakage("time_series_scaling_is_undone", "time_series_transformer", "", built_so(a_width_of_another_scale)),
    Breakage("time_series_scaling_is_undone", "timesfm", "", one_more("mean_predictions"), "TimesFmModelForPrediction"),
    Breakage("detection_postprocess_within_image", "owlvit", "", one_more("pred_boxes"), "OwlViTForObjectDetection"),
    Breakage("detection_postprocess_within_image", "yolos", "", one_more("pred_boxes"), "YolosForObjectDetection"),
    *(
        Breakage("segmentation_postprocess_sizes", model_type, "", a_class_that_there_is_not(field, axis), architecture)
        for model_type, architecture, field, axis in (
            ("segformer", "SegformerForSemanticSegmentation", "logits", 1),
            ("maskformer", "MaskFormerForInstanceSegmentation", "class_queries_logits", 2),
        )
    ),
    Breakage("depth_and_keypoint_scales", "superpoint", "", one_more("keypoints")),
    Breakage("depth_and_keypoint_scales", "superglue", "", one_more("keypoints")),
    *(
        Breakage(check, model_type, kind, answering(edit))
        for check, model_type, kind, edit in (
            ("image_processor_batch_equals_single", "vit", "image_processor", beside_others_louder),
            ("image_processor_batch_equals_single", "qwen2_vl", "image_processor", beside_others_louder),
            ("image_processor_batch_equals_single", "segformer", "image_processor", mirrored_of_pil_images),
            ("feature_extractor_lengths_and_masks", "whisper", "feature_extractor", beside_others_louder),
            ("feature_extractor_lengths_and_masks", "wav2vec2", "feature_extractor", a_mask_of_all),
            ("single_equals_list_of_one", "detr", "image_processor", alone_louder),
            ("single_equals_list_of_one", "clip", "image_processor", alone_louder),
            ("single_equals_list_of_one", "hubert", "feature_extractor", alone_louder),
        )
    ),
    Breakage("every_argument_has_an_effect", "vit", "image_processor", without_argument("do_resize")),
    Breakage("every_argument_has_an_effect", "clip", "image_processor", without_argument("image_std")),
    Breakage("every_argument_has_an_effect", "qwen2_vl", "image_processor", without_argument("merge_size")),
    Breakage("every_argument_has_an_effect", "whisper", "feature_extractor", without_argument("truncation")),
    Breakage("every_argument_has_an_effect", "parakeet_ctc", "feature_extractor", without_argument("padding")),
    Breakage("every_argument_has_an_effect", "chameleon", "processor", without_argument("return_for_text_completion")),
    Breakage("every_argument_has_an_effect", "sam", "processor", without_argument("point_pad_value")),
    Breakage("every_argument_has_an_effect", "bert", "tokenizer", deaf_to("stride")),
    Breakage("every_argument_has_an_effect", "gpt2", "tokenizer", deaf_to("return_offsets_mapping")),
    Breakage("every_argument_has_an_effect", "t5", "tokenizer", deaf_to("pad_to_multiple_of")),
    Breakage("every_argument_has_an_effect", "encodec", "feature_extractor", without_argument("truncation")),
    Breakage("every_argument_has_an_effect", "univnet", "feature_extractor", without_argument("pad_end")),
    Breakage("feature_extractor_lengths_and_masks", "encodec", "feature_extractor", any_rate_is_taken),
    Breakage("feature_extractor_lengths_and_masks", "clvp", "feature_extractor", true_taken_for_the_most),
    Breakage("encoder_decoder_consistency", "t5", "", louder_where_encoded, "T5Model"),
    Breakage("encoder_decoder_consistency", "whisper", "", louder_where_encoded, "WhisperForConditionalGeneration"),
    Breakage("encoder_decoder_consistency", "bart", "", tokens_of_labels_unshifted, "BartForConditionalGeneration"),
    Breakage("cross_attention_mask_hides_padding", "marian", "decoder", forgets("encoder_attention_mask")),
    Breakage("cross_attention_mask_hides_padding", "marian", "decoder", forgets("encoder_hidden_states")),
    Breakage("cross_attention_mask_hides_padding", "instructblip_qformer", "", forgets("encoder_attention_mask")),
    Breakage("rope_types_agree", "llama", "", built_so(the_default_rope_whatever_is_asked)),
    Breakage("rope_types_agree", "gpt_neox", "", built_so(a_rope_that_stays_long)),
    Breakage("rope_types_agree", "modernbert", "", built_so(the_default_rope_whatever_is_asked)),
    Breakage("rope_types_agree", "llama", "", built_so(turned_by_other_lengths)),
    Breakage("rope_types_agree", "gpt_neox", "", built_so(turned_by_other_lengths)),
    Breakage("rope_types_agree", "bamba", "", built_so(always_half_of_a_head_turned)),
    Breakage("rope_types_agree", "glm", "", built_so(always_half_of_a_head_turned)),
    Breakage("rope_types_agree", "phi3", "", built_so(crosses_with_one_token), "Phi3ForCausalLM"),
    *(
        Breakage("generation_options_keep_their_contract", model_type, "", generating_without(kind), architecture)
        for model_type, architecture, kind in (
            ("llama", "LlamaForCausalLM", NoBadWordsLogitsProcessor),
            ("gpt2", "GPT2LMHeadModel", RepetitionPenaltyLogitsProcessor),
            ("mamba", "MambaForCausalLM", TopPLogitsWarper),
            ("llama", "LlamaForCausalLM", TypicalLogitsWarper),
            ("gpt2", "GPT2LMHeadModel", EtaLogitsWarper),
        )
    ),
    Breakage("tokenizer_encode_decode", "bert", "tokenizer", deaf_to("padding_side")),
    Breakage("tokenizer_encode_decode", "gpt2", "tokenizer", a_letter_lost),
    Breakage("tokenizer_encode_decode", "t5", "tokenizer", special_tokens_never_skipped),
    Breakage("tokenizer_encode_decode", "ctrl", "tokenizer", deaf_to("truncation_strategy")),
    *(
        Breakage("media_token_count_matches_model", model_type, "processor", a_placeholder_more(field))
        for model_type, field in (("llava", "num_additional_image_tokens"), ("idefics3", "image_seq_len"))
    ),
    Breakage("chat_template_renders", "gpt2", "tokenizer", template_without("add_generation_prompt")),
    Breakage("chat_template_renders", "bert", "tokenizer", template_without("tools")),
    Breakage("chat_template_renders", "gpt2", "tokenizer", what_is_none_written),
    Breakage("chat_template_renders", "llava", "processor", masked_before_images),
    Breakage("processor_roundtrip", "bert", "tokenizer", saved_without("padding_side")),
    Breakage("processor_roundtrip", "wav2vec2", "tokenizer", saved_without("word_delimiter_token")),
    Breakage("processor_roundtrip", "t5", "tokenizer", changed_by_saving),
    Breakage("processor_roundtrip", "clip", "processor", saved_as_another),
    *(
        Breakage("pipeline_runs", model_type, "", patch, architecture, task)
        for task, model_type, architecture in (*SERVED, *OF_VIDEOS)
        for patch in (out_of_form, another_in_a_list)
    ),
    *(
        Breakage(IN_BFLOAT16, model_type, "", out_of_form, architecture, task)
        for task, model_type, architecture in (*SERVED, *OF_VIDEOS, *OF_TABLES)
        if task.split("-")[-1] in ("answering", "matching", "classification", "mask", "segmentation")
    ),
    *(
        Breakage("pipeline_runs", model_type, "", always_as_at_first, architecture, task)
        for task, model_type, architecture in SERVED
        if task in ("fill-mask", "text-generation", "depth-estimation", "audio-classification")
    ),
    *(
        Breakage("pipeline_follows_its_parameters", model_type, "", deaf_to_parameters, architecture, task)
        for task, model_type, architecture in (*SERVED, *OF_KEYPOINTS, *OF_VIDEOS)
        if task in CHECKS["pipeline_follows_its_parameters"].axes["task"] and model_type not in ("beit", "whisper")
    ),
    Breakage("every_parameter_matters", "bert", "encoder.layer.0.intermediate", output(silenced)),
    Breakage("every_parameter_matters", "llama", "layers.0.self_attn.q_proj", output(silenced)),
    Breakage("every_parameter_matters", "vit", "layers.0.mlp.fc1", output(silenced)),
    Breakage("every_input_matters", "layoutlm", "", forgets("bbox")),
    Breakage("every_input_matters", "vit", "embeddings.patch_embeddings", output(silenced)),
    Breakage("every_input_matters", "whisper", "encoder.layer_norm", output(silenced)),
    Breakage("configuration_changes_do_as_recorded", "mamba", "", unread("use_bias")),
    Breakage("configuration_changes_do_as_recorded", "vit", "", unread("qkv_bias")),
    Breakage("configuration_changes_do_as_recorded", "falcon", "", stopped_where_it_has("bias")),
    Breakage("compiled_equals_eager", "bert", "encoder.layer.0.output", louder_compiled),
    Breakage("compiled_equals_eager", "vit", "layers.0.mlp.fc1", louder_compiled),
    Breakage("compiled_equals_eager", "vit", "layers.0.mlp.fc1", half_the_gradient_compiled),
    Breakage("compiles_fullgraph", "gpt2", "h.0.mlp", a_batch_of_three_apart),
    Breakage("compiles_fullgraph", "vit", "layers.0.mlp.fc1", a_batch_of_three_apart),
    Breakage("compiles_fullgraph", "vit", "layers.0.mlp.fc1", louder_compiled),
    Breakage("compiles_fullgraph", "swin", "layernorm", a_batch_of_three_apart),
    Breakage("exported_equals_eager", "bert", "encoder.layer.0.output", louder_compiled),
    Breakage("exported_equals_eager", "vit", "layers.0.mlp.fc1", louder_compiled),
    Breakage("exported_equals_eager", "mistral", "layers.0.self_attn", another_token_kept_compiled),
    Breakage("tensor_parallel_equals_single", "llama", "layers.0.mlp", louder_whole),
    Breakage("tensor_parallel_equals_single", "eurobert", "layers.0.mlp", louder_whole),
    Breakage("quantised_load_stays_close", "llama", "layers.0.mlp", output(silenced)),
    Breakage("quantised_load_stays_close", "vit", "layers.0.mlp", output(silenced)),
)
