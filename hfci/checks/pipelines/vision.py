"""The tasks that see an image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image

from hfci.checks.exceptions import reason
from hfci.checks.pipelines.comparing import difference
from hfci.checks.pipelines.forms import entries, has_numbers, largest, probabilities, probable, ranked, score_above, top
from hfci.checks.pipelines.media import HEIGHT, WIDTH, images, videos
from hfci.checks.pipelines.serving import Parameter, Served, Task
from hfci.checks.running import seeded

__all__ = ["VISION_TASKS"]

_CANDIDATES = ["cat", "two birds"]

# What a processor may draw of an image, and the pipeline asks for by its `subtask`.
_SUBTASKS = ("panoptic", "semantic")

# Pixels between two classes may be of either, by float error: so large a part of all.
_BORDER = 0.01


def _outputs_of(served: Served, image: Any) -> Any:
    """Return what the model itself gives for an image that its processor has prepared."""
    inputs = served.pipe.image_processor(images=[image], return_tensors="pt").to(served.tiny.device)
    with torch.no_grad(), seeded(served.tiny):
        return served.tiny.model(**inputs)


def _images(_: Served) -> list[Any]:
    return images()


# image-classification and image-feature-extraction


def _classes(_: Served, __: Any, output: Any) -> Iterator[str]:
    yield from entries(output, {"label": str, "score": float})
    yield from probabilities([one["score"] for one in output])
    yield from ranked([one["score"] for one in output])


def _of_largest_logit(served: Served, given: Any, output: Any) -> Iterator[str]:
    outputs = _outputs_of(served, given)
    logits = (outputs.logits if "logits" in outputs else outputs[0])[0]
    yield from largest("the first label", output[0]["label"], dict(zip(served.labels, logits.tolist(), strict=True)))
    if served.pipe.model.config.problem_type is None and len(served.labels) > 1:
        yield from probable(output, dict(zip(served.labels, logits.softmax(-1).tolist(), strict=True)))


def _features(_: Served, __: Any, output: Any) -> Iterator[str]:
    yield from has_numbers(output)


def _first_output(served: Served, given: Any, output: Any) -> Iterator[str]:
    if (said := difference(_outputs_of(served, given)[0], torch.tensor(output))) is not None:
        yield f"the features are not what the model gives first: {said}"


def _a_tensor(_: Served, __: Any, plain: Any, output: Any) -> Iterator[str]:
    if not isinstance(output, torch.Tensor):
        yield f"it gives a {type(output).__name__}"
    elif (said := difference(torch.tensor(plain), output)) is not None:
        yield said


# object-detection and image-segmentation


def _boxes(served: Served, _: Any, output: Any) -> Iterator[str]:
    if output:
        yield from entries(output, {"score": float, "label": str, "box": dict})
        yield from probabilities([one["score"] for one in output])
    if unknown := {one["label"] for one in output} - {*served.labels}:
        yield f"there is no class {', '.join(sorted(unknown))}"
    yield from _within(served, [one["box"] for one in output])


def _within(served: Served, boxes: list[dict[str, int]]) -> Iterator[str]:
    unbounded = any(reason(served.tiny, "detection_postprocess_within_image", kind) for kind in ("square", "unbounded"))
    for box in boxes:
        if list(box) != ["xmin", "ymin", "xmax", "ymax"] or not all(isinstance(side, int) for side in box.values()):
            yield f"a box is {box}"
        elif box["xmin"] > box["xmax"] or box["ymin"] > box["ymax"]:
            yield f"the box {box} ends before it begins"
        elif unbounded:
            continue
        elif not _is_near(box["xmin"] + box["xmax"], WIDTH) or not _is_near(box["ymin"] + box["ymax"], HEIGHT):
            yield f"the centre of the box {box} lies outside of {WIDTH} by {HEIGHT}"


def _is_near(twice_the_centre: int, size: int) -> bool:
    """Tell whether a centre, which sides cut to whole pixels move by one at most, lies within."""
    return -2 <= twice_the_centre <= 2 * size + 2


def _as_processed(served: Served, given: Any, output: Any) -> Iterator[str]:
    processor = served.pipe.image_processor
    sizes = torch.tensor([[HEIGHT, WIDTH]])
    wanted = processor.post_process_object_detection(_outputs_of(served, given), 0.0, sizes)[0]
    if len(output) != len(wanted["scores"]):
        yield f"it finds {len(output)} boxes, and the model's outputs give {len(wanted['scores'])}"
    elif (said := difference(wanted["scores"].tolist(), [one["score"] for one in output])) is not None:
        yield f"the scores are not those of the model's outputs: {said}"


def _segments(served: Served, _: Any, output: Any) -> Iterator[str]:
    if not isinstance(output, list):
        yield f"a list is documented, and it is {output!r:.60}"
        return
    if output:
        yield from entries(output, {"score": float | None, "label": str, "mask": Image.Image})
    if wrong := [one["mask"].size for one in output if one["mask"].size != (WIDTH, HEIGHT)]:
        yield f"a mask is of {wrong[0]} for an image of {(WIDTH, HEIGHT)}"
    if unknown := {one["label"] for one in output} - {*served.labels}:
        yield f"there is no class {', '.join(sorted(unknown))}"
    yield from probabilities([one["score"] for one in output if one["score"] is not None])


def _of_the_model(served: Served, given: Any, output: Any) -> Iterator[str]:
    """Yield what is wrong with classes of pixels by what the processor makes of the model's outputs; see _covering."""
    yield from _covering(served, given, output)
    if output and output[0]["score"] is None:
        outputs = _outputs_of(served, given)
        wanted = served.pipe.image_processor.post_process_semantic_segmentation(outputs, [(HEIGHT, WIDTH)])[0]
        drawn = sum((np.asarray(one["mask"]) > 0) * served.labels.index(one["label"]) for one in output)
        if (wrong := float((np.asarray(wanted) != drawn).mean())) > _BORDER:
            yield f"{wrong:.0%} of the pixels are of another class than by the model"


