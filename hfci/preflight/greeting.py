"""Having a model say hello: a text generator goes on with a greeting, any other serves its pipeline task once."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from hfci.errors import in_one_line
from hfci.preflight.configuration import Configuration
from hfci.preflight.diagnosis import Diagnosed
from hfci.preflight.loading import Loaded, is_text_generator, load_tokenizer

__all__ = ["PROMPT", "Greeting", "greet"]

PROMPT = "Hello, world!"
_NEW_TOKENS = 16
_LONGEST = 2_000
_LONGEST_PROMPT = 50_000  # tokens; what templates say of tools and rules takes some thousands

# Settings of an evaluation that only a chat template reads.
_OF_TEMPLATES = ("chat_template_args", "enable_thinking")


class Greeting(msgspec.Struct, frozen=True, kw_only=True):
    """What a model said.

    - `task`: the pipeline task; `prompt`: what it was given; `text`: what it gave, as text
    - `chat_template`: whether the prompt went through one; `prompt_tokens`: how many it has; `tokens`: how many are new
    - `seconds`: it took, and `tokens_per_second`; null for what generates nothing
    - `warnings`: what is odd, and no failure
    """

    task: str
    prompt: str
    text: str
    chat_template: bool = False
    prompt_tokens: int = 0
    tokens: int = 0
    seconds: float = 0.0
    tokens_per_second: float | None = None
    warnings: tuple[str, ...] = ()


def greet(
    configuration: Configuration, loaded: Loaded, tokenizer: tuple[str, str | None], *, is_twin: bool = False
) -> Greeting:
    """Return what the model says; Diagnosed where its tokenizer, its template or what it gives will not do.

    `tokenizer` is where that lies, and the commit. What a twin says is of no matter.
    """
    if is_text_generator(loaded):
        return _continue(configuration, loaded, load_tokenizer(configuration, *tokenizer), is_twin)
    return _serve(configuration, loaded, is_twin)


def _continue(configuration: Configuration, loaded: Loaded, tokenizer: Any, is_twin: bool) -> Greeting:
    import torch

    model = loaded.model
    _require_fit(model, tokenizer, configuration)
    inputs, has_template = _prompt(configuration, tokenizer)
    inputs = {name: value.to(model.device) for name, value in inputs.items() if name != "token_type_ids"}
    begun = time.perf_counter()
    with torch.no_grad():
        outputs = model.generate(
            **inputs,
            max_new_tokens=_NEW_TOKENS,
            do_sample=False,
            return_dict_in_generate=True,
            output_logits=True,
            pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
        )
    seconds = time.perf_counter() - begun
    logits = torch.stack(outputs.logits)
    if not is_twin and not torch.isfinite(logits.float()).all():
        raise Diagnosed("generation_nonfinite", what="of the logits " + _strange(logits))
    new = outputs.sequences[0, -len(outputs.logits) :]
    text = tokenizer.decode(new, skip_special_tokens=True)
    if not is_twin and not text.strip():
        raise Diagnosed("generation_empty", tokenizer.decode(new), tokens=len(new))
    is_stuck = len(new) > 1 and len(set(new.tolist())) == 1
    return Greeting(
        task="text-generation",
        prompt=PROMPT,
        text=text[:_LONGEST],
        chat_template=has_template,
        prompt_tokens=inputs["input_ids"].shape[1],
        tokens=len(new),
        seconds=round(seconds, 3),
        tokens_per_second=round(len(new) / seconds, 2),
        warnings=("it repeats one token",) if is_stuck else (),
    )


def _require_fit(model: Any, tokenizer: Any, configuration: Configuration) -> None:
    """Raise Diagnosed where the tokenizer gives tokens that the model has no embeddings for."""
    rows = model.get_input_embeddings().weight.shape[0]
    largest, number = max(tokenizer.get_vocab().items(), key=lambda item: item[1], default=("", -1))
    if number >= rows:
        name = configuration.model.tokenizer or configuration.model.name
        raise Diagnosed("tokenizer_does_not_match", tokenizer=name, token=repr(largest)[:80], number=number, rows=rows)


def _prompt(configuration: Configuration, tokenizer: Any) -> tuple[Mapping[str, Any], bool]:
    """Return the tokens of the prompt, and whether they went through a chat template: where there is one."""
    asked = configuration.model
    name = asked.tokenizer or asked.name
    if not tokenizer.chat_template:
        if any(getattr(asked, setting) is not None for setting in _OF_TEMPLATES):
            raise Diagnosed("chat_template_missing", tokenizer=name)
        return tokenizer(PROMPT, return_tensors="pt"), False
    options = dict(asked.chat_template_args or {})
    if asked.enable_thinking is not None:
        options["enable_thinking"] = asked.enable_thinking
    message = [{"role": "user", "content": PROMPT}]
    try:
        inputs = tokenizer.apply_chat_template(
            message, add_generation_prompt=True, return_tensors="pt", return_dict=True, **options
        )
    except Exception as error:
        raise Diagnosed("chat_template_broken", repr(error), tokenizer=name, why=in_one_line(error)) from error
    if (tokens := inputs["input_ids"].shape[1]) > _LONGEST_PROMPT:
        raise Diagnosed("chat_template_broken", tokenizer=name, why=f"it makes {tokens:,} tokens of it")
    return inputs, True


def _strange(logits: Any) -> str:
    import torch

    counts = {"NaN": int(torch.isnan(logits).sum()), "infinite": int(torch.isinf(logits).sum())}
    return ", ".join(f"{count:,} are {what}" for what, count in counts.items() if count)


# Pipeline tasks.


def _loads(task: str, part: str) -> bool:
    """Tell whether the pipeline of a task loads that part itself: it keeps the place of any other as it is."""
    from transformers.pipelines import SUPPORTED_TASKS

    tasks: Mapping[str, Any] = SUPPORTED_TASKS
    kind = tasks[task]["impl"]
    if isinstance(kind, str):
        module, _, name = kind.rpartition(".")
        kind = getattr(importlib.import_module(module), name)
    return getattr(kind, f"_load_{part}", None) is not False


_PARTS = ("tokenizer", "image_processor", "feature_extractor", "processor")


def _serve(configuration: Configuration, loaded: Loaded, is_twin: bool) -> Greeting:
    """Have the pipeline of its task do what it does with the smallest input of its kind."""
    from transformers import AutoFeatureExtractor, pipeline

    extractor: Any = AutoFeatureExtractor

    task = configuration.model.task or _task_of(loaded.loaded_by)
    make: Any = pipeline
    where: dict[str, Any] = {"trust_remote_code": configuration.model.trust_remote_code}
    where |= {"revision": loaded.commit} if loaded.commit else {}
    parts: dict[str, Any] = {part: loaded.place for part in _PARTS if _loads(task, part)}
    if _INPUTS[task] is _sound:  # beside a model that is loaded, the pipeline would look for it at no place
        parts["feature_extractor"] = extractor.from_pretrained(loaded.place, **where)
    pipe = make(
        task,
        model=loaded.model,
        **parts,
        **where,
        device=None if hasattr(loaded.model, "hf_device_map") else loaded.model.device,
    )
    prompt, given, options = _INPUTS[task](pipe)
    begun = time.perf_counter()
    answer = pipe(given, **options)
    seconds = time.perf_counter() - begun
    if not is_twin:
        _require_finite(answer)
    return Greeting(task=task, prompt=prompt, text=_in_words(answer)[:_LONGEST], seconds=round(seconds, 3))


def _task_of(auto_class: str) -> str:
    """Return the task that models of an auto class serve, of those that can be asked here."""
    from hfci.catalog.registries import tasks_by_auto_class

    tasks = [task for task, _ in tasks_by_auto_class().get(auto_class, ())]
    found = next((task for task in tasks if task in _INPUTS), None)
    if found is None:
        known = ", ".join(sorted(_INPUTS))
        problem = f"no task for what {auto_class} loads can be tried; `task` may name one of {known}"
        raise Diagnosed("config_invalid", problem=problem)
    return found


def _require_finite(answer: Any) -> None:
    """Raise Diagnosed where a pipeline gave a number that is none."""
    import numpy as np

    if not all(np.isfinite(np.asarray(each, dtype=float)).all() for each in _numbers(answer)):
        raise Diagnosed("generation_nonfinite", repr(answer), what="of what the pipeline gives, numbers are not finite")


def _in_words(answer: Any) -> str:
    """Return the first thing that a pipeline gave, as a text."""
    first = answer[0] if isinstance(answer, list) and answer else answer
    if isinstance(first, dict):
        said = {name: value for name, value in first.items() if name != "input_text"}  # which repeats the prompt
        return ", ".join(f"{name}: {_short(value)}" for name, value in said.items())
    return _short(first)


def _numbers(answer: Any) -> list[Any]:
    if isinstance(answer, dict):
        return [number for value in answer.values() for number in _numbers(value)]
    if isinstance(answer, list | tuple):
        return [number for value in answer for number in _numbers(value)]
    return [answer] if isinstance(answer, float) or getattr(getattr(answer, "dtype", None), "kind", "") == "f" else []


def _short(value: Any) -> str:
    shape = getattr(value, "shape", None) or getattr(value, "size", None)
    return (
        f"{type(value).__name__} of {tuple(shape)}" if shape is not None and not isinstance(value, str) else str(value)
    )


# What a task is given: how it is told, the input, and options of the call.
_Given = tuple[str, Any, dict[str, Any]]


def _text(_: Any) -> _Given:
    return PROMPT, PROMPT, {}


def _masked(pipe: Any) -> _Given:
    text = f"Hello, {pipe.tokenizer.mask_token}!"
    return text, text, {}


def _image(_: Any) -> _Given:
    from hfci.checks.pipelines.media import images

    return "a striped image", images()[0], {}


def _image_and_text(pipe: Any) -> _Given:
    from hfci.checks.pipelines.media import images

    options = {"max_new_tokens": _NEW_TOKENS, "return_full_text": False}
    if pipe.processor is not None and getattr(pipe.processor, "chat_template", None):
        content = [{"type": "image", "image": images()[0]}, {"type": "text", "text": PROMPT}]
        return f"a striped image, {PROMPT}", [{"role": "user", "content": content}], options
    token = getattr(pipe.processor, "image_token", None) or ""
    given = {"images": images()[0], "text": f"{token}{PROMPT}"}
    return f"a striped image, {PROMPT}", given, options


def _sound(pipe: Any) -> _Given:
    from hfci.checks.pipelines.media import sounds

    rate = pipe.feature_extractor.sampling_rate
    options = {"generate_kwargs": {"max_new_tokens": _NEW_TOKENS}} if pipe.model.can_generate() else {}
    return "half a second of two tones", {"raw": sounds(rate)[0], "sampling_rate": rate}, options


def _candidates(pipe: Any) -> _Given:
    prompt, given, _ = _image(pipe) if "image" in pipe.task else _sound(pipe) if "audio" in pipe.task else _text(pipe)
    given = given["raw"] if isinstance(given, dict) else given
    return prompt, given, {"candidate_labels": ["a greeting", "a farewell"]}


_INPUTS: Mapping[str, Callable[[Any], _Given]] = {
    "fill-mask": _masked,
    **dict.fromkeys(
        ("feature-extraction", "text-classification", "token-classification", "text-to-audio", "text-generation"), _text
    ),
    **dict.fromkeys(
        (
            "image-classification",
            "image-feature-extraction",
            "image-segmentation",
            "object-detection",
            "depth-estimation",
            "mask-generation",
        ),
        _image,
    ),
    **dict.fromkeys(("image-text-to-text", "any-to-any"), _image_and_text),
    **dict.fromkeys(("automatic-speech-recognition", "audio-classification"), _sound),
    **dict.fromkeys(
        ("zero-shot-image-classification", "zero-shot-audio-classification", "zero-shot-classification"), _candidates
    ),
}
