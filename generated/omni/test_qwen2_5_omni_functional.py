# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate qwen2_5_omni`.
"""qwen2_5_omni: functional tests of its architectures.

Qwen2_5OmniForConditionalGeneration has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="qwen2_5_omni", tier="functional")


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
    architecture="Qwen2_5OmniForConditionalGeneration",
    family="omni",
)
class TestQwen2_5OmniForConditionalGeneration:
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
