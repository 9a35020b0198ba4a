"""Does a chat template say what the messages say, and is it known which words are the assistant's?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from PIL import Image

from hfci.checks.applicability import NotApplicable
from hfci.checks.texts import letters, tokenizer_of
from hfci.tiny import TinyModel
from hfci.tiny.processors.samples import picture

__all__ = ["chat_template_renders"]

Message = dict[str, Any]

_SYSTEM, _QUESTION, _ANSWER, _THANKS = "be kind", "where is the cat", "on the mat", "thank you"
_CHAT: list[Message] = [
    {"role": "system", "content": _SYSTEM},
    {"role": "user", "content": _QUESTION},
    {"role": "assistant", "content": _ANSWER},
    {"role": "user", "content": _THANKS},
]
_CALL: dict[str, Any] = {"type": "function", "function": {"name": "look", "arguments": {"where": "mat"}}}
_CALLED: list[Message] = [
    {"role": "user", "content": _QUESTION},
    {"role": "assistant", "content": None, "tool_calls": [_CALL]},
    {"role": "tool", "name": "look", "content": _ANSWER},
]
_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "look at something",
        "parameters": {"type": "object", "properties": {"where": {"type": "string"}}},
    },
}
# Height and width of the images in a chat.
_SIZES = ((64, 64), (56, 84))


def chat_template_renders(tiny: TinyModel) -> None:
    """Assert that a chat is rendered whole and in order, tokenised as it is rendered, and the assistant's words known.

    Contents may be strings, lists of parts, or none beside a call, where a key of None is one that is not there; there
    are tools, a prompt to answer, an answer to go on with, and images. Raises `NotApplicable` where there is no
    template: nobody talks to the model.
    """
    tokenizer, processor = tokenizer_of(tiny), tiny.processors.processor
    speaker = processor if processor is not None and getattr(processor, "chat_template", None) else tokenizer
    if not getattr(speaker, "chat_template", None):
        raise NotApplicable("no head of its model type is one that is talked to")
    problems = [*_rendered(speaker), *_called(speaker), *_gone_on(speaker), *_tokenised(speaker, tokenizer)]
    problems += _assistants_words(speaker, tokenizer, _CHAT)
    if speaker is processor and getattr(processor, "image_token", None):
        problems += _with_images(speaker, tokenizer)
    if problems:
        raise AssertionError(f"{type(speaker).__name__}: {'; '.join(problems)}")


def _render(speaker: Any, chat: list[Message], **options: Any) -> str:
    text: str = speaker.apply_chat_template(chat, tokenize=False, **options)
    return text


def _rendered(speaker: Any) -> Iterator[str]:
    text, place = _render(speaker, _CHAT), 0
    for message in _CHAT:
        found = text.find(message["content"], place)
        if found < 0:
            yield f"{message['content']!r} does not follow in {text!r}"
        place = max(place, found)
    for count in (1, 2):
        in_parts = [
            {**message, "content": _parts(message["content"], count)} for message in _CHAT if message["content"]
        ]
        if (other := _render(speaker, in_parts)) != text:
            yield f"contents in {count} parts give {other!r}, strings {text!r}"
    together = speaker.apply_chat_template([_CHAT, _CHAT[:2]], tokenize=False)
    if list(together) != [text, _render(speaker, _CHAT[:2])]:
        yield "two chats at once are rendered otherwise than alone"
    if not (prompted := _render(speaker, _CHAT, add_generation_prompt=True)).startswith(text) or prompted == text:
        yield "add_generation_prompt adds no prompt behind the chat"


def _parts(text: str, count: int) -> list[Message]:
    middle = len(text) // count if count > 1 else len(text)
    return [{"type": "text", "text": part} for part in (text[:middle], text[middle:]) if part]


def _called(speaker: Any) -> Iterator[str]:
    with_tools, without = _render(speaker, _CALLED, tools=[_TOOL]), _render(speaker, _CALLED)
    if _TOOL["function"]["description"] not in with_tools or _TOOL["function"]["description"] in without:
        yield "tools do not stand in the text that has them, or in one that has none"
    if _CALL["function"]["name"] not in without or _ANSWER not in without:
        yield f"a call without content gives {without!r}"
    lacking = [{key: value for key, value in message.items() if value is not None} for message in _CALLED]
    text = _render(speaker, lacking)
    for key in ("content", "tool_calls"):
        if (other := _render(speaker, [{key: None, **message} for message in lacking])) != text:
            yield f"where {key} is None it is {other!r}, and {text!r} where there is none"


def _gone_on(speaker: Any) -> Iterator[str]:
    chat = _CHAT[:3]
    whole, begun = _render(speaker, chat), _render(speaker, chat, continue_final_message=True)
    if not whole.startswith(begun) or not begun.endswith(_ANSWER):
        yield f"continue_final_message ends in {begun[-20:]!r}"


def _tokenised(speaker: Any, tokenizer: Any) -> Iterator[str]:
    text = _render(speaker, _CHAT)
    tokens = _row(speaker.apply_chat_template(_CHAT, tokenize=True, return_dict=True)["input_ids"])
    is_begun = tokenizer.bos_token is not None and text.startswith(tokenizer.bos_token)
    options = {} if speaker is not tokenizer and not is_begun else {"add_special_tokens": False}
    wanted = _row(speaker(text=[text], **options)["input_ids"])
    if tokens != wanted:
        yield f"tokenised it is {tokens[:10]}, and {wanted[:10]} if it is rendered first"


def _row(values: Any) -> list[int]:
    """Return the only row of what may be a batch of one."""
    first = values[0]
    return list(values if isinstance(first, int) else first)


def _assistants_words(speaker: Any, tokenizer: Any, chat: list[Message]) -> Iterator[str]:
    """Yield where what is said to be the assistant's is not: its words, all of them, and no others."""
    if not tokenizer.is_fast:
        return
    answer = speaker.apply_chat_template(chat, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
    ids, mask = _row(answer["input_ids"]), _row(answer["assistant_masks"])
    told = tokenizer.decode([token for token, is_told in zip(ids, mask, strict=True) if is_told])
    others = tokenizer.decode([token for token, is_told in zip(ids, mask, strict=True) if not is_told])
    if tokenizer.unk_token_id in ids and tokenizer.unk_token_id is not None:
        return
    if letters(told) != letters(_ANSWER) or letters(_ANSWER) in letters(others):
        yield f"of the assistant, who says {_ANSWER!r}, are {told!r}"


def _with_images(speaker: Any, tokenizer: Any) -> Iterator[str]:
    pictures = [Image.fromarray(picture(*size, seed=seed)) for seed, size in enumerate(_SIZES)]
    images: list[Message] = [{"type": "image", "image": one} for one in pictures]
    chat: list[Message] = [
        {"role": "user", "content": [images[0], {"type": "text", "text": _QUESTION}, images[1]]},
        {"role": "assistant", "content": [{"type": "text", "text": _ANSWER}]},
        {"role": "user", "content": [{"type": "text", "text": _THANKS}]},
    ]
    yield from _assistants_words(speaker, tokenizer, chat)
