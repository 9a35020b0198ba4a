# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate rag`.
"""rag: functional tests of its architectures.

RagModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="rag", tier="functional")


@pytest.mark.hfci(
    architecture=None,
    family="text_encoder_decoder",
)
class TestModelType:
    """Processors: tokenizer."""

    @pytest.mark.parametrize(
        "check",
        [
            "tokenizer_encode_decode",
            "processor_roundtrip",
            "chat_template_renders",
            "every_argument_has_an_effect",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="RagModel",
    family="text_encoder_decoder",
)
class TestRagModel:
    """Family: text encoder-decoder."""

    @pytest.mark.parametrize(
        "check",
        [
            "saves_with_size_one",
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
            "attention_mask_hides_padding",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "cross_attention_mask_hides_padding",
            "norms_see_one_place",
            "scores_are_scaled_by_a_size",
            "length_one_and_batch_one_run",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
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
    architecture="RagSequenceForGeneration",
    family="text_encoder_decoder",
)
class TestRagSequenceForGeneration:
    """Family: text encoder-decoder."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import RagSequenceForGeneration

        assert type(tiny.model) is RagSequenceForGeneration
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny, use_cache=True)
        batch, length = inputs["decoder_input_ids"].shape
        batch *= tiny.config.n_docs  # each row is generated beside each document
        decoder = tiny.config.generator
        assert outputs.logits.shape == (batch, length, decoder.vocab_size)
        assert outputs.cache.get_seq_length() == length
        checks.forward_is_finite(tiny)

    @pytest.mark.parametrize(
        "check",
        [
            "saves_with_size_one",
            "golden_output",
            "dropout_is_off_in_eval_and_on_in_train",
            "config_roundtrip",
            "missing_key_is_initialised",
            "moves_to_meta_and_back",
            "device_equals_cpu",
            "parts_loaded_apart_make_the_whole",
            "old_checkpoint_layout_loads_whole",
            "base_model_loads_into_head_and_back",
            "resize_embeddings_keeps_rows",
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "attention_mask_hides_padding",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "own_generate_keeps_rows_apart",
            "length_one_and_batch_one_run",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
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
    architecture="RagTokenForGeneration",
    family="text_encoder_decoder",
)
class TestRagTokenForGeneration:
    """Family: text encoder-decoder."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import RagTokenForGeneration

        assert type(tiny.model) is RagTokenForGeneration
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny, use_cache=True)
        batch, length = inputs["decoder_input_ids"].shape
        batch *= tiny.config.n_docs  # each row is generated beside each document
        decoder = tiny.config.generator
        assert outputs.logits.shape == (batch, length, decoder.vocab_size)
        assert outputs.cache.get_seq_length() == length
        checks.forward_is_finite(tiny)

    @pytest.mark.parametrize(
        "check",
        [
            "saves_with_size_one",
            "golden_output",
            "dropout_is_off_in_eval_and_on_in_train",
            "config_roundtrip",
            "missing_key_is_initialised",
            "moves_to_meta_and_back",
            "device_equals_cpu",
            "parts_loaded_apart_make_the_whole",
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
            "cache_equals_no_cache",
            "chunked_prefill_equals_whole",
            "reset_cache_is_new",
            "generate_equals_without_cache",
            "own_generate_keeps_rows_apart",
            "beam_search_equals_without_cache",
            "beam_and_sample_keep_the_contract",
            "assisted_equals_greedy",
            "encoder_decoder_consistency",
            "length_one_and_batch_one_run",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
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