def _covering(_: Served, __: Any, output: Any) -> Iterator[str]:
    """Classes of pixels cover the image, each pixel once; segments may leave some out, and share none."""
    masks = [np.asarray(one["mask"]) > 0 for one in output]
    times = sum(mask.astype(int) for mask in masks) if masks else np.zeros((HEIGHT, WIDTH), int)
    if np.any(times > 1):
        yield "two masks share a pixel"
    if output and output[0]["score"] is None and np.any(times == 0):
        yield "a pixel has no class"


def _has_subtasks(served: Served) -> bool:
    return all(hasattr(served.pipe.image_processor, f"post_process_{kind}_segmentation") for kind in _SUBTASKS)


def _semantic(served: Served, given: Any, _: Any, output: Any) -> Iterator[str]:
    yield from _segments(served, given, output)
    yield from _covering(served, given, output)
    yield from (f"{one['label']} has a score, as no class of pixels has" for one in output if one["score"] is not None)


# depth-estimation


def _depth(_: Served, __: Any, output: Any) -> Iterator[str]:
    yield from entries([output], {"predicted_depth": torch.Tensor, "depth": Image.Image})
    if output["predicted_depth"].shape[-2:] != (HEIGHT, WIDTH) or output["depth"].size != (WIDTH, HEIGHT):
        shape, size = tuple(output["predicted_depth"].shape), output["depth"].size
        yield f"a depth of {shape} and an image of {size} for one of {(WIDTH, HEIGHT)}"


def _of_the_depth(served: Served, given: Any, output: Any) -> Iterator[str]:
    outputs = _outputs_of(served, given)
    wanted = served.pipe.image_processor.post_process_depth_estimation(outputs, [(HEIGHT, WIDTH)])[0]
    if (said := difference(wanted["predicted_depth"], output["predicted_depth"])) is not None:
        yield f"the depth is not the model's: {said}"
    depth = output["predicted_depth"].double().numpy()
    wanted = ((depth - depth.min()) / (depth.max() - depth.min()) * 255).astype(int)
    if np.abs(wanted - np.asarray(output["depth"]).astype(int)).max() > 1:
        yield "the image is not the depth from 0 to 255"


# mask-generation


def _masks(_: Served, __: Any, output: Any) -> Iterator[str]:
    if not isinstance(output, dict) or not output.keys() >= {"masks", "scores"}:
        yield f"it has {', '.join(output)}, and masks and scores are documented"
        return
    if len(output["masks"]) != len(output["scores"]):
        yield f"it has {len(output['masks'])} masks and {len(output['scores'])} scores"
    if wrong := [mask.shape for mask in output["masks"] if tuple(mask.shape) != (HEIGHT, WIDTH)]:
        yield f"a mask is of {tuple(wrong[0])} for an image of {(HEIGHT, WIDTH)}"


