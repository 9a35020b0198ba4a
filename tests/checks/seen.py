"""To whom each check with a rule applies, counted by what a class can be seen to be; a function bears its check's name.

Of a model type as a whole it is told that too. None of them asks hfci's facts or rules. Where the rule says otherwise,
a row says why: of `names`, patterns of `MODEL_TYPE/ARCHITECTURE`, each of which must still be needed.
"""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from typing import NamedTuple

from .breaking import ROOT
from .sight import Sight, named_for, see

# What heads are called whose loss has one definition, that of their kind.
_HEAD = re.compile(
    r"LMHead|For(AudioClassification|CausalLM|CTC|ConditionalGeneration|ImageClassification|MaskedLM|MultipleChoice|"
    r"NextSentencePrediction|QuestionAnswering|SemanticSegmentation|SequenceClassification|TokenClassification|"
    r"VideoClassification|\w+(To|2)Text)"
)

# Why two classes keep a cache, and a third generates, that are not seen to.
_OF_ITS_LANGUAGE_MODEL = (
    "declares the outputs of a head, and hands on those of its language model, whose states they are"
)
_OF_ITS_OWN = "generates in a way of its own, without GenerationMixin"

# What a cache of what was read before is called.
_CACHE = frozenset({"cache", "past_key_values", "cache_params"})

# How fields for how far a place sees are called, but for one that is no type of attention.
_WINDOW = r"(sliding_window(_size)?|local_attention|attention_types|attention_chunk_size)"

# What pictures and videos are called.
_SHOWN = re.compile("pixel_values|image|video|flattened_patches")

# What pictures, videos and sounds are called.
_MEDIA = re.compile(
    r"(\w+_)?(pixel_values(_videos)?|input_(features|values)|audio_(latents|input_ids)|flattened_patches)|image"
)


# What says how long what is made of a sound is.
_LENGTHS = ("_get_feat_extract_output_lengths", "_get_subsampling_output_length")

# How a configuration says that its text model may be of any model type.
_TEXT_OF_ANY_KIND = re.compile(r"[\"']text_config[\"']: (SubConfigSpec\(\s*config_class=)?AutoConfig")

# What says, of each image, how many patches high and wide it is.
_GRIDS = frozenset({"grid_thw", "image_grid_thw", "image_grid_hw", "spatial_shapes", "target_sizes"})


def unequal_images_equal_alone(cls: Sight) -> bool:
    return bool(_GRIDS & cls.parameters)


def loss_matches_definition(cls: Sight) -> bool:
    return bool({"labels", "start_positions"} & cls.parameters) and _HEAD.search(cls.name) is not None


training_step_lowers_loss = loss_matches_definition


def frozen_base_trains_head(cls: Sight) -> bool:
    return loss_matches_definition(cls) and base_model_loads_into_head_and_back(cls)


def compiles_fullgraph(cls: Sight) -> bool:
    return cls.attribute("_can_compile_fullgraph") is True


def tensor_parallel_equals_single(cls: Sight) -> bool:
    """An example whose own configuration says how weights are split."""
    own = next(cls.path.parent.glob("configuration_*.py"))
    return cls.name in _examples() and "base_model_tp_plan" in own.read_text(encoding="utf-8")


def quantised_load_stays_close(cls: Sight) -> bool:
    return cls.name in _examples()


@functools.cache
def _examples() -> frozenset[str]:
    """Return the names of the classes that the table of families has as examples."""
    table = ROOT / "hfci" / "catalog" / "data" / "families.toml"
    allowed = tomllib.loads(table.read_text(encoding="utf-8"))["allowed"].values()
    return frozenset(name.partition("/")[2] for family in allowed for name in family["examples"])


def objects_have_a_loss(cls: Sight) -> bool:
    finds = re.search("For(ObjectDetection|InstanceSegmentation|UniversalSegmentation)|^DetrForSegmentation", cls.name)
    return finds is not None and bool({"labels", "mask_labels"} & cls.parameters)


def denoising_changes_no_other_loss(cls: Sight) -> bool:
    return {"denoising_meta_values", "loss_dict"} <= cls.fields


