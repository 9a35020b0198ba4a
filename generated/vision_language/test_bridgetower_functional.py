# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate bridgetower`.
"""bridgetower: functional tests of its architectures.

BridgeTowerModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="bridgetower", tier="functional")


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
    architecture="BridgeTowerModel",
    family="vision_language",
)
class TestBridgeTowerModel:
    """Family: language model that sees.

    Auto classes:
    - AutoModel
    """

    @pytest.mark.parametrize(
        "check",
        [
            "places_of_patches_are_interpolated",
            "saves_with_size_one",
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
            "every_output_flag_fills_its_field",
            "num_hidden_layers_counts_its_layers",
            "norms_see_one_place",
            "scores_are_scaled_by_a_size",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "cross_modal_inputs_matter",
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
    architecture="BridgeTowerForContrastiveLearning",
    family="vision_text_dual",
)
class TestBridgeTowerForContrastiveLearning:
    """Family: image and text encoder pair."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import BridgeTowerForContrastiveLearning

        assert type(tiny.model) is BridgeTowerForContrastiveLearning
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch = inputs["input_ids"].shape[0]
        config = tiny.config
        assert outputs.logits.shape == (
            batch,
            3,
            config.contrastive_hidden_size,
        )
        assert outputs.text_embeds.shape == (
            batch,
            config.contrastive_hidden_size,
        )
        assert outputs.image_embeds.shape == (
            batch,
            config.contrastive_hidden_size,
        )
        assert outputs.cross_embeds.shape == (
            batch,
            config.contrastive_hidden_size,
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
            "base_model_loads_into_head_and_back",
            "resize_embeddings_keeps_rows",
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "attention_mask_hides_padding",
            "every_output_flag_fills_its_field",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "cross_modal_inputs_matter",
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
    architecture="BridgeTowerForImageAndTextRetrieval",
    family="vision_language",
)
class TestBridgeTowerForImageAndTextRetrieval:
    """Family: language model that sees."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import BridgeTowerForImageAndTextRetrieval

        assert type(tiny.model) is BridgeTowerForImageAndTextRetrieval
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch = inputs["input_ids"].shape[0]
        assert outputs.logits.shape == (
            batch,
            2,
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
            "base_model_loads_into_head_and_back",
            "resize_embeddings_keeps_rows",
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "attention_mask_hides_padding",
            "every_output_flag_fills_its_field",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "cross_modal_inputs_matter",
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
    architecture="BridgeTowerForMaskedLM",
    family="vision_language",
)
class TestBridgeTowerForMaskedLM:
    """Family: language model that sees."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import BridgeTowerForMaskedLM

        assert type(tiny.model) is BridgeTowerForMaskedLM
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch, length = inputs["input_ids"].shape[:2]
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
            "saves_with_size_one",
            "golden_output",
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
            "every_output_flag_fills_its_field",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "cross_modal_inputs_matter",
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
