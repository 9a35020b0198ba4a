# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate deimv2`.
"""deimv2: functional tests of its architectures.

Deimv2Model has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="deimv2", tier="functional")


@pytest.mark.hfci(
    architecture=None,
    family="detection",
)
class TestModelType:
    """Processors: image_processor."""

    @pytest.mark.parametrize(
        "check",
        [
            "processor_roundtrip",
            "image_processor_batch_equals_single",
            "single_equals_list_of_one",
            "every_argument_has_an_effect",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Deimv2Model",
    family="detection",
)
class TestDeimv2Model:
    """Family: object detector.

    Auto classes:
    - AutoModel
    """

    @pytest.mark.parametrize(
        "check",
        [
            "saves_with_size_one",
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
            "every_output_flag_fills_its_field",
            "norms_see_one_place",
            "scores_are_scaled_by_a_size",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "undivided_heads_are_refused",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
            "pipeline_runs[task=image-feature-extraction]",
            "pipeline_runs_in_bfloat16[task=image-feature-extraction]",
            "pipeline_follows_its_parameters[task=image-feature-extraction]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Deimv2ForObjectDetection",
    family="detection",
)
class TestDeimv2ForObjectDetection:
    """Family: object detector.

    Auto classes:
    - AutoModelForObjectDetection
    """

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import Deimv2ForObjectDetection

        assert type(tiny.model) is Deimv2ForObjectDetection
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        batch = inputs["pixel_values"].shape[0]
        assert outputs.pred_boxes.shape == (batch, tiny.config.num_queries, 4)
        checks.forward_is_finite(tiny)

    @pytest.mark.parametrize(
        "check",
        [
            "saves_with_size_one",
            "golden_output",
            "objects_have_a_loss",
            "denoising_changes_no_other_loss",
            "dropout_is_off_in_eval_and_on_in_train",
            "config_roundtrip",
            "missing_key_is_initialised",
            "moves_to_meta_and_back",
            "device_equals_cpu",
            "tied_weights_stay_tied",
            "old_checkpoint_layout_loads_whole",
            "base_model_loads_into_head_and_back",
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "every_output_flag_fills_its_field",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
            "undivided_heads_are_refused",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
            "detection_postprocess_within_image",
            "pipeline_runs[task=object-detection]",
            "pipeline_runs_in_bfloat16[task=object-detection]",
            "pipeline_follows_its_parameters[task=object-detection]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