def _bounded(_: Served, __: Any, ___: Any, output: Any) -> Iterator[str]:
    if len(output.get("bounding_boxes", ())) != len(output["masks"]):
        yield f"it has {len(output.get('bounding_boxes', ()))} boxes for {len(output['masks'])} masks"


def _as_at_once(_: Served, __: Any, plain: Any, output: Any) -> Iterator[str]:
    if (said := difference(plain, output)) is not None:
        yield f"it gives other masks: {said}"


# keypoint-matching


def _pairs(_: Served) -> list[list[Any]]:
    first, second, third = images()
    return [[first, second], [second, third], [first, third]]


def _matches(_: Served, __: Any, output: Any) -> Iterator[str]:
    if output:
        yield from entries(output, {"keypoint_image_0": dict, "keypoint_image_1": dict, "score": float})
        yield from probabilities([one["score"] for one in output])
        yield from ranked([one["score"] for one in output])
    for one in output:
        for name in ("keypoint_image_0", "keypoint_image_1"):
            x, y = one[name]["x"], one[name]["y"]
            if not (-1 <= x <= WIDTH + 1 and -1 <= y <= HEIGHT + 1):
                yield f"{name} lies at {x}, {y}, in an image of {HEIGHT} by {WIDTH}"


# zero-shot


def _candidates(_: Served, __: Any, output: Any) -> Iterator[str]:
    yield from entries(output, {"score": float, "label": str})
    if sorted(one["label"] for one in output) != sorted(_CANDIDATES):
        yield f"it gives {', '.join(one['label'] for one in output)}"
    yield from ranked([one["score"] for one in output])
    yield from probabilities([one["score"] for one in output])


def _of_pairs(served: Served, given: Any, output: Any) -> Iterator[str]:
    inputs = served.pipe.preprocess(given, candidate_labels=_CANDIDATES)
    del inputs["candidate_labels"]
    (words,) = inputs.pop("text_inputs")
    with torch.no_grad():
        logits = served.tiny.model(**words, **inputs).logits_per_image[0]
    # SigLIP's pairs are each a question of its own, for which it has a bias.
    scores = logits.sigmoid() if hasattr(served.tiny.model, "logit_bias") else logits.softmax(-1)
    yield from probable(output, dict(zip(_CANDIDATES, scores.flatten().tolist(), strict=True)))


def _otherwise(_: Served, __: Any, plain: Any, output: Any) -> Iterator[str]:
    scores, others = ({one["label"]: one["score"] for one in each} for each in (plain, output))
    if difference(scores, others) is None:
        yield "another hypothesis changes no score"


def _in_images(_: Served) -> list[dict[str, Any]]:
    return [{"image": image, "candidate_labels": _CANDIDATES} for image in images()]


def _candidate_boxes(served: Served, _: Any, output: Any) -> Iterator[str]:
    if output:
        yield from entries(output, {"score": float, "label": str, "box": dict})
        yield from probabilities([one["score"] for one in output])
        yield from ranked([one["score"] for one in output])
    if unknown := {one["label"] for one in output} - {*_CANDIDATES}:
        yield f"nobody asked for {', '.join(sorted(unknown))}"
    yield from _within(served, [one["box"] for one in output])


# document-question-answering

_WORDS = ["total", "is", "12", "to", "pay", "on", "monday"]


def _documents(_: Served) -> list[dict[str, Any]]:
    boxes = [[100 * place, 400, 100 * place + 90, 500] for place in range(len(_WORDS))]
    words = list(zip(_WORDS, boxes, strict=True))
    questions = ("how much", "when to pay", "what is it")
    return [
        {"image": image, "question": question, "word_boxes": words}
        for image, question in zip(images(), questions, strict=True)
    ]


def _answers(_: Served, __: Any, output: Any) -> Iterator[str]:
    yield from entries(output, {"score": float, "answer": str, "start": int, "end": int})
    yield from probabilities([one["score"] for one in output])
    for one in output:
        if not 0 <= one["start"] <= one["end"] < len(_WORDS):
            yield f"the answer stands at the words {one['start']} to {one['end']} of {len(_WORDS)}"
        elif one["answer"] != (wanted := " ".join(_WORDS[one["start"] : one["end"] + 1])):
            yield f"the answer is {one['answer']!r}, and at its words stands {wanted!r}"


def _several(_: Served, __: Any, plain: Any, output: Any) -> Iterator[str]:
    yield from ranked([one["score"] for one in output])
    if not 1 < len(output) <= 3 or output[0] != plain[0]:
        yield f"the {len(output)} most likely answers of three begin with {output[0]}, the most likely is {plain[0]}"


