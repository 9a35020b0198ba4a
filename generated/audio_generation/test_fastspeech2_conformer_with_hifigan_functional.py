# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate fastspeech2_conformer_with_hifigan`.
"""fastspeech2_conformer_with_hifigan: functional tests of its architectures.

FastSpeech2ConformerWithHifiGan has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="fastspeech2_conformer_with_hifigan", tier="functional")


@pytest.mark.hfci(
    architecture="FastSpeech2ConformerWithHifiGan",
    family="audio_generation",
)
class TestFastSpeech2ConformerWithHifiGan:
    """Family: text to audio model.

    Auto classes:
    - AutoModel
    - AutoModelForTextToWaveform
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
            "resize_embeddings_keeps_rows",
            "declared_names_exist",
            "parameters_are_in_the_module_tree",
            "half_precision_stays_close",
            "loads_in_the_dtype_asked_for",
            "tuple_equals_dict",
            "attention_mask_hides_padding",
            "every_output_flag_fills_its_field",
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
            "pipeline_runs[task=feature-extraction]",
            "pipeline_runs[task=text-to-audio]",
            "pipeline_runs_in_bfloat16[task=feature-extraction]",
            "pipeline_runs_in_bfloat16[task=text-to-audio]",
            "pipeline_follows_its_parameters[task=feature-extraction]",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
