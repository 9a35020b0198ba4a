# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate blip-2`.
"""blip-2: functional tests of its architectures.

Blip2Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="blip-2", tier="functional")


@pytest.mark.hfci(
    architecture=None,
    family="vision_language",
)
class TestModelType:
    """Processors: processor, tokenizer, image_processor."""

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
    architecture="Blip2Model",
    family="vision_language",
)
class TestBlip2Model:
    """Family: language model that sees.

    Auto classes:
    - AutoModel
    """

    @pytest.mark.parametrize(
        "check",
        [
            "places_of_patches_are_interpolated",
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
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Blip2ForConditionalGeneration",
    family="vision_language",
)
class TestBlip2ForConditionalGeneration:
    """Family: language model that sees.

    Auto classes:
    - AutoModelForImageTextToText
    - AutoModelForMultimodalLM
    - AutoModelForVisualQuestionAnswering
    """

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import Blip2ForConditionalGeneration

        assert type(tiny.model) is Blip2ForConditionalGeneration
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
            "causal_mask_hides_future",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "eager_equals_batched_experts",
            "generate_equals_without_cache",
            "own_generate_keeps_rows_apart",
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
            "pipeline_runs[task=any-to-any]",
            "pipeline_runs_in_bfloat16[task=image-text-to-text]",
            "pipeline_runs_in_bfloat16[task=any-to-any]",
            "pipeline_follows_its_parameters[task=image-text-to-text]",
            "pipeline_follows_its_parameters[task=any-to-any]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Blip2ForImageTextRetrieval",
    family="vision_text_dual",
)
class TestBlip2ForImageTextRetrieval:
    """Family: image and text encoder pair.

    Auto classes:
    - AutoModelForZeroShotImageClassification
    """

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import Blip2ForImageTextRetrieval

        assert type(tiny.model) is Blip2ForImageTextRetrieval
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        images, texts = next(iter(inputs.values())).shape[0], inputs["input_ids"].shape[0]
        assert outputs.logits_per_image.shape == (images, texts)
        assert outputs.logits_per_text.shape == (texts, images)
        assert outputs.image_embeds.shape[0] == images
        assert outputs.text_embeds.shape[0] == texts
        assert outputs.image_embeds.shape[-1] == outputs.text_embeds.shape[-1]
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
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "eager_equals_batched_experts",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "cross_modal_inputs_matter",
            "wrong_placeholder_count_is_refused",
            "text_past_its_maximum_is_refused",
            "undivided_heads_are_refused",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
            "pipeline_runs[task=zero-shot-image-classification]",
            "pipeline_runs_in_bfloat16[task=zero-shot-image-classification]",
            "pipeline_follows_its_parameters[task=zero-shot-image-classification]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Blip2VisionModelWithProjection",
    family="vision",
)
class TestBlip2VisionModelWithProjection:
    """Family: image model."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import Blip2VisionModelWithProjection

        assert type(tiny.model) is Blip2VisionModelWithProjection
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch = next(value.shape[0] for value in inputs.values() if hasattr(value, "shape"))
        config = tiny.config
        assert outputs.image_embeds.shape == (
            batch,
            config.num_query_tokens,
            config.image_text_hidden_size,
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
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "eager_equals_batched_experts",
            "every_output_flag_fills_its_field",
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
    architecture="Blip2TextModelWithProjection",
    family="text_encoder",
)
class TestBlip2TextModelWithProjection:
    """Family: text encoder."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import Blip2TextModelWithProjection

        assert type(tiny.model) is Blip2TextModelWithProjection
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch, length = inputs["input_ids"].shape[:2]
        config = tiny.config
        assert outputs.text_embeds.shape == (
            batch,
            length,
            config.image_text_hidden_size,
        )
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
            "every_output_flag_fills_its_field",
            "length_one_and_batch_one_run",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
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
