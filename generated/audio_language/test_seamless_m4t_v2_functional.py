# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate seamless_m4t_v2`.
"""seamless_m4t_v2: functional tests of its architectures.

SeamlessM4Tv2Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="seamless_m4t_v2", tier="functional")


@pytest.mark.hfci(
    architecture=None,
    family="audio_language",
)
class TestModelType:
    """Processors: tokenizer, feature_extractor."""

    @pytest.mark.parametrize(
        "check",
        [
            "tokenizer_encode_decode",
            "processor_roundtrip",
            "chat_template_renders",
            "feature_extractor_lengths_and_masks",
            "single_equals_list_of_one",
            "every_argument_has_an_effect",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="SeamlessM4Tv2Model",
    family="audio_language",
)
class TestSeamlessM4Tv2Model:
    """Family: language model that listens.

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
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "cache_equals_no_cache",
            "chunked_prefill_equals_whole",
            "reset_cache_is_new",
            "generate_equals_without_cache",
            "own_generate_keeps_rows_apart",
            "generate_with_media_equals_forward",
            "beam_search_equals_without_cache",
            "beam_and_sample_keep_the_contract",
            "assisted_equals_greedy",
            "generate_in_train_mode_with_checkpointing",
            "encoder_decoder_consistency",
            "every_output_flag_fills_its_field",
            "norms_see_one_place",
            "scores_are_scaled_by_a_size",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "cross_modal_inputs_matter",
            "wrong_placeholder_count_is_refused",
            "text_past_its_maximum_is_refused",
            "undivided_heads_are_refused",
            "sound_padding_is_hidden",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="SeamlessM4Tv2ForTextToText",
    family="text_encoder_decoder",
)
class TestSeamlessM4Tv2ForTextToText:
    """Family: text encoder-decoder.

    Auto classes:
    - AutoModelForSeq2SeqLM
    """

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import SeamlessM4Tv2ForTextToText

        assert type(tiny.model) is SeamlessM4Tv2ForTextToText
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        text = tiny.config.get_text_config(decoder=True)
        batch, length = inputs["decoder_input_ids"].shape[:2]
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
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "cache_equals_no_cache",
            "chunked_prefill_equals_whole",
            "reset_cache_is_new",
            "generate_equals_without_cache",
            "own_generate_keeps_rows_apart",
            "beam_search_equals_without_cache",
            "beam_and_sample_keep_the_contract",
            "assisted_equals_greedy",
            "generate_in_train_mode_with_checkpointing",
            "encoder_decoder_consistency",
            "cross_attention_mask_hides_padding",
            "every_output_flag_fills_its_field",
            "length_one_and_batch_one_run",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "inputs_embeds_equal_input_ids",
            "generation_from_embeddings_equals_tokens",
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
    architecture="SeamlessM4Tv2ForSpeechToText",
    family="speech_encoder_decoder",
)
class TestSeamlessM4Tv2ForSpeechToText:
    """Family: speech encoder-decoder.

    Auto classes:
    - AutoModelForSpeechSeq2Seq
    """

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import SeamlessM4Tv2ForSpeechToText

        assert type(tiny.model) is SeamlessM4Tv2ForSpeechToText
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        text = tiny.config.get_text_config(decoder=True)
        batch, length = inputs["decoder_input_ids"].shape[:2]
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
            "causal_mask_hides_future",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "cache_equals_no_cache",
            "chunked_prefill_equals_whole",
            "reset_cache_is_new",
            "generate_equals_without_cache",
            "own_generate_keeps_rows_apart",
            "generate_with_media_equals_forward",
            "beam_search_equals_without_cache",
            "beam_and_sample_keep_the_contract",
            "assisted_equals_greedy",
            "generate_in_train_mode_with_checkpointing",
            "encoder_decoder_consistency",
            "every_output_flag_fills_its_field",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "text_past_its_maximum_is_refused",
            "undivided_heads_are_refused",
            "sound_padding_is_hidden",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
            "pipeline_runs[task=automatic-speech-recognition]",
            "pipeline_runs_in_bfloat16[task=automatic-speech-recognition]",
            "pipeline_follows_its_parameters[task=automatic-speech-recognition]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="SeamlessM4Tv2ForTextToSpeech",
    family="text_encoder_decoder",
)
class TestSeamlessM4Tv2ForTextToSpeech:
    """Family: text encoder-decoder.

    Auto classes:
    - AutoModelForTextToWaveform
    """

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import SeamlessM4Tv2ForTextToSpeech

        assert type(tiny.model) is SeamlessM4Tv2ForTextToSpeech
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny, use_cache=True)
        batch, length = inputs["decoder_input_ids"].shape
        encoder = tiny.config
        assert outputs.encoder_last_hidden_state.shape == (*inputs["input_ids"].shape, encoder.hidden_size)
        decoder = tiny.config
        assert outputs.logits.shape == (batch, length, decoder.vocab_size)
        assert outputs.cache.get_seq_length() == length
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
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "cache_equals_no_cache",
            "chunked_prefill_equals_whole",
            "reset_cache_is_new",
            "generate_equals_without_cache",
            "own_generate_keeps_rows_apart",
            "beam_search_equals_without_cache",
            "beam_and_sample_keep_the_contract",
            "assisted_equals_greedy",
            "generate_in_train_mode_with_checkpointing",
            "encoder_decoder_consistency",
            "cross_attention_mask_hides_padding",
            "every_output_flag_fills_its_field",
            "length_one_and_batch_one_run",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "inputs_embeds_equal_input_ids",
            "generation_from_embeddings_equals_tokens",
            "positions_matter",
            "every_token_id_runs",
            "text_past_its_maximum_is_refused",
            "undivided_heads_are_refused",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
            "pipeline_runs[task=text-to-audio]",
            "pipeline_runs_in_bfloat16[task=text-to-audio]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="SeamlessM4Tv2ForSpeechToSpeech",
    family="speech_encoder_decoder",
)
class TestSeamlessM4Tv2ForSpeechToSpeech:
    """Family: speech encoder-decoder."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import SeamlessM4Tv2ForSpeechToSpeech

        assert type(tiny.model) is SeamlessM4Tv2ForSpeechToSpeech
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch, length = inputs["decoder_input_ids"].shape[:2]
        decoder = tiny.config.get_text_config(decoder=True)
        assert outputs.encoder_last_hidden_state.shape[0] == batch
        assert outputs.logits.shape == (batch, length, decoder.vocab_size)
        assert outputs.cache.get_seq_length() == length
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
            "tied_weights_stay_tied",
            "old_checkpoint_layout_loads_whole",
            "resize_embeddings_keeps_rows",
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "causal_mask_hides_future",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "cache_equals_no_cache",
            "chunked_prefill_equals_whole",
            "reset_cache_is_new",
            "generate_equals_without_cache",
            "own_generate_keeps_rows_apart",
            "generate_with_media_equals_forward",
            "beam_search_equals_without_cache",
            "beam_and_sample_keep_the_contract",
            "assisted_equals_greedy",
            "generate_in_train_mode_with_checkpointing",
            "encoder_decoder_consistency",
            "every_output_flag_fills_its_field",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "text_past_its_maximum_is_refused",
            "undivided_heads_are_refused",
            "sound_padding_is_hidden",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
