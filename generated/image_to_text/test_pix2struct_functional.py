# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate pix2struct`.
"""pix2struct: functional tests of its architectures.

Pix2StructForConditionalGeneration has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="pix2struct", tier="functional")


@pytest.mark.hfci(
    architecture=None,
    family="image_to_text",
)
class TestModelType:
    """Processors: processor, tokenizer, image_processor."""

    @pytest.mark.parametrize(
        "check",
        [
            "tokenizer_encode_decode",
            "processor_roundtrip",
            "chat_template_renders",
            "image_processor_batch_equals_single",
            "single_equals_list_of_one",
            "every_argument_has_an_effect",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Pix2StructForConditionalGeneration",
    family="image_to_text",
)
class TestPix2StructForConditionalGeneration:
    """Family: image to text model.

    Auto classes:
    - AutoModelForImageTextToText
    - AutoModelForMultimodalLM
    """

    @pytest.mark.parametrize(
        "check",
        [
            "saves_with_size_one",
            "loss_matches_definition",
            "training_step_lowers_loss",
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
            "encoder_decoder_consistency",
            "every_output_flag_fills_its_field",
            "norms_see_one_place",
            "scores_are_scaled_by_a_size",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "text_past_its_maximum_is_refused",
            "undivided_heads_are_refused",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
            "pipeline_runs[task=image-text-to-text]",
            "pipeline_runs[task=any-to-any]",
            "pipeline_runs_in_bfloat16[task=image-text-to-text]",
            "pipeline_runs_in_bfloat16[task=any-to-any]",
            "pipeline_follows_its_parameters[task=image-text-to-text]",
            "pipeline_follows_its_parameters[task=any-to-any]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
