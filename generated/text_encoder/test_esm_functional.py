# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate esm`.
"""esm: functional tests of its architectures.

EsmModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="esm", tier="functional")


@pytest.mark.hfci(
    architecture=None,
    family="text_encoder",
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
    architecture="EsmModel",
    family="text_encoder",
)
class TestEsmModel:
    """Family: text encoder.

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
            "cross_attention_mask_hides_padding",
            "every_output_flag_fills_its_field",
            "num_hidden_layers_counts_its_layers",
            "norms_see_one_place",
            "scores_are_scaled_by_a_size",
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
            "pipeline_runs[task=feature-extraction]",
            "pipeline_runs_in_bfloat16[task=feature-extraction]",
            "pipeline_follows_its_parameters[task=feature-extraction]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="EsmForMaskedLM",
    family="text_encoder",
)
class TestEsmForMaskedLM:
    """Family: text encoder.

    Auto classes:
    - AutoModelForMaskedLM
    """

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import EsmForMaskedLM

        assert type(tiny.model) is EsmForMaskedLM
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch, length = inputs["input_ids"].shape[:2]
        assert outputs.logits.shape == (batch, length, tiny.config.vocab_size)
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
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
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
            "pipeline_runs[task=fill-mask]",
            "pipeline_runs_in_bfloat16[task=fill-mask]",
            "pipeline_follows_its_parameters[task=fill-mask]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="EsmForSequenceClassification",
    family="text_encoder",
)
class TestEsmForSequenceClassification:
    """Family: text encoder.

    Auto classes:
    - AutoModelForSequenceClassification
    """

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import EsmForSequenceClassification

        assert type(tiny.model) is EsmForSequenceClassification
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch = inputs["input_ids"].shape[0]
        assert outputs.logits.shape == (batch, tiny.config.num_labels)
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
            "pipeline_runs[task=text-classification]",
            "pipeline_runs[task=zero-shot-classification]",
            "pipeline_runs_in_bfloat16[task=text-classification]",
            "pipeline_runs_in_bfloat16[task=zero-shot-classification]",
            "pipeline_follows_its_parameters[task=text-classification]",
            "pipeline_follows_its_parameters[task=zero-shot-classification]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="EsmForTokenClassification",
    family="text_encoder",
)
class TestEsmForTokenClassification:
    """Family: text encoder.

    Auto classes:
    - AutoModelForTokenClassification
    """

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import EsmForTokenClassification

        assert type(tiny.model) is EsmForTokenClassification
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch, length = inputs["input_ids"].shape[:2]
        assert outputs.logits.shape == (batch, length, tiny.config.num_labels)
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
            "pipeline_runs[task=token-classification]",
            "pipeline_runs_in_bfloat16[task=token-classification]",
            "pipeline_follows_its_parameters[task=token-classification]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="EsmForProteinFolding",
    family="text_encoder",
)
class TestEsmForProteinFolding:
    """Family: text encoder."""

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import EsmForProteinFolding

        assert type(tiny.model) is EsmForProteinFolding
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch = next(value.shape[0] for value in inputs.values() if hasattr(value, "shape"))
        assert outputs[0].shape[0] == batch
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
            "base_model_loads_into_head_and_back",
            "resize_embeddings_keeps_rows",
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "attention_mask_hides_padding",
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