def gradient_checkpointing_equals_plain(cls: Sight) -> bool:
    return cls.attribute("supports_gradient_checkpointing") is True


def tied_weights_stay_tied(cls: Sight) -> bool:
    return bool(cls.attribute("_tied_weights_keys"))


def base_model_loads_into_head_and_back(cls: Sight) -> bool:
    return bool({"{base_model_prefix}", cls.attribute("base_model_prefix")} & cls.held)


def parts_loaded_apart_make_the_whole(cls: Sight) -> bool:
    methods = (node for one in cls.line for node in one.node.body if isinstance(node, ast.FunctionDef))
    arguments = {each.arg for method in methods for each in method.args.args} - {"pretrained_model_name_or_path"}
    return any(argument.endswith("_model_name_or_path") for argument in arguments)


def places_of_patches_are_interpolated(cls: Sight) -> bool:
    return "interpolate_pos_encoding" in cls.parameters


def resize_embeddings_keeps_rows(cls: Sight) -> bool:
    return bool({"input_ids", "decoder_input_ids"} & cls.parameters)


def tuple_equals_dict(cls: Sight) -> bool:
    return bool({"return_dict", "**"} & cls.parameters) and bool(cls.outputs)


def eager_equals_sdpa(cls: Sight) -> bool:
    return cls.attribute("_supports_sdpa") is True


attention_switched_at_run_time_equals_built = eager_equals_sdpa


def eager_equals_batched_experts(cls: Sight) -> bool:
    configuration = cls.path.with_name(cls.path.name.replace("modeling_", "configuration_"))
    of_any_kind = configuration.is_file() and _TEXT_OF_ANY_KIND.search(configuration.read_text(encoding="utf-8"))
    return bool(of_any_kind and "input_ids" in cls.parameters) or "@use_experts_implementation" in cls.path.read_text(
        encoding="utf-8"
    )


def router_logits_and_auxiliary_loss_match_definition(cls: Sight) -> bool:
    return any(field.endswith("router_logits") for field in cls.fields)


def every_output_flag_fills_its_field(cls: Sight) -> bool:
    return any(re.fullmatch(r"((en|de)coder_)?(hidden_states|attentions|router_logits)", field) for field in cls.fields)


def num_hidden_layers_counts_its_layers(cls: Sight) -> bool:
    return "hidden_states" in cls.fields


def attention_mask_hides_padding(cls: Sight) -> bool:
    return {"input_ids", "attention_mask"} <= cls.parameters


def causal_mask_hides_future(cls: Sight) -> bool:
    return "GenerationMixin" in cls.ancestors


def inputs_embeds_equal_input_ids(cls: Sight) -> bool:
    return {"inputs_embeds", "input_ids"} <= cls.parameters and not _shows_media(cls)


def explicit_positions_equal_default(cls: Sight) -> bool:
    return {"position_ids", "input_ids"} <= cls.parameters and not _shows_media(cls)


def rotary_places_are_relative(cls: Sight) -> bool:
    return explicit_positions_equal_default(cls) and _declares("rope_parameters", cls, _config_of(cls))


def positions_matter(cls: Sight) -> bool:
    return "input_ids" in cls.parameters and not _shows_media(cls)


def length_one_and_batch_one_run(cls: Sight) -> bool:
    return bool({"input_ids", "decoder_input_ids"} & cls.parameters) and not _shows_media(cls)


def cross_modal_inputs_matter(cls: Sight) -> bool:
    return "input_ids" in cls.parameters and _shows_media(cls)


def media_features_fit_their_items(cls: Sight) -> bool:
    kinds = ("image", "video", "audio")
    return "input_ids" in cls.parameters and any(any(cls.methods(f"get_{kind}_features")) for kind in kinds)


wrong_placeholder_count_is_refused = cross_modal_inputs_matter
every_token_id_runs = length_one_and_batch_one_run


def text_past_its_maximum_is_refused(cls: Sight) -> bool:
    return bool({"input_ids", "decoder_input_ids"} & cls.parameters)


