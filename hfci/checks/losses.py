"""Is the loss what its definition says, from the logits that came with it?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from hfci.catalog import read_row, registries
from hfci.catalog.facts import forward_parameters
from hfci.checks.exceptions import excused
from hfci.checks.running import reference_forward, run, seeded
from hfci.checks.table import CHECKS
from hfci.errors import Broken
from hfci.tiny.random_numbers import generator

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["labelled", "loss_matches_definition", "loss_of"]

# How far a loss may be from its definition, computed in float64 from the same logits: the rounding of a mean in
# float32. All 791 heads that have such a loss stay within it.
_ROUNDING = 1e-5
# How far the likelihoods of an answer and of none may be from one, being differences of losses.
_UNSURE = 1e-4
_IGNORED = -100
# A model that rules a token out gives it the lowest number that there is.
_RULED_OUT = -1e30


@dataclass(frozen=True)
class _Case:
    """One loss: the labels that are handed to forward, the configuration that it wants, and what it must be.

    `value` gives, from outputs and the labels of their rows, the sum over what is counted, and how many that are; None
    for the latter where a loss is no such mean.
    """

    labels: Mapping[str, Tensor]
    value: Callable[[Any, Mapping[str, Tensor]], tuple[Tensor, int | None]]
    set: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(f"{name} = {value!r}" for name, value in self.set.items()) or "as configured"


def loss_matches_definition(tiny: TinyModel) -> None:
    """Assert that the loss is that of its kind of head, recomputed in float64 from the logits returned beside it.

    Labels are drawn anew, some of them ignored, unlike the inputs: a head that compares without the shift, counts
    ignored places or averages over something else gives another number. A head that sorts rows into classes is asked
    with one label too, which is a number to come close to, and with a number for each class; a head that finds spans by
    a beam, with each of its labels.
    """
    for case in _cases(tiny):
        with torch.no_grad():
            outputs = _outputs(tiny, case, tiny.inputs())
        total, items = case.value(outputs, case.labels)
        _assert_close(f"{tiny.architecture}, {case}", outputs, float(total) / (items or 1))
    if _maker(tiny) is _problems:
        _assert_numbers_for_classes_are_read(tiny)
        _assert_one_number_is_regression(tiny)
    if _maker(tiny) is _beam:
        _assert_answers_are_likely(tiny)


def loss_of(tiny: TinyModel) -> Callable[[], Tensor] | None:
    """Return what computes, from the tiny model's seed, its loss for labels that are always the same.

    None where nobody says what its labels are.
    """
    forward = labelled(tiny)
    if forward is None:
        return None

    def compute() -> Tensor:
        loss: Tensor = forward()["loss"]
        return loss

    return compute


def labelled(tiny: TinyModel) -> Callable[..., Any] | None:
    """Return what runs, from the tiny model's seed, its forward with labels that are always the same.

    It takes further arguments of the forward. None where `loss_matches_definition` is not asked of the model: nobody
    says what its labels are.
    """
    rows = (row for row in read_row(tiny.model_type).architectures if row.name == tiny.architecture)
    check = CHECKS[loss_matches_definition.__name__]
    if not any(check.holds(row.known_facts) for row in rows) or excused(tiny, check.name) is not None:
        return None
    case = next(_cases(tiny))
    return lambda **more: _outputs(tiny, case, tiny.inputs(), **more)


def _outputs(tiny: TinyModel, case: _Case, inputs: dict[str, Any], **more: Any) -> Any:
    with seeded(tiny), _configured(tiny.model, case.set):
        return tiny.forward(inputs, **{name: tensor.to(tiny.device) for name, tensor in case.labels.items()}, **more)


def _assert_close(what: str, outputs: Any, wanted: float) -> None:
    loss = outputs.get("loss")
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        raise AssertionError(f"{what}: labels were given, and the loss is {loss!r:.60}, no single number")
    if not _is_close(loss, wanted):
        raise Broken(f"{what}: the loss is {float(loss):.7g}, by its definition {wanted:.7g}", ["loss"])


def _is_close(loss: Tensor, wanted: float) -> bool:
    return abs(float(loss) - wanted) <= _ROUNDING * max(1.0, abs(wanted))


@contextmanager
def _configured(model: Any, fields: Mapping[str, Any]) -> Iterator[None]:
    """Set fields of the model's configuration; put them, and what a loss itself sets there, back afterwards."""
    fields = {"problem_type": getattr(model.config, "problem_type", None), **fields}
    old = {name: getattr(model.config, name, None) for name in fields}
    try:
        for name, value in fields.items():
            setattr(model.config, name, value)
        yield
    finally:
        for name, value in old.items():
            setattr(model.config, name, value)


