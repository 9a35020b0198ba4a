# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate qwen3_omni_moe`.
"""qwen3_omni_moe: functional tests of its architectures.

Qwen3OmniMoeForConditionalGeneration has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="qwen3_omni_moe", tier="functional")


@pytest.mark.hfci(
    architecture=None,
    family="omni",
)
class TestModelType:
    """Processors: processor, tokenizer, image_processor, feature_extractor, video_processor."""

    @pytest.mark.parametrize(
        "check",
        [
            "tokenizer_encode_decode",
            "processor_roundtrip",
            "chat_template_renders",
            "image_processor_batch_equals_single",
            "feature_extractor_lengths_and_masks",
            "single_equals_list_of_one",
            "every_argument_has_an_effect",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Qwen3OmniMoeForConditionalGeneration",
    family="omni",
)
class TestQwen3OmniMoeForConditionalGeneration:
    """Family: model of text, images and audio.

    Auto classes:
    - AutoModelForMultimodalLM
    - AutoModelForTextToWaveform
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
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "causal_mask_hides_future",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "eager_equals_batched_experts",
            "generate_equals_without_cache",
            "own_generate_keeps_rows_apart",
            "norms_see_one_place",
            "scores_are_scaled_by_a_size",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "undivided_heads_are_refused",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
            "pipeline_runs[task=any-to-any]",
            "pipeline_runs[task=text-to-audio]",
            "pipeline_runs_in_bfloat16[task=any-to-any]",
            "pipeline_runs_in_bfloat16[task=text-to-audio]",
            "pipeline_follows_its_parameters[task=any-to-any]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Qwen3OmniMoeTalkerForConditionalGeneration",
    family="audio_generation",
)
class TestQwen3OmniMoeTalkerForConditionalGeneration:
    """Family: text to audio model."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import Qwen3OmniMoeTalkerForConditionalGeneration

        assert type(tiny.model) is Qwen3OmniMoeTalkerForConditionalGeneration
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch, length = inputs["inputs_embeds"].shape[:2]
        config = tiny.config
        assert outputs.logits.shape == (
            batch,
            length,
            config.text_config.vocab_size,
        )
        checks.forward_is_finite(tiny)

    @pytest.mark.parametrize(
        "check",
        [
            "unequal_images_equal_alone",
            "saves_with_size_one",
            "golden_output",
            "gradient_checkpointing_equals_plain",
            "dropout_is_off_in_eval_and_on_in_train",
            "config_roundtrip",
            "missing_key_is_initialised",
            "moves_to_meta_and_back",
            "device_equals_cpu",
            "tied_weights_stay_tied",
            "old_checkpoint_layout_loads_whole",
            "resize_embeddings_keeps_rows",
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "attention_mask_hides_padding",
            "causal_mask_hides_future",
            "sliding_window_is_as_wide_as_declared",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "eager_equals_batched_experts",
            "router_logits_and_auxiliary_loss_match_definition",
            "cache_equals_no_cache",
            "chunked_prefill_equals_whole",
            "reset_cache_is_new",
            "static_cache_equals_dynamic",
            "generate_equals_without_cache",
            "every_output_flag_fills_its_field",
            "length_one_and_batch_one_run",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "inputs_embeds_equal_input_ids",
            "explicit_positions_equal_default",
            "positions_matter",
            "every_token_id_runs",
            "text_past_its_maximum_is_refused",
            "undivided_heads_are_refused",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Qwen3OmniMoeCode2Wav",
    family="audio_generation",
)
class TestQwen3OmniMoeCode2Wav:
    """Family: text to audio model."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import Qwen3OmniMoeCode2Wav

        assert type(tiny.model) is Qwen3OmniMoeCode2Wav
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch, _, samples = inputs["codes"].shape
        for ratio in tiny.config.upsampling_ratios:
            samples *= ratio
        for rate in tiny.config.upsample_rates:
            samples = (samples - 1) * rate  # each of these convolutions cuts a step off
        assert outputs.shape == (batch, 1, samples)
        checks.forward_is_finite(tiny)

    @pytest.mark.parametrize(
        "check",
        [
            "saves_with_size_one",
            "golden_output",
            "gradient_checkpointing_equals_plain",
            "dropout_is_off_in_eval_and_on_in_train",
            "config_roundtrip",
            "missing_key_is_initialised",
            "moves_to_meta_and_back",
            "device_equals_cpu",
            "old_checkpoint_layout_loads_whole",
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "sliding_window_is_as_wide_as_declared",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "eager_equals_batched_experts",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "undivided_heads_are_refused",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Qwen3OmniMoeCode2WavTransformerModel",
    family="audio_generation",
)
class TestQwen3OmniMoeCode2WavTransformerModel:
    """Family: text to audio model."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import Qwen3OmniMoeCode2WavTransformerModel

        assert type(tiny.model) is Qwen3OmniMoeCode2WavTransformerModel
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch, length = inputs["inputs_embeds"].shape[:2]
        config = tiny.config
        assert outputs.last_hidden_state.shape == (
            batch,
            length,
            config.hidden_size,
        )
        checks.forward_is_finite(tiny)

    @pytest.mark.parametrize(
        "check",
        [
            "saves_with_size_one",
            "golden_output",
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
            "sliding_window_is_as_wide_as_declared",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "eager_equals_batched_experts",
            "cache_equals_no_cache",
            "chunked_prefill_equals_whole",
            "reset_cache_is_new",
            "every_output_flag_fills_its_field",
            "length_one_and_batch_one_run",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "inputs_embeds_equal_input_ids",
            "explicit_positions_equal_default",
            "rotary_places_are_relative",
            "positions_matter",
            "packed_equals_separate",
            "rope_types_agree",
            "every_token_id_runs",
            "text_past_its_maximum_is_refused",
            "undivided_heads_are_refused",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