def rope_types_agree(cls: Sight) -> bool:
    goes_on = "GenerationMixin" in cls.ancestors or "last_hidden_state" in cls.fields
    declares = _declares("rope_parameters", cls, _config_of(cls))
    return goes_on and "input_ids" in cls.parameters and not _shows_media(cls) and declares


def sliding_window_is_as_wide_as_declared(cls: Sight) -> bool:
    shows = any(_SHOWN.search(name) for name in cls.parameters)
    return not shows and not base_model_loads_into_head_and_back(cls) and _windowed(cls, _config_of(cls))


def _windowed(cls: Sight, name: str) -> bool:
    """Tell whether a class of configurations, one that it is made of, or one of its parts has a field for a window."""
    others = re.findall(r"(?:[\"']: (?:\w+\(\s*config_class=)?|^class \w+\()(\w+Config)\b", _text_of(cls, name))
    return _declares(_WINDOW, cls, name) or any(_windowed(cls, other) for other in others)


def _config_of(cls: Sight) -> str:
    """Return the name of the class of its configuration, as it is annotated."""
    return next((named for one in cls.line for named in one.annotations("config")), "")


def _text_of(cls: Sight, name: str) -> str:
    files = cls.path.parent.glob("configuration_*.py")
    texts = (
        re.search(rf"^class {name}\(.*?(?=^[\w@]|\Z)", file.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        for file in files
    )
    return next((text[0] for text in texts if text is not None), "")


def _declares(field: str, cls: Sight, name: str) -> bool:
    """Tell whether the class of configurations of that name, beside the class, has such a field."""
    return re.search(rf"^    {field}\b", _text_of(cls, name), re.MULTILINE) is not None


def _shows_media(cls: Sight) -> bool:
    return any(_MEDIA.fullmatch(name) for name in cls.parameters)


def cache_equals_no_cache(cls: Sight) -> bool:
    goes_on = _CACHE & cls.parameters and _CACHE & cls.fields
    return bool(goes_on) and ("last_hidden_state" in cls.fields or "GenerationMixin" in cls.ancestors)


chunked_prefill_equals_whole = reset_cache_is_new = cache_equals_no_cache


def static_cache_equals_dynamic(cls: Sight) -> bool:
    return cache_equals_no_cache(cls) and cls.attribute("_can_compile_fullgraph") is True


def generate_equals_without_cache(cls: Sight) -> bool:
    keeps = _CACHE & cls.parameters or (_CACHE | {"state"}) & cls.fields  # the state is rwkv's
    hands_on = any(_SHOWN.search(name) for name in cls.parameters)  # to a language model, which keeps one
    return (bool(keeps) or hands_on) and "GenerationMixin" in cls.ancestors


def beam_search_equals_without_cache(cls: Sight) -> bool:
    return bool(_CACHE & cls.parameters and _CACHE & cls.fields) and "GenerationMixin" in cls.ancestors


def chunked_generation_equals_whole(cls: Sight) -> bool:
    reads = "input_ids" in cls.parameters and "decoder_input_ids" not in cls.parameters
    return reads and beam_search_equals_without_cache(cls)


def generation_from_embeddings_equals_tokens(cls: Sight) -> bool:
    reads = {"input_ids", "inputs_embeds"} <= cls.parameters and not _shows_media(cls)
    return reads and beam_search_equals_without_cache(cls)


beam_and_sample_keep_the_contract = assisted_equals_greedy = beam_search_equals_without_cache


def own_generate_keeps_rows_apart(cls: Sight) -> bool:
    has = (owner.name for name in ("generate", "_sample") for owner, _ in cls.methods(name))
    return any(name != "GenerationMixin" for name in has)


def generate_with_media_equals_forward(cls: Sight) -> bool:
    return beam_search_equals_without_cache(cls) and _shows_media(cls)


def several_media_stay_in_order(cls: Sight) -> bool:
    return generate_with_media_equals_forward(cls) and chunked_generation_equals_whole(cls)


def generate_in_train_mode_with_checkpointing(cls: Sight) -> bool:
    return beam_search_equals_without_cache(cls) and gradient_checkpointing_equals_plain(cls)


def left_padded_generation_equals_unpadded(cls: Sight) -> bool:
    reads_one_text = {"input_ids", "attention_mask"} <= cls.parameters and "decoder_input_ids" not in cls.parameters
    return reads_one_text and beam_search_equals_without_cache(cls)


def generation_options_keep_their_contract(cls: Sight) -> bool:
    return left_padded_generation_equals_unpadded(cls) and re.search("ForCausalLM$|LMHead", cls.name) is not None


def continuous_batching_equals_generate(cls: Sight) -> bool:
    paged = cls.attribute("_supports_attention_backend") is True and cls.attribute("_is_stateful") is not True
    encodes = any(name.endswith("ForMaskedLM") and other.path == cls.path for name, other in see().items())
    return left_padded_generation_equals_unpadded(cls) and paged and not _shows_media(cls) and not encodes


def packed_equals_separate(cls: Sight) -> bool:
    _, forward = next(cls.methods("forward"), (None, ast.Pass()))
    causal = re.search(r"create_\w*(causal_mask|masks_for_generate)\b", ast.unparse(forward)) is not None
    sums_up = "pooler_output" in cls.fields
    return {"position_ids", "input_ids"} <= cls.parameters and causal and not sums_up and not _shows_media(cls)


def audio_length_arithmetic(cls: Sight) -> bool:
    counts = any(True for name in _LENGTHS for _ in cls.methods(name))
    return counts and bool({"input_values", "input_features"} & cls.parameters)


def sound_padding_is_hidden(cls: Sight) -> bool:
    fed = any(re.search("input_(values|features)|audio|^latents$", name) for name in cls.parameters)
    is_heard = fed or (cls.attribute("input_modalities") == "audio" and "input_ids" not in cls.parameters)
    return is_heard and any(re.search("(attention|features|values|padding)_mask", name) for name in cls.parameters)


def time_series_scaling_is_undone(cls: Sight) -> bool:
    return "past_values" in cls.parameters


def detection_postprocess_within_image(cls: Sight) -> bool:
    return {"logits", "pred_boxes"} <= cls.fields and "pixel_values" in cls.parameters


def segmentation_postprocess_sizes(cls: Sight) -> bool:
    return re.search("For(Semantic|Instance|Universal)?Segmentation$", cls.name) is not None


def depth_and_keypoint_scales(cls: Sight) -> bool:
    return re.search("For(DepthEstimation|Keypoint(Detection|Matching))$", cls.name) is not None


def image_processor_batch_equals_single(_: Sight, model_type: str) -> bool:
    return model_type in named_for("IMAGE_PROCESSOR")


def feature_extractor_lengths_and_masks(_: Sight, model_type: str) -> bool:
    return model_type in named_for("FEATURE_EXTRACTOR")


def single_equals_list_of_one(_: Sight, model_type: str) -> bool:
    return model_type in named_for("IMAGE_PROCESSOR") | named_for("FEATURE_EXTRACTOR")


def every_argument_has_an_effect(cls: Sight, model_type: str) -> bool:
    return _has_tokenizer(model_type) or single_equals_list_of_one(cls, model_type)


def encoder_decoder_consistency(cls: Sight) -> bool:
    whole = "GenerationMixin" in cls.ancestors or "last_hidden_state" in cls.fields
    return {"encoder_outputs", "decoder_input_ids"} <= cls.parameters and whole


def cross_attention_mask_hides_padding(cls: Sight) -> bool:
    crosses = {"encoder_outputs", "encoder_attention_mask"} & cls.parameters
    return bool(crosses) and not _shows_media(cls) and not base_model_loads_into_head_and_back(cls)


# The checks that are asked of whoever generates a text with a cache.
_GENERATION = (
    "generate_equals_without_cache",
    "beam_search_equals_without_cache",
    "beam_and_sample_keep_the_contract",
    "assisted_equals_greedy",
    "generate_in_train_mode_with_checkpointing",
)


def tokenizer_encode_decode(_: Sight, model_type: str) -> bool:
    return _has_tokenizer(model_type)


chat_template_renders = tokenizer_encode_decode


def processor_roundtrip(_: Sight, model_type: str) -> bool:
    row = rf'^ +\(\s*"{re.escape(model_type)}",\s*(\{{[^}}]*)?"\w+(Processor|FeatureExtractor|ImageProcessorPil)"'
    return _has_tokenizer(model_type) or any(
        re.search(row, source, re.MULTILINE) for source in _registries("*auto*.py").values()
    )


def media_token_count_matches_model(cls: Sight, model_type: str) -> bool:
    row = rf'^ +\(\s*"{re.escape(model_type)}",\s*"\w+Processor"'
    sees = "input_ids" in cls.parameters and {"pixel_values", "pixel_values_videos"} & cls.parameters
    hears = any(re.search("audio|input_features|sound", name) for name in cls.parameters)
    is_of_two = any(cls.methods("get_text_features")) or "bbox" in cls.parameters
    return (
        bool(sees)
        and not hears
        and not is_of_two
        and any(re.search(row, source, re.MULTILINE) for source in _registries("*auto*.py").values())
    )


def _has_tokenizer(model_type: str) -> bool:
    """Tell whether the registry of tokenizers has a row of a model type, or lists it for what its checkpoints say."""
    (registry,) = _registries("tokenization_auto.py").values()
    name = re.escape(model_type)
    return re.search(rf'^ +\(\s*"{name}",\s*(?!None)|^    "{name}",$', registry, re.MULTILINE) is not None


@functools.cache
def _registries(pattern: str) -> dict[str, str]:
    auto = see()["BertModel"].path.parents[1] / "auto"
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(auto.glob(pattern))}


