"""Which tasks an architecture can serve: against transformers' tables read as text, and truths written by hand."""

from __future__ import annotations

import ast
import json
import subprocess
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from hfci.catalog import Catalog, read_row
from hfci.catalog.documented import documented_processors
from hfci.catalog.pipelines import Generates, needs_of
from hfci.catalog.sources import read_class
from hfci.catalog.tasks import TaskVerdict, rules
from tests.warm import COLD


def source(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec
    assert spec.origin
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def listed() -> set[tuple[str, str, str]]:
    """(model type, class, task) that the tables name, read off their source as text."""
    tables: dict[str, dict[str, list[str]]] = {}
    table_of: dict[str, str] = {}
    for node in source("transformers.models.auto.modeling_auto").body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call):
            name = node.targets[0].id
            if name.startswith("MODEL_") and name.endswith("_NAMES"):
                rows: dict[str, list[str]] = {}
                for pair in node.value.args[0].elts:  # type: ignore[attr-defined]
                    if isinstance(pair, ast.Starred):  # another table taken in whole
                        inner = next(
                            part.id for part in ast.walk(pair) if isinstance(part, ast.Name) and part.id in tables
                        )
                        rows |= tables[inner]
                    else:
                        key, classes = ast.literal_eval(pair)
                        rows[key] = [classes] if isinstance(classes, str) else list(classes)
                tables[name] = rows
        elif isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign) and line.targets[0].id == "_model_mapping":  # type: ignore[attr-defined]
                    table_of[node.name] = line.value.id + "_NAMES"  # type: ignore[attr-defined]
    found = set()
    for node in source("transformers.pipelines").body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "SUPPORTED_TASKS":
            for task, entry in zip(node.value.keys, node.value.values, strict=True):  # type: ignore[attr-defined]
                autos = {part.id for part in ast.walk(entry) if isinstance(part, ast.Name) and part.id in table_of}
                for auto in autos:
                    for model_type, classes in tables[table_of[auto]].items():
                        found |= {(model_type, name, task.value) for name in classes}
    return found


def verdicts(catalog: Catalog) -> dict[tuple[str, str, str], TaskVerdict]:
    return {
        (row.model_type, arch.name, verdict.task): verdict
        for row in catalog.model_types
        for arch in row.architectures
        for verdict in arch.verdicts
    }


def test_every_pair_of_the_tables_has_one_verdict(catalog: Catalog, listed: set[tuple[str, str, str]]) -> None:
    # a class whose module cannot be imported here has no facts to judge
    unimported = {arch.name for row in catalog.model_types for arch in row.architectures if not arch.family}
    assert len(listed) > 3000
    assert set(verdicts(catalog)) == {pair for pair in listed if pair[1] not in unimported}


def test_every_exclusion_is_by_one_listed_rule_and_every_rule_excludes(catalog: Catalog) -> None:
    names = [rule.name for rule in rules()]
    assert len(set(names)) == len(names)
    counts = Counter()
    for pair, verdict in verdicts(catalog).items():
        assert verdict.error is None, pair
        assert verdict.allowed == (verdict.rule is None) == (not verdict.lacks), pair
        counts[verdict.rule] += 1
    assert set(counts) == {*names, None}
    assert counts.total() > 3000


def test_every_task_is_served_by_some_and_the_base_tasks_not_by_all(catalog: Catalog) -> None:
    served = Counter(task for (_, _, task), verdict in verdicts(catalog).items() if verdict.allowed)
    assert set(served) == {task for _, _, task in verdicts(catalog)}
    bases = sum("AutoModel" in arch.auto_classes for row in catalog.model_types for arch in row.architectures)
    assert served["feature-extraction"] < 0.6 * bases
    assert served["image-feature-extraction"] < 0.2 * bases
    assert served["zero-shot-audio-classification"] == 1  # only CLAP's scores are by audio


