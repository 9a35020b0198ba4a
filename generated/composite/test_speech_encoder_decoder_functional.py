# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate speech-encoder-decoder`.
"""speech-encoder-decoder: functional tests of its architectures.

SpeechEncoderDecoderModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="speech-encoder-decoder", tier="functional")


@pytest.mark.hfci(
    architecture="SpeechEncoderDecoderModel",
    family="composite",
)
class TestSpeechEncoderDecoderModel:
    """Family: model composed of two others.

    Auto classes:
    - AutoModelForSpeechSeq2Seq
    """

    @pytest.mark.parametrize(
        "check",
        [
            "saves_with_size_one",
            "loss_matches_definition",
            "gradient_checkpointing_equals_plain",
            "training_step_lowers_loss",
            "dropout_is_off_in_eval_and_on_in_train",
            "config_roundtrip",
            "missing_key_is_initialised",
            "moves_to_meta_and_back",
            "device_equals_cpu",
            "parts_loaded_apart_make_the_whole",
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