class Difference(NamedTuple):
    """Whom the rule of a check takes in though they are not seen to be meant, or leaves out though they are."""

    check: str
    asked: bool
    names: tuple[str, ...]
    why: str


# Heads that are exported, and stand in no auto table.
_IN_NO_TABLE = (
    "bridgetower/*ForMaskedLM",
    "bros/*SpadeELForTokenClassification",
    "glm_image/*ForConditionalGeneration",
    "visual_bert/*ForMultipleChoice",
    "visual_bert/*ForQuestionAnswering",
)

DIFFERENCES = (
    *(
        Difference(check, False, (*_IN_NO_TABLE, *more), "stands in no auto table, which would say what its labels are")
        for check, more in (
            ("loss_matches_definition", ("qwen3_omni_moe/*TalkerFor*", "seamless_m4t/*TextToUnitFor*")),
            ("training_step_lowers_loss", ("qwen3_omni_moe/*TalkerFor*", "seamless_m4t/*TextToUnitFor*")),
            ("frozen_base_trains_head", ()),
        )
    ),
    *(
        Difference(check, False, ("bark/BarkCausalModel", "qwen3_omni_moe/*TalkerFor*"), "writes the codes of a sound")
        for check in (
            "assisted_equals_greedy",
            "beam_and_sample_keep_the_contract",
            "beam_search_equals_without_cache",
            "chunked_generation_equals_whole",
            "left_padded_generation_equals_unpadded",
        )
    ),
    *(
        Difference(check, False, ("qwen3_omni_moe/*TalkerFor*",), "writes the codes of a sound")
        for check in ("continuous_batching_equals_generate", "generate_in_train_mode_with_checkpointing")
    ),
    Difference(
        "eager_equals_batched_experts",
        True,
        ("blip-2/*VisionModelWithProjection",),
        "is built from the whole's configuration, whose text model may be of any kind, and uses none",
    ),
    Difference(
        "segmentation_postprocess_sizes",
        False,
        ("conditional_detr/*ForSegmentation",),
        "stands in no auto table of segmentation",
    ),
    Difference(
        "sliding_window_is_as_wide_as_declared",
        True,
        ("qwen3_omni_moe/*TalkerFor*",),
        "has the window of the text model within",
    ),
    Difference(
        "sound_padding_is_hidden",
        False,
        ("qwen2_5_omni_talker/*", "qwen3_omni_moe/*TalkerFor*"),
        "is told how long sounds are, to count the places of a text, and is fed none",
    ),
    *(
        difference
        for check in ("loss_matches_definition", "training_step_lowers_loss")
        for difference in (
            Difference(
                check,
                False,
                ("blip/*", "layoutlm/*", "lxmert/*", "tapas/*", "vilt/*"),
                "answers questions about images, pages or tables: no auto table of question answering in a text has it",
            ),
            Difference(
                check,
                False,
                (
                    "csm*",
                    "gradium_phonon_tts/*",
                    "higgs_audio_v2/*",
                    "musicgen/*",
                    "musicgen_melody/*",
                    "pocket_tts/*",
                    "*_talker*",
                ),
                "its labels are the codes of a sound, of several codebooks",
            ),
            Difference(
                check,
                False,
                ("*_text_model/*", "*_decoder/*ForCausalLM", "EvollaModel/*"),
                "is a part of another model by this name of its model type: no auto table has it",
            ),
            Difference(
                check,
                True,
                (
                    "*/BertGenerationDecoder",
                    "*/*EncoderDecoderModel",
                    "*/MarianMTModel",
                    "*/NemotronH_Omni_Reasoning_V3",
                ),
                "an auto table has it, though its name is of no head",
            ),
        )
    ),
    Difference(
        "frozen_base_trains_head",
        False,
        ("layoutlm/*", "lxmert/*", "tapas/*", "vilt/*"),
        "answers questions about images, pages or tables: no auto table of question answering in a text has it",
    ),
    Difference(
        "frozen_base_trains_head",
        False,
        ("csm*", "gradium_phonon_tts/*", "higgs_audio_v2/*", "musicgen*", "pocket_tts/*"),
        "its labels are the codes of a sound, of several codebooks",
    ),
    Difference(
        "frozen_base_trains_head",
        False,
        ("*_text_model/*", "clvp_decoder/*", "EvollaModel/*"),
        "is a part of another model by this name of its model type: no auto table has it",
    ),
    Difference(
        "frozen_base_trains_head",
        True,
        ("*/BertGenerationDecoder", "*/MarianMTModel"),
        "an auto table has it, though its name is of no head",
    ),
    *(
        difference
        for check in ("cache_equals_no_cache", "chunked_prefill_equals_whole", "reset_cache_is_new")
        for difference in (
            Difference(
                check,
                False,
                (
                    "autoformer/*",
                    "informer/*",
                    "nemotron_asr_streaming_encoder/*",
                    "time_series_transformer/*",
                    "voxtral_realtime_encoder/*",
                ),
                "reads numbers or sound, no text",
            ),
            Difference(check, True, ("emu3/Emu3Model", "fuyu/FuyuModel"), _OF_ITS_LANGUAGE_MODEL),
            Difference(check, True, ("diffusion_gemma/*ForBlockDiffusion", "speecht5/*ForTextToSpeech"), _OF_ITS_OWN),
        )
    ),
    Difference(
        "static_cache_equals_dynamic", False, ("nemotron_asr_streaming_encoder/*",), "reads numbers or sound, no text"
    ),
    Difference("static_cache_equals_dynamic", True, ("emu3/Emu3Model",), _OF_ITS_LANGUAGE_MODEL),
    Difference("static_cache_equals_dynamic", True, ("diffusion_gemma/*ForBlockDiffusion",), _OF_ITS_OWN),
    *(
        Difference(check, True, ("diffusion_gemma/*ForBlockDiffusion", "speecht5/*ForTextToSpeech"), _OF_ITS_OWN)
        for check in _GENERATION
    ),
    *(
        Difference(
            check,
            False,
            ("csm/*", "gradium_phonon_tts/*", "higgs_audio_v2/*", "musicgen/*", "musicgen_melody/*", "pocket_tts/*"),
            "writes codes of a sound, of several codebooks at once",
        )
        for check in (
            *(check for check in _GENERATION if check != "generate_equals_without_cache"),
            "chunked_generation_equals_whole",
            "generate_with_media_equals_forward",
            "left_padded_generation_equals_unpadded",
        )
    ),
    Difference(
        "several_media_stay_in_order",
        False,
        ("csm/*", "gradium_phonon_tts/*", "higgs_audio_v2/*", "pocket_tts/*"),
        "writes codes of a sound, of several codebooks at once",
    ),
    Difference(
        "generation_from_embeddings_equals_tokens",
        False,
        ("bark/BarkCausalModel", "musicgen/*ForCausalLM", "musicgen_melody/*ForCausalLM", "qwen3_omni_moe/*TalkerFor*"),
        "writes the codes of a sound",
    ),
    Difference("generate_equals_without_cache", True, ("qwen2_5_omni/*", "qwen3_omni_moe/*"), _OF_ITS_OWN),
    Difference("left_padded_generation_equals_unpadded", True, ("speecht5/*ForTextToSpeech",), _OF_ITS_OWN),
    Difference("chunked_generation_equals_whole", True, ("speecht5/*ForTextToSpeech",), _OF_ITS_OWN),
    Difference("generate_with_media_equals_forward", True, ("speecht5/*ForTextToSpeech",), _OF_ITS_OWN),
    Difference("several_media_stay_in_order", True, ("speecht5/*ForTextToSpeech",), _OF_ITS_OWN),
    Difference(
        "generation_options_keep_their_contract",
        True,
        (
            "bert-generation/*Decoder",
            "gemma3*/*ForConditionalGeneration",
            "gemma4*/*ForConditionalGeneration",
            "got_ocr2/*",
            "moss_transcribe_diarize/*",
        ),
        "an auto table has it for going on with a text, though its name is of another head",
    ),
    Difference(
        "generation_options_keep_their_contract",
        False,
        ("*_text_model/*", "*_decoder/*", "csm_depth_decoder_model/*", "mistral4/*"),
        "no auto table has it: a part of another model, or of one that takes pictures",
    ),
    Difference(
        "causal_mask_hides_future",
        True,
        ("diffusion_gemma/*ForBlockDiffusion", "speecht5/*ForTextToSpeech"),
        _OF_ITS_OWN,
    ),
    Difference(
        "eager_equals_batched_experts",
        False,
        ("instructblip*_qformer/*", "voxtral_realtime_text/*"),
        "is a part of a model that holds a text model of any kind",
    ),
    Difference(
        "eager_equals_batched_experts",
        True,
        ("omdet-turbo/*",),
        "holds a text model of any kind, whose tokens it takes by other names",
    ),
    Difference(
        "sliding_window_is_as_wide_as_declared",
        False,
        ("deepseek_ocr2_encoder/*", "qwen2_5_omni/*", "qwen3_omni_moe/*"),
        "takes images, though none by name: as embeddings, or whatever a part of it takes",
    ),
    Difference(
        "sliding_window_is_as_wide_as_declared",
        True,
        ("qwen2_5_omni_talker/*ForConditionalGeneration",),
        "takes the grids of images, for places, and no images",
    ),
    Difference(
        "cross_attention_mask_hides_padding",
        False,
        ("blip_2_qformer/*",),
        "is told to take images, though it takes none but as queries and states",
    ),
    Difference(
        "media_token_count_matches_model",
        True,
        ("aimv2/*", "flava/*", "sam3/*", "sam3_lite_text/*", "blip-2/*"),
        "makes features of texts too, by a method of that name, and is no pair of towers",
    ),
    Difference(
        "media_token_count_matches_model",
        False,
        ("apertus1p5/*", "muse_spark/*", "pe_audio_video/*", "pe_video/*", "grounding-dino/*", "mm-grounding-dino/*"),
        "hears, pairs or finds boxes as well, of which no argument that it is told by says so",
    ),
    *(
        Difference(
            check,
            False,
            ("exaone/*", "internlm3/*", "iquestcoder/*"),
            "is llama's class, which llama is the example of",
        )
        for check in ("quantised_load_stays_close", "tensor_parallel_equals_single")
    ),
    Difference(
        "quantised_load_stays_close", False, ("EvollaModel/*",), "is evolla's class, which evolla is the example of"
    ),
)