def _assert_one_number_is_regression(tiny: TinyModel) -> None:
    """Assert that a head of one label compares the number that it gives for each row with a number for each row."""
    config = copy.deepcopy(tiny.config)
    config.num_labels, config.problem_type = 1, None
    with torch.random.fork_rng(devices=[]):
        model = type(tiny.model)._from_config(config).to(tiny.device).eval()
    one = replace(tiny, model=model)
    numbers = torch.randn(2, generator=generator(f"{tiny.seed}:labels"), device=tiny.device)
    outputs = run(one, tiny.inputs(), labels=numbers)
    wanted = functional.mse_loss(_logits(outputs).flatten(), numbers.double())
    _assert_close(f"{tiny.architecture}, of one label", outputs, float(wanted))
    if outputs["logits"].shape[-1] != 1:
        said = f"of one label, its logits are {tuple(outputs['logits'].shape)} where labels are given"
        raise Broken(f"{tiny.architecture}, {said}", ["logits"])


def _maker(tiny: TinyModel) -> _Maker:
    """Return what yields the losses of the head that the auto tables say `tiny` is; a beam's is in none of them."""
    tables = registries.tables_of_class(tiny.architecture)
    return next((maker for named, maker in _KINDS if named & tables), _beam)


def _cases(tiny: TinyModel) -> Iterator[_Case]:
    yield from _maker(tiny)(tiny, reference_forward(tiny))


def _logits(outputs: Any) -> Tensor:
    logits = outputs.get("logits")
    if not isinstance(logits, Tensor):
        raise AssertionError(f"there are no logits beside the loss, but {', '.join(outputs)}")
    return logits.double()


def _integers(tiny: TinyModel, high: int, *shape: int) -> Tensor:
    return torch.randint(high, shape, generator=generator(f"{tiny.seed}:labels:{shape}:{high}"))


def _ignoring(labels: Tensor) -> Tensor:
    """Return labels of which the last of the first row, and two of the second, are to be ignored."""
    labels[0, -1] = _IGNORED
    labels[1, 1:3] = _IGNORED
    return labels


def _cross_entropy(logits: Tensor, labels: Tensor, ignored: int = _IGNORED) -> tuple[Tensor, int]:
    labels = labels.to(logits.device)
    total = functional.cross_entropy(logits, labels, ignore_index=ignored, reduction="sum")
    return total, int((labels != ignored).sum())


def _tokens(tiny: TinyModel, logits: Tensor, *shape: int) -> Tensor:
    """Return labels that may be given: none of a token that the model rules out everywhere, some to be ignored."""
    allowed = (logits.flatten(0, -2) > _RULED_OUT).any(0).nonzero().flatten().cpu()
    return _ignoring(allowed[_integers(tiny, len(allowed), *shape)])