SERVES = [
    ("bert", "BertModel", {"feature-extraction"}),
    ("bert", "BertForMaskedLM", {"fill-mask"}),
    ("bert", "BertForSequenceClassification", {"text-classification", "zero-shot-classification"}),
    ("bert", "BertForQuestionAnswering", set()),
    ("vit", "ViTModel", {"image-feature-extraction"}),
    ("vit", "ViTForImageClassification", {"image-classification"}),
    ("llama", "LlamaForCausalLM", {"text-generation", "decision"}),
    ("llama", "LlamaModel", {"feature-extraction"}),
    ("clip", "CLIPModel", {"zero-shot-image-classification"}),
    ("clap", "ClapModel", {"zero-shot-audio-classification"}),
    ("whisper", "WhisperForConditionalGeneration", {"automatic-speech-recognition"}),
    ("whisper", "WhisperModel", set()),
    ("wav2vec2", "Wav2Vec2ForCTC", {"automatic-speech-recognition"}),
    ("detr", "DetrForObjectDetection", {"object-detection"}),
    ("sam", "SamModel", {"mask-generation"}),
    ("vits", "VitsModel", {"feature-extraction", "text-to-audio"}),
    ("layoutlmv3", "LayoutLMv3ForQuestionAnswering", {"document-question-answering"}),
    ("layoutlmv3", "LayoutLMv3ForSequenceClassification", set()),  # its tokenizer wants boxes
    ("tapas", "TapasForQuestionAnswering", {"table-question-answering"}),
    ("llava", "LlavaForConditionalGeneration", {"image-text-to-text", "any-to-any", "decision"}),
    ("llava", "LlavaModel", {"feature-extraction"}),  # runs on text alone; what it makes of an image, it puts into text
    ("rt_detr_v2", "RTDetrV2ForObjectDetection", {"object-detection"}),  # its documentation loads an image processor
    ("d_fine", "DFineForObjectDetection", {"object-detection"}),
    ("dab-detr", "DabDetrForObjectDetection", {"object-detection"}),
    ("ctrl", "CTRLModel", {"feature-extraction"}),  # it raises where it is given neither of two
    ("imagegpt", "ImageGPTModel", {"image-feature-extraction"}),  # its input_ids are colours, not text
    ("t5", "T5Model", set()),  # its decoder begins with nothing
    ("bart", "BartModel", {"feature-extraction"}),  # its decoder begins with the shifted input
]


@pytest.mark.parametrize(("model_type", "architecture", "tasks"), SERVES)
def test_what_is_known_of_an_architecture(model_type: str, architecture: str, tasks: set[str]) -> None:
    found = {arch.name: arch for arch in read_row(model_type).architectures}
    assert set(found[architecture].tasks) == tasks


@pytest.mark.parametrize(
    ("model_type", "architecture", "task", "rule"),
    [
        ("bert", "BertModel", "image-feature-extraction", "no-processor"),
        ("vit", "ViTModel", "feature-extraction", "input-not-taken"),
        ("clip", "CLIPModel", "feature-extraction", "no-features-first"),
        ("llava", "LlavaModel", "image-feature-extraction", "input-not-fed"),
        ("idefics", "IdeficsModel", "feature-extraction", "input-not-fed"),  # by a count of what is None
        ("vilt", "ViltModel", "feature-extraction", "input-not-fed"),  # by an elif
        ("efficientloftr", "EfficientLoFTRModel", "image-feature-extraction", "no-features-first"),  # several maps
        ("voxtral", "VoxtralForConditionalGeneration", "automatic-speech-recognition", "input-not-fed"),
        ("pi0", "PI0ForConditionalGeneration", "image-text-to-text", "cannot-generate"),
        ("tapas", "TapasForMaskedLM", "fill-mask", "tokenizer-wants-more"),
        ("evolla", "EvollaForProteinText2Text", "image-text-to-text", "processor-takes-other"),
        ("bark", "BarkModel", "feature-extraction", "no-such-method"),
        ("xlstm", "xLSTMForCausalLM", "decision", "argument-not-taken"),
        ("pp_lcnet", "PPLCNetForImageClassification", "image-classification", "output-not-given"),
    ],
)
def test_the_rule_that_excludes_is_told(model_type: str, architecture: str, task: str, rule: str) -> None:
    found = {arch.name: arch for arch in read_row(model_type).architectures}
    assert {verdict.task: verdict.rule for verdict in found[architecture].verdicts}[task] == rule


def test_needs_are_what_the_pipelines_do() -> None:
    from transformers import pipelines

    asr = needs_of(pipelines.AutomaticSpeechRecognitionPipeline)
    assert asr.loads == {"feature_extractor", "tokenizer"}
    assert asr.feeds == {"feature_extractor"}  # its tokenizer only decodes
    assert (asr.asks, asr.generates) == ({"logits"}, Generates.WHERE_IT_CAN)
    assert needs_of(pipelines.ZeroShotAudioClassificationPipeline).asks == {"logits_per_audio"}
    assert needs_of(pipelines.DocumentQuestionAnsweringPipeline).asks == {"start_logits", "end_logits"}
    assert needs_of(pipelines.ImageFeatureExtractionPipeline).asks == {"pooler_output|[0]"}
    assert needs_of(pipelines.MaskGenerationPipeline).asks == {"get_image_embeddings()", "pred_masks", "iou_scores"}
    assert needs_of(pipelines.VideoClassificationPipeline).loads == {"image_processor|video_processor"}
    assert needs_of(pipelines.TextGenerationPipeline).generates is Generates.ALWAYS


