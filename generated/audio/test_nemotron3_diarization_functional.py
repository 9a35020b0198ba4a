# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate nemotron3_diarization`.
"""nemotron3_diarization: functional tests of its architectures.

Nemotron3DiarizationModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="nemotron3_diarization", tier="functional")


@pytest.mark.hfci(
    architecture=None,
    family="audio",
)
class TestModelType:
    """Processors: processor, feature_extractor."""

    @pytest.mark.parametrize(
        "check",
        [
            "processor_roundtrip",
            "feature_extractor_lengths_and_masks",
            "single_equals_list_of_one",
            "every_argument_has_an_effect",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)


@pytest.mark.hfci(
    architecture="Nemotron3DiarizationModel",
    family="audio",
)
class TestNemotron3DiarizationModel:
    """Family: audio encoder.

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
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "eager_equals_sdpa",
            "attention_switched_at_run_time_equals_built",
            "every_output_flag_fills_its_field",
            "num_hidden_layers_counts_its_layers",
            "norms_see_one_place",
            "scores_are_scaled_by_a_size",
            "arguments_are_handed_on",
            "norms_read_their_epsilon",
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
    architecture="Nemotron3DiarizationForAudioFrameClassification",
    family="audio",
)
class TestNemotron3DiarizationForAudioFrameClassification:
    """Family: audio encoder.

    Auto classes:
    - AutoModelForAudioFrameClassification
    """

    def test_builds_tiny(self, tiny: TinyModel) -> None:
        from transformers import Nemotron3DiarizationForAudioFrameClassification

        assert type(tiny.model) is Nemotron3DiarizationForAudioFrameClassification
        assert tiny.parameters <= tiny.recipe.budget
        checks.builds_tiny(tiny)

    def test_forward_is_finite(self, tiny: TinyModel) -> None:
        inputs = tiny.inputs()
        outputs = checks.reference_forward(tiny)
        config = tiny.config
        assert outputs.logits.shape == (
            *inputs["input_features"].shape[:2],
            config.head_config.num_speakers,
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
            "sound_padding_is_hidden",
            "state_is_not_left_behind",
            "config_is_not_changed",
            "deprecated_names_equal_new",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
