# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate internvl`.
"""internvl: functional tests of its architectures.

InternVLModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="internvl", tier="functional")


@pytest.mark.hfci(
    architecture=None,
    family="vision_language",
)
class TestModelType:
    """Processors: processor, tokenizer, image_processor, video_processor."""

    @pytest.mark.parametrize(
        "check",
        [
            "tokenizer_encode_decode",
            "processor_roundtrip",
            "media_token_count_matches_model",
            "chat_template_renders",
            "image_processor_batch_equals_single",
            "single_equals_list_of_one",
            "every_argument_has_an_effect",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="InternVLModel",
    family="vision_language",
)
class TestInternVLModel:
    """Family: language model that sees.

    Auto classes:
    - AutoModel
    """

    @pytest.mark.parametrize(
        "check",
        [
            "saves_with_size_one",
            "gradient_checkpointing_equals_plain",
            "dropout_is_off_in_eval_and_on_in_train",
            "config_roundtrip",
            "missing_key_is_initialised",
            "moves_to_meta_and_back",
            "device_equals_cpu",
            "old_checkpoint_layout_loads_whole",
            "resize_embeddings_keeps_rows",
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "attention_mask_hides_padding",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "eager_equals_batched_experts",
            "cache_equals_no_cache",
            "chunked_prefill_equals_whole",
            "reset_cache_is_new",
            "static_cache_equals_dynamic",
            "every_output_flag_fills_its_field",
            "num_hidden_layers_counts_its_layers",
            "norms_see_one_place",
            "scores_are_scaled_by_a_size",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "cross_modal_inputs_matter",
            "media_features_fit_their_items",
            "wrong_placeholder_count_is_refused",
            "text_past_its_maximum_is_refused",
            "undivided_heads_are_refused",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
            "pipeline_runs[task=feature-extraction]",
            "pipeline_runs_in_bfloat16[task=feature-extraction]",
            "pipeline_follows_its_parameters[task=feature-extraction]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="InternVLForConditionalGeneration",
    family="vision_language",
)
class TestInternVLForConditionalGeneration:
    """Family: language model that sees.

    Auto classes:
    - AutoModelForImageTextToText
    - AutoModelForMultimodalLM
    """

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import InternVLForConditionalGeneration

        assert type(tiny.model) is InternVLForConditionalGeneration
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        text = tiny.config.get_text_config(decoder=True)
        batch, length = inputs["input_ids"].shape[:2]
        assert outputs.logits.shape == (batch, length, text.vocab_size)
        checks.forward_is_finite(tiny)

    @pytest.mark.parametrize(
        "check",
        [
            "saves_with_size_one",
            "golden_output",
            "loss_matches_definition",
            "gradient_checkpointing_equals_plain",
            "training_step_lowers_loss",
            "frozen_base_trains_head",
            "dropout_is_off_in_eval_and_on_in_train",
            "config_roundtrip",
            "missing_key_is_initialised",
            "moves_to_meta_and_back",
            "device_equals_cpu",
            "tied_weights_stay_tied",
            "old_checkpoint_layout_loads_whole",
            "base_model_loads_into_head_and_back",
            "resize_embeddings_keeps_rows",
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "attention_mask_hides_padding",
            "causal_mask_hides_future",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "eager_equals_batched_experts",
            "cache_equals_no_cache",
            "chunked_prefill_equals_whole",
            "reset_cache_is_new",
            "static_cache_equals_dynamic",
            "generate_equals_without_cache",
            "generate_with_media_equals_forward",
            "several_media_stay_in_order",
            "beam_search_equals_without_cache",
            "beam_and_sample_keep_the_contract",
            "assisted_equals_greedy",
            "generate_in_train_mode_with_checkpointing",
            "chunked_generation_equals_whole",
            "left_padded_generation_equals_unpadded",
            "every_output_flag_fills_its_field",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "cross_modal_inputs_matter",
            "media_features_fit_their_items",
            "wrong_placeholder_count_is_refused",
            "text_past_its_maximum_is_refused",
            "undivided_heads_are_refused",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
            "pipeline_runs[task=image-text-to-text]",
            "pipeline_runs[task=decision]",
            "pipeline_runs[task=any-to-any]",
            "pipeline_runs_in_bfloat16[task=image-text-to-text]",
            "pipeline_runs_in_bfloat16[task=decision]",
            "pipeline_runs_in_bfloat16[task=any-to-any]",
            "pipeline_follows_its_parameters[task=image-text-to-text]",
            "pipeline_follows_its_parameters[task=any-to-any]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
