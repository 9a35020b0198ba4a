"""What runs in the processes of a comparison, with one side's transformers: a question a line, an answer a line.

The first side builds tiny models, saves them and what they compute; the second loads what was saved and computes it
again. `python -P -m hfci.releases.side_process`.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from hfci.errors import FOREIGN, HfciError, StageError, in_one_line
from hfci.releases.executed import functions_of, recording
from hfci.releases.measurements import Answer, Field, Forwarded, Function, Interface, Question, Row, Told

if TYPE_CHECKING:
    from torch import Tensor

    from hfci.tiny import TinyModel

__all__ = ["answer", "serve"]

# In the folder of an architecture, beside its checkpoint: a `_Handed`.
CHECKPOINT, HANDED = "checkpoint", "hfci-handed.pt"
LOSS = "loss, given labels"

# Fields of a configuration that say by whom it was made.
_MAKING = ("transformers_version", "_name_or_path", "architectures", "dtype")

# Where a model is made or loaded, not computed: of these only the forward counts.
_LOADING = ("modeling_utils.py", "configuration_utils.py", "core_model_loading.py", "conversion_mapping.py")


class _Handed(TypedDict):
    """What the first side hands to the second: its weights by name and shape, what it was fed, what it gave.

    `inputs` are None where they cannot be handed on.
    """

    keys: dict[str, list[int]]
    inputs: dict[str, Any] | None
    outputs: dict[str, Tensor]


def serve() -> None:
    """Answer the questions of standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it ends this process
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what a model prints is no answer
        for line in sys.stdin.buffer:
            answers.write(msgspec.json.encode(answer(msgspec.json.decode(line, type=Question))) + b"\n")
            answers.flush()


def answer(question: Question) -> Answer:
    """Return the answer to a question; what goes wrong with an architecture is told of that one."""
    try:
        if question.do == "tell":
            return Answer(told=_tell())
        if question.do == "row":
            return Answer(row=_row(question.model_type))
        if question.do == "check":
            names = question.architectures
            return Answer(functions={name: _checked(question.model_type, name, question.check) for name in names})
        if question.do == "trace":
            return Answer(functions=dict(_each_traced(question)))
        do = {"build": _build, "load": _load, "repeat": _repeat}[question.do]
        forwarded = {}
        for name in question.architectures:
            began = time.monotonic()
            try:
                found = do(question.model_type, name, Path(question.folder) / name)
            except StageError as error:
                found = Forwarded(stage=error.stage, error=in_one_line(error.__cause__ or error))
            except FOREIGN as error:
                found = Forwarded(stage="build" if question.do == "build" else "load", error=in_one_line(error))
            forwarded[name] = msgspec.structs.replace(found, seconds=round(time.monotonic() - began, 4))
        return Answer(forwarded=forwarded)
    except HfciError as error:  # in one line, with the mend
        return Answer(error=str(error))
    except FOREIGN as error:
        return Answer(error=in_one_line(error))


# What a side is.


def _tell() -> Told:
    from hfci.testing.process_setup import prepare

    try:
        prepare("cpu")
    except FOREIGN:  # whatever was made of it, what transformers says itself comes first
        import transformers  # noqa: F401

        raise
    import torch

    from hfci.catalog import model_type_names, transformers_version
    from hfci.origin import Origin, find_transformers

    origin = Origin.at(find_transformers())
    return Told(
        transformers=transformers_version(),
        torch=str(torch.__version__),
        python=platform.python_version(),
        path=origin.path,
        digest=origin.digest,
        commit=origin.commit,
        model_types=model_type_names(),
    )


def _row(model_type: str) -> Row:
    from hfci.catalog import read_row, registries

    row = read_row(model_type)
    interfaces = {}
    for architecture in row.architectures:
        try:
            role = "base" if row.base is not None and architecture.name == row.base.name else "head"
            interfaces[architecture.name] = _interface(architecture, role)
        except FOREIGN as error:
            interfaces[architecture.name] = Interface(error=in_one_line(error.__cause__ or error))
    try:
        config = dict(_fields(registries.default_config(model_type).to_dict()))
    except FOREIGN as error:
        config = {"": f"has no default: {in_one_line(error.__cause__ or error)}"}
    configured_by = None
    with contextlib.suppress(*FOREIGN):
        cls = registries.config_class(model_type)
        configured_by = Function(_file_of(cls), cls.__qualname__)
    return Row(configured_by=configured_by, config=config, architectures=interfaces, error=row.error or row.reason)


def _file_of(cls: type[Any]) -> str:
    return f"{cls.__module__.removeprefix('transformers.').replace('.', '/')}.py"


def _interface(architecture: Any, role: Any) -> Interface:
    from hfci.catalog import registries
    from hfci.catalog.aliases import word_by_spelling
    from hfci.catalog.facts import forward_parameters
    from hfci.checks.table import TIERS, asked_of

    if architecture.error:
        return Interface(error=architecture.error)
    cls = registries.find_class(architecture.model_type, architecture.name)
    words = word_by_spelling(forward_parameters(cls))
    asked = (asked_of(architecture.known_facts, tier, role, architecture.tasks).names for tier in TIERS)
    return Interface(
        file=_file_of(cls),
        family=architecture.family,
        tasks=architecture.tasks,
        checks=tuple(sorted({name for names in asked for name in names})),
        arguments={word: spelled for spelled, word in words.items()},
        outputs=architecture.outputs,
    )