def _of_each_label(served: Served, given: dict[str, Any], output: Any) -> Iterator[str]:
    processor = served.pipe.image_processor
    scores: list[float] = []
    for label in given["candidate_labels"]:
        words = served.pipe.tokenizer(label, return_tensors="pt")
        pixels = processor(given["image"], return_tensors="pt")
        with torch.no_grad():
            outputs = served.tiny.model(**words, **pixels)
        found = processor.post_process_object_detection(outputs, 0.0, torch.tensor([[HEIGHT, WIDTH]]))[0]["scores"]
        scores += [score for score in found.tolist() if score]
    if (said := difference(sorted(scores, reverse=True), [one["score"] for one in output])) is not None:
        yield f"the scores are not those of the model's outputs: {said}"


def _of_the_keypoints(served: Served, given: Any, output: Any) -> Iterator[str]:
    processor = served.pipe.image_processor
    with torch.no_grad():
        outputs = served.tiny.model(**processor(images=list(given), return_tensors="pt"))
    sizes = [[(HEIGHT, WIDTH)] * 2]
    found = processor.post_process_keypoint_matching(outputs, target_sizes=sizes, threshold=0.0)[0]
    wanted = sorted(zip(found["keypoints0"].tolist(), found["keypoints1"].tolist(), strict=True))
    names = ("keypoint_image_0", "keypoint_image_1")
    given_back = sorted(tuple([one[name]["x"], one[name]["y"]] for name in names) for one in output)
    if (said := difference(wanted, given_back)) is not None:
        yield f"the matches are not the model's, in an image of {HEIGHT} by {WIDTH}: {said}"


def _nothing(_: Served, __: Any, ___: Any) -> Iterator[str]:
    """What the model gives is not in the output as it is."""
    yield from ()


VISION_TASKS = {
    "image-classification": Task(
        _images,
        _classes,
        _of_largest_logit,
        parameters=(Parameter({"top_k": 1}, top(1)),),
    ),
    "video-classification": Task(
        lambda served: videos(served.tiny.whole_checkpoint),
        _classes,
        _nothing,
        parameters=(Parameter({"top_k": 1}, top(1)),),
    ),
    "image-feature-extraction": Task(
        _images, _features, _first_output, parameters=(Parameter({"return_tensors": True}, _a_tensor),)
    ),
    "object-detection": Task(
        _images,
        _boxes,
        _as_processed,
        lambda _: {"threshold": 0.0},
        parameters=(Parameter({"threshold": 0.5}, score_above(0.5)),),
    ),
    "image-segmentation": Task(
        _images,
        _segments,
        _of_the_model,
        lambda _: {"threshold": 0.0, "mask_threshold": 0.0, "overlap_mask_area_threshold": 0.0},
        parameters=(Parameter({"subtask": "semantic"}, _semantic, _has_subtasks),),
    ),
    "depth-estimation": Task(_images, _depth, _of_the_depth),
    "mask-generation": Task(
        _images,
        _masks,
        _nothing,
        lambda _: {"points_per_crop": 2, "pred_iou_thresh": -100.0, "stability_score_thresh": 0.0},
        parameters=(
            Parameter({"output_bboxes_mask": True}, _bounded),
            Parameter({"points_per_batch": 1}, _as_at_once),
        ),
        batches=False,  # but of points, by an option of its own
    ),
    "keypoint-matching": Task(
        _pairs,
        _matches,
        _of_the_keypoints,
        parameters=(Parameter({"threshold": 0.3}, score_above(0.3)),),
        iterates=False,
    ),
    "zero-shot-image-classification": Task(
        _images,
        _candidates,
        _of_pairs,
        lambda _: {"candidate_labels": _CANDIDATES},
        parameters=(Parameter({"hypothesis_template": "{} of the cat"}, _otherwise),),
    ),
    "zero-shot-object-detection": Task(
        _in_images,
        _candidate_boxes,
        _of_each_label,
        lambda _: {"threshold": 0.0},
        parameters=(Parameter({"threshold": 0.5}, score_above(0.5)),),
    ),
    "document-question-answering": Task(
        _documents,
        _answers,
        _nothing,
        lambda _: {"max_seq_len": 48, "doc_stride": 8, "padding": "max_length"},
        parameters=(Parameter({"top_k": 3}, _several),),
    ),
}