def test_a_row_is_read_without_any_pipeline() -> None:
    code = """
import sys
from hfci.catalog import read_row
read_row("bert")
print("transformers.pipelines" in sys.modules)
"""
    done = subprocess.run([COLD, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


BASE = """
from transformers.pipelines.base import Pipeline
"""
MADE_UP = """
class {task}Pipeline(Pipeline):
    _load_tokenizer = True
    {flag}

    def _sanitize_parameters(self, **kwargs):
        return {{}}, {{}}, {{}}

    def preprocess(self, inputs):
        return self.tokenizer(inputs)

    def _forward(self, inputs):
        return self.model(**inputs)

    def postprocess(self, outputs):
        return outputs["{field}"]
"""
REGISTERED = """
import sys, json
sys.path.insert(0, sys.argv[1])
from transformers import AutoModelForMaskedLM
from transformers.pipelines import SUPPORTED_TASKS
tasks = sys.argv[2:]
for task in tasks:
    entry = {"impl": f"made_up.{task}Pipeline", "pt": (AutoModelForMaskedLM,), "type": "text"}
    SUPPORTED_TASKS[task] = entry
from hfci.catalog import read_row
row = read_row("bert")
found = {one.task: [one.allowed, one.rule] for arch in row.architectures for one in arch.verdicts}
print(json.dumps({"verdicts": {task: found[task] for task in tasks}, "error": row.error, "problems": row.problems,
                  "json": row.to_json()["error"]}))
"""

# Task → a flag of its pipeline, the field it reads; is it allowed, by which rule not, what is wrong with it.
NEVER_SEEN = {
    "taste": ("", "logits", True, None, None),
    "sniff": ("", "flavour", False, "output-not-given", None),
    "lick": ("_load_tongue = True", "logits", False, None, "'tongue', which is no kind of processor"),
    "sip": ("_load_image_processor = 'maybe'", "logits", False, None, "neither True, False nor None"),
}


def test_a_pipeline_never_seen_is_read_or_an_error_of_the_row(tmp_path: Path) -> None:
    classes = [MADE_UP.format(task=task, flag=flag, field=field) for task, (flag, field, *_) in NEVER_SEEN.items()]
    (tmp_path / "made_up.py").write_text("".join([BASE, *classes]))
    command = [COLD, "-c", REGISTERED, str(tmp_path), *NEVER_SEEN]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["verdicts"] == {task: [allowed, rule] for task, (_, _, allowed, rule, _) in NEVER_SEEN.items()}
    assert found["error"] is None
    assert found["problems"] == found["json"]
    said = dict(problem.split(": ", 1) for problem in found["problems"].split("; "))
    expected = {task: problem for task, (*_, problem) in NEVER_SEEN.items() if problem}
    assert said.keys() == expected.keys()
    assert [task for task in said if expected[task] not in said[task]] == []


def test_a_processor_whose_parent_goes_by_another_name_is_read_through() -> None:
    # `PreTrainedTokenizer` is an alias of the class that its file defines
    found = read_class("MgpstrTokenizer")
    assert found is not None
    assert found.strings("model_input_names")[0] == "input_ids"
    assert "feature-extraction" not in read_row("mgp-str").architectures[0].tasks


@pytest.mark.parametrize(
    ("model_type", "lent"),
    [
        ("rt_detr_v2", "RTDetrImageProcessor"),  # its modular file takes over the classes of rt_detr
        ("dab-detr", "ConditionalDetrImageProcessor"),  # the first of its comments names whence a copy is
        ("tipsv2_vision_model", "Tipsv2ImageProcessor"),  # a part in the package of a whole that has one
        ("detr", None),  # the tables have one
        ("bert", None),
    ],
)
def test_what_documentation_loads_is_of_the_code_that_is_taken_over(model_type: str, lent: str | None) -> None:
    names = documented_processors(model_type).get("image_processor", ())
    assert lent is None if not names else lent in names