def _next_token(tiny: TinyModel, outputs: Any) -> Iterator[_Case]:
    logits = _logits(outputs)
    inputs = tiny.inputs()
    length = inputs["input_ids"].shape[1] if "input_ids" in inputs else logits.shape[1]

    def value(labelled: Any, targets: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        return _cross_entropy(_logits(labelled)[:, -length:-1].flatten(0, 1), targets["labels"][:, 1:].flatten())

    labels = {"labels": _tokens(tiny, logits, logits.shape[0], length)}
    yield _Case(labels, value)
    if "input_ids" in inputs and "attention_mask" in forward_parameters(type(tiny.model)).keys() - inputs.keys():
        yield _Case(labels | {"attention_mask": torch.ones(inputs["input_ids"].shape, dtype=torch.long)}, value)


def _same_token(tiny: TinyModel, outputs: Any) -> Iterator[_Case]:
    logits = _logits(outputs)

    def value(labelled: Any, targets: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        return _cross_entropy(_logits(labelled).flatten(0, 1), targets["labels"].flatten())

    yield _Case({"labels": _tokens(tiny, logits, *logits.shape[:-1])}, value)


def _language(tiny: TinyModel, outputs: Any) -> Iterator[_Case]:
    """A decoder is compared with the next token, told that all are there or not; a pair's is handed the token before.

    The decoder of such a pair alone (`BartForCausalLM`) is called as it is in the pair.
    """
    is_pair = any(getattr(config, "is_encoder_decoder", False) for config in (tiny.config, type(tiny.config)))
    return (_same_token if is_pair else _next_token)(tiny, outputs)


def _pooled(outputs: Any) -> Tensor:
    """Return logits of a row each; one place that a pooling keeps says nothing."""
    return _logits(outputs).flatten(0, -2)


def _class(tiny: TinyModel, outputs: Any) -> Iterator[_Case]:
    logits = _pooled(outputs)
    labels = _integers(tiny, logits.shape[-1], logits.shape[0])
    yield _Case({"labels": labels}, lambda labelled, targets: _cross_entropy(_pooled(labelled), targets["labels"]))


def _problems(tiny: TinyModel, outputs: Any) -> Iterator[_Case]:
    logits = _pooled(outputs)
    (single,) = _class(tiny, outputs)
    yield single
    yield replace(single, set={"problem_type": "single_label_classification"})
    several = _integers(tiny, 2, *logits.shape).float()
    numbers = torch.randn(logits.shape, generator=generator(f"{tiny.seed}:labels"))
    for labels, loss, problem in (
        (several, functional.binary_cross_entropy_with_logits, "multi_label_classification"),
        (numbers, functional.mse_loss, "regression"),
    ):

        def value(labelled: Any, targets: Mapping[str, Tensor], loss: Any = loss) -> tuple[Tensor, None]:
            logits = _pooled(labelled)
            return loss(logits, targets["labels"].to(logits)), None

        yield _Case({"labels": labels}, value, {"problem_type": problem})


def _assert_numbers_for_classes_are_read(tiny: TinyModel) -> None:
    """Assert that labels with a number for each class, of no named problem, are classes each by itself, or likelihoods.

    Most heads take them for so many questions of yes and no; a few for how likely each of the classes is.
    """
    logits = _pooled(reference_forward(tiny))
    labels = torch.softmax(torch.randn(logits.shape, generator=generator(f"{tiny.seed}:labels")), -1).double()
    case = _Case({"labels": labels.float()}, lambda *_: (logits.sum(), None), {"problem_type": None})
    with torch.no_grad():
        outputs = _outputs(tiny, case, tiny.inputs())
    logits, labels = _pooled(outputs), labels.to(logits.device)
    alone = functional.binary_cross_entropy_with_logits(logits, labels)
    if not _is_close(outputs["loss"], float(alone)):
        _assert_close(
            f"{tiny.architecture}, a number for each class", outputs, float(functional.cross_entropy(logits, labels))
        )


def _span(tiny: TinyModel, outputs: Any) -> Iterator[_Case]:
    batch, length = outputs.start_logits.shape
    places = _integers(tiny, length, 2, batch)
    places[1, 0] = length + 3  # outside of what was read: not counted

    def value(labelled: Any, targets: Mapping[str, Tensor]) -> tuple[Tensor, None]:
        losses = [
            functional.cross_entropy(logits.double(), place.clamp(0, length).to(logits.device), ignore_index=length)
            for logits, place in zip((labelled.start_logits, labelled.end_logits), targets.values(), strict=True)
        ]
        return (losses[0] + losses[1]) / 2, None

    yield _Case({"start_positions": places[0], "end_positions": places[1]}, value)


def _beam(_: TinyModel, outputs: Any) -> Iterator[_Case]:
    """Of the spans on its beam a head gives the likelihood of the start, and of the end behind that."""
    ends = (len(outputs.start_top_index), -1, outputs.start_top_index.shape[-1])
    chosen = [numbers.cpu() for numbers in (outputs.start_top_index[:, 1], outputs.end_top_index.view(ends)[:, 1, 1])]
    likely = outputs.start_top_log_probs[:, 1].double() * outputs.end_top_log_probs.view(ends)[:, 1, 1]
    places = dict(zip(("start_positions", "end_positions"), chosen, strict=True))
    yield _Case(places, lambda __, targets: (-likely.log().sum() / 2, len(targets["start_positions"])))


def _assert_answers_are_likely(tiny: TinyModel) -> None:
    """Assert that a span's loss tells how likely it is: that there is an answer, and that there is none, surely is one.

    Of a row alone. A place that may hold no answer (`p_mask`) is never the start of one.
    """
    inputs, names = tiny.inputs((0,)), forward_parameters(type(tiny.model))
    (case,) = _beam(tiny, run(tiny, inputs))
    given = {name: places.to(tiny.device) for name, places in case.labels.items()}
    if {"cls_index", "is_impossible"} <= names.keys():
        first = torch.zeros(1, dtype=torch.long, device=tiny.device)
        with_none, with_one = (
            run(tiny, inputs, **given, cls_index=first, is_impossible=torch.tensor([[is_none]], device=tiny.device))
            for is_none in (1.0, 0.0)
        )
        span = run(tiny, inputs, **given)["loss"]
        sure = sum(float(torch.exp(-2 * (whole["loss"] - span))) for whole in (with_none, with_one))
        if not abs(sure - 1) <= _UNSURE:
            raise AssertionError(f"that a span is an answer, or that it is none, is {sure:.5g} likely by its losses")
    if "p_mask" in names:
        masked = torch.zeros(inputs["input_ids"].shape, device=tiny.device)
        masked[0, given["start_positions"]] = masked[0, -1] = 1.0
        outputs = run(tiny, inputs, p_mask=masked)
        likely = [outputs[f"{side}_top_index"][outputs[f"{side}_top_log_probs"] > 0] for side in ("start", "end")]
        if not all(map(len, likely)) or masked[0, torch.cat(likely)].any():
            ruled_out, found = masked[0].nonzero().flatten().tolist(), [places.tolist() for places in likely]
            raise AssertionError(f"with no answer at {ruled_out}, by its p_mask, starts and ends are found at {found}")


def _transcript(tiny: TinyModel, outputs: Any) -> Iterator[_Case]:
    logits, blank = _logits(outputs), tiny.config.pad_token_id
    frames = logits.shape[1]
    length = max(2, frames // 2)
    tokens = [token for token in range(logits.shape[-1]) if token != blank]
    labels = torch.tensor([[tokens[(3 * place + row) % len(tokens)] for place in range(length)] for row in (0, 1)])
    labels[1, -1] = _IGNORED

    def value(labelled: Any, targets: Mapping[str, Tensor]) -> tuple[Tensor, None]:
        labels = targets["labels"]
        loss = functional.ctc_loss(
            functional.log_softmax(_logits(labelled), dim=-1).transpose(0, 1),
            labels[labels != _IGNORED].to(logits.device),
            torch.full((len(labels),), frames),
            (labels != _IGNORED).sum(-1),
            blank=blank,
            reduction=tiny.config.ctc_loss_reduction,
        )
        return loss, None

    yield _Case({"labels": labels}, value)


def _map(tiny: TinyModel, outputs: Any) -> Iterator[_Case]:
    logits = _logits(outputs)
    size = tiny.inputs()["pixel_values"].shape[-2:]
    ignored = getattr(tiny.config, "semantic_loss_ignore_index", 255)
    labels = _integers(tiny, logits.shape[1], logits.shape[0], *size)
    labels[0, 0, : size[-1] // 2] = ignored

    def value(labelled: Any, targets: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        large = functional.interpolate(_logits(labelled), size=size, mode="bilinear", align_corners=False)
        return _cross_entropy(large, targets["labels"], ignored)

    yield _Case({"labels": labels}, value, {"auxiliary_loss_weight": 0.0})


_Maker = Callable[["TinyModel", Any], Iterator[_Case]]

# The auto tables of a kind of head → what its loss is; the first that a class stands in decides.
_KINDS: tuple[tuple[frozenset[str], _Maker], ...] = (
    (frozenset({"FOR_SEQUENCE_CLASSIFICATION", "FOR_IMAGE_CLASSIFICATION", "FOR_VIDEO_CLASSIFICATION"}), _problems),
    (frozenset({"FOR_MULTIPLE_CHOICE", "FOR_NEXT_SENTENCE_PREDICTION", "FOR_AUDIO_CLASSIFICATION"}), _class),
    (frozenset({"FOR_TOKEN_CLASSIFICATION"}), _same_token),
    (frozenset({"FOR_QUESTION_ANSWERING"}), _span),
    (frozenset({"FOR_CTC"}), _transcript),
    (frozenset({"FOR_SEMANTIC_SEGMENTATION"}), _map),
    (frozenset({"FOR_SEQ_TO_SEQ_CAUSAL_LM"}), _language),
    (frozenset({"FOR_MASKED_LM"}), _same_token),
    (frozenset({"FOR_CAUSAL_LM", "FOR_IMAGE_TEXT_TO_TEXT", "FOR_MULTIMODAL_LM", "FOR_SPEECH_SEQ_2_SEQ"}), _language),
)
