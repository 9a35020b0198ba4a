# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate videoprism`.
"""videoprism: functional tests of its architectures.

VideoPrismClipModel has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="videoprism", tier="functional")


@pytest.mark.hfci(
    architecture=None,
    family="vision_text_dual",
)
class TestModelType:
    """Processors: processor, tokenizer, video_processor."""

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
    architecture="VideoPrismClipModel",
    family="vision_text_dual",
)
class TestVideoPrismClipModel:
    """Family: image and text encoder pair.

    Auto classes:
    - AutoModel
    - AutoModelForZeroShotImageClassification
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