def _fields(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of a configuration, those of its parts with dots, and their values in short."""
    for name, value in config.items():
        if name in _MAKING:
            continue
        if isinstance(value, Mapping) and value and all(isinstance(key, str) for key in value):
            yield from _fields(value, f"{prefix}{name}.")
        else:
            text = repr(value)
            yield f"{prefix}{name}", text if len(text) <= 200 else f"{text[:200]}…"


# The first side.


def _build(model_type: str, architecture: str, folder: Path) -> Forwarded:
    """Build it, save it, and save what it is fed and what it gives; what cannot be handed on is left out."""
    import torch

    from hfci.checks.tensors import named_tensors
    from hfci.tiny import build_tiny
    from hfci.tiny.bundles import is_bundle

    tiny = build_tiny(model_type, architecture)
    outputs = _computed(tiny)
    given = tiny.inputs()
    folder.mkdir(parents=True)
    can_be_fed = not is_bundle(tiny.model) and _is_plain(given) and len(named_tensors(given))
    handed: _Handed = {"keys": _shapes(tiny.model), "inputs": given if can_be_fed else None, "outputs": outputs}
    torch.save(handed, folder / HANDED)
    if not is_bundle(tiny.model):
        tiny.save(folder / CHECKPOINT)
    return Forwarded(same=True)


def _repeat(model_type: str, architecture: str, folder: Path) -> Forwarded:
    """Load what this very side has saved, tell how that differs, and how far float error alone moves each field."""
    from hfci.checks.floor import noise_of
    from hfci.checks.goldens import CAP, FLOOR, tolerance

    found = _load(model_type, architecture, folder)
    tiny = _loaded(model_type, architecture, folder)
    noise = dict(zip(_outputs(tiny), _noise_by_place(tiny, noise_of(tiny)), strict=True))
    known = [value for value in noise.values() if value is not None]
    moved = {field.name: field.moved or 0.0 for field in found.fields}
    fields = []
    for name in (*noise, LOSS):
        floor = max(moved.get(name, 0.0), noise.get(name) or max(known, default=FLOOR))
        allowed = tolerance(floor) if math.isfinite(floor) else None
        fields.append(Field(name=name, moved=moved.get(name), allowed=allowed or max(CAP, min(2 * floor, 1e300))))
    return msgspec.structs.replace(found, fields=tuple(fields))


def _noise_by_place(tiny: TinyModel, noise: Mapping[str, float]) -> list[float | None]:
    from hfci.checks.running import reference

    return [noise.get(name) for name in reference(tiny)]


# The second side.


def _load(model_type: str, architecture: str, folder: Path) -> Forwarded:
    """Load what was saved, run it on what the first was fed, and tell how what it gives differs."""
    tiny = _loaded(model_type, architecture, folder)
    handed = _handed(folder)
    keys = tuple(_other_keys(handed["keys"], _shapes(tiny.model)))
    why = _fed_as_first(tiny, handed["inputs"])
    outputs, wanted = _computed(tiny), handed["outputs"]
    fields, gives = tuple(_other_fields(wanted, outputs)), tuple(_given_alone(wanted, outputs))
    return Forwarded(same=not fields, fields=fields, gives=gives, keys=keys, own_inputs=why)


def _loaded(model_type: str, architecture: str, folder: Path) -> TinyModel:
    """Return the tiny model of a checkpoint, or one built anew of a model that no checkpoint can be loaded into."""
    import torch

    from hfci.catalog import registries
    from hfci.checks.loading import has_its_own, loaded, reported
    from hfci.tiny import TinyModel, build_tiny
    from hfci.tiny.layout import lay_out_like
    from hfci.tiny.model import recipe_of

    if not (folder / CHECKPOINT).is_dir():
        return build_tiny(model_type, architecture)
    try:
        cls = registries.find_class(model_type, architecture)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            model, report = loaded(cls, str(folder / CHECKPOINT))
            if has_its_own(cls):  # it may not know of the report
                model = cls.from_pretrained(str(folder / CHECKPOINT), local_files_only=True)
    except FOREIGN as error:
        raise StageError("load", model_type, architecture, error) from error
    if problems := reported(report):
        said = RuntimeError(problems)
        raise StageError("load", model_type, architecture, said) from said
    lay_out_like(model, torch.nn.Module())  # where torch begins what it makes
    recipe = recipe_of(model_type, architecture, model.config)
    kind = getattr(model.config, "model_type", "") or model_type
    return TinyModel(model_type, architecture, model.eval(), recipe, torch.device("cpu"), config_type=kind)


def _handed(folder: Path) -> _Handed:
    import torch

    handed: _Handed = torch.load(folder / HANDED, weights_only=False)  # made by the first side, by this user
    return handed


def _fed_as_first(tiny: TinyModel, given: dict[str, Any] | None) -> str | None:
    """Feed it what the first side was fed, under the names of this one; or tell why it gets inputs of its own."""
    from hfci.catalog.facts import forward_parameters

    if given is None:
        return None
    names = forward_parameters(type(tiny.model))
    if unknown := [name for name in given if name not in names]:
        return f"its forward takes no {', '.join(unknown)}"
    tiny.use_inputs({names[name]: value for name, value in given.items()})
    return None


def _computed(tiny: TinyModel) -> dict[str, Tensor]:
    """Return what its forward gives by name, in words that are the same in every release, and its loss for labels."""
    import torch

    from hfci.checks.losses import loss_of

    outputs = _outputs(tiny)
    try:
        compute = loss_of(tiny)
        if compute is not None:
            with torch.no_grad():
                outputs[LOSS] = compute()
    except FOREIGN:  # it fails, given labels: the checks of losses say so
        return outputs
    return outputs


def _outputs(tiny: TinyModel) -> dict[str, Tensor]:
    from hfci.checks.running import reference_forward
    from hfci.checks.summaries import in_words
    from hfci.checks.tensors import named_tensors

    return {name: tensor.detach().clone() for name, tensor in named_tensors(in_words(reference_forward(tiny))).items()}


def _other_fields(wanted: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> Iterator[Field]:
    from hfci.checks.tensors import floating, relative_difference, same_bits

    for name in (name for name in wanted if name in got):
        old, new = wanted[name], got[name]
        if (old.shape, old.dtype) != (new.shape, new.dtype):
            kinds = (f"{str(each.dtype).removeprefix('torch.')} {list(each.shape)}" for each in (old, new))
            yield Field(name=name, what=" is now ".join(kinds))
        elif not same_bits(old, new):
            moved = relative_difference(old, new)
            what = "has other whole numbers" if not floating({name: old}) else "is finite elsewhere"
            yield Field(name=name, moved=moved) if math.isfinite(moved) else Field(name=name, what=what)


def _given_alone(wanted: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> Iterator[str]:
    """Yield which fields are given on one side alone, each with all that is in it as one."""
    fields = [{re.split(r"[.\[]", name)[0] for name in given if name != LOSS} for given in (wanted, got)]
    yield from (f"{name} is not given any more" for name in sorted(fields[0] - fields[1]))
    yield from (f"{name} is given too" for name in sorted(fields[1] - fields[0]))
    inner = [
        {re.sub(r"\d+", "N", name) for name in given if re.split(r"[.\[]", name)[0] in fields[0] & fields[1]}
        for given in (wanted, got)
    ]
    yield from (f"{name} is not given any more" for name in sorted(inner[0] - inner[1]))
    yield from (f"{name} is given too" for name in sorted(inner[1] - inner[0]))


def _shapes(model: Any) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in model.state_dict().items() if hasattr(tensor, "shape")}


def _other_keys(wanted: Mapping[str, list[int]], got: Mapping[str, list[int]]) -> Iterator[str]:
    yield from (f"{name} is gone" for name in wanted if name not in got)
    yield from (f"{name} is new" for name in got if name not in wanted)
    for name in wanted.keys() & got.keys():
        if wanted[name] != got[name]:
            yield f"{name} is {got[name]}, was {wanted[name]}"


def _is_plain(value: Any) -> bool:
    from hfci.tiny.layout import can_be_placed

    return can_be_placed(value)


# What an architecture executes.


def _each_traced(question: Question) -> Iterator[tuple[str, tuple[Function, ...]]]:
    for name in question.architectures:
        with contextlib.suppress(*FOREIGN):
            yield name, tuple(sorted(_traced(question.model_type, name, Path(question.folder) / name)))


def _traced(model_type: str, architecture: str, folder: Path) -> set[Function]:
    """Return the functions of transformers that making it, and its forward, execute; as far as they come."""
    from hfci.origin import find_transformers

    package = find_transformers()
    making: set[CodeType] = set()
    computing: set[CodeType] = set()
    with contextlib.suppress(*FOREIGN):
        with recording(making):
            tiny = _loaded(model_type, architecture, folder)
        _fed_as_first(tiny, _handed(folder)["inputs"])
        with recording(computing):
            _computed(tiny)
    made = {one for one in functions_of(making, package) if one.file not in _LOADING and "/" in one.file}
    return made | set(functions_of(computing, package))


def _checked(model_type: str, architecture: str, check: str) -> tuple[Function, ...]:
    """Return the functions of transformers that a check of it executes, however it ends."""
    from hfci.checks.asking import load_check
    from hfci.origin import find_transformers
    from hfci.tiny import build_tiny

    executed: set[CodeType] = set()
    with recording(executed), contextlib.suppress(*FOREIGN):
        load_check(check)(build_tiny(model_type, architecture))
    return tuple(sorted(functions_of(executed, find_transformers())))


if __name__ == "__main__":
    serve()
