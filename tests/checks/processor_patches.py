"""What breaks a tokenizer or a processor."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Patch = Callable[[Any], None]


def deaf_to(option: str) -> Patch:
    """Return a patch by which a tokenizer reads a text as if it had not been told an option."""

    def patch(tokenizer: Any) -> None:
        encode = tokenizer._encode_plus
        usual: dict[str, Any] = {}

        def deaf(*arguments: Any, **options: Any) -> Any:
            options.pop(option, None)
            return encode(*arguments, **usual, **options)

        tokenizer._encode_plus = deaf

    return patch


def a_letter_lost(tokenizer: Any) -> None:
    decode = tokenizer.decode
    tokenizer.decode = lambda *arguments, **options: decode(*arguments, **options).replace("t", "", 1)


def special_tokens_never_skipped(tokenizer: Any) -> None:
    decode = tokenizer.decode
    tokenizer.decode = lambda ids, **options: decode(ids, **{**options, "skip_special_tokens": False})


def saved_without(field: str) -> Patch:
    """Return a patch by which a tokenizer is saved as if a field of its configuration were another."""

    def patch(tokenizer: Any) -> None:
        save = tokenizer.save_pretrained
        if field == "padding_side":
            tokenizer.padding_side = "left"

        def forgetful(folder: str, **options: Any) -> Any:
            saved = save(folder, **options)
            file = Path(folder, "tokenizer_config.json")
            said = json.loads(file.read_text())
            said.pop(field, None)
            file.write_text(json.dumps(said))
            return saved

        tokenizer.save_pretrained = forgetful

    return patch


def changed_by_saving(tokenizer: Any) -> None:
    """Have a tokenizer read texts otherwise from when it was saved, as what it saved does not."""
    save = tokenizer.save_pretrained

    def changing(folder: str, **options: Any) -> Any:
        saved = save(folder, **options)
        special_tokens_ignored(tokenizer)
        return saved

    tokenizer.save_pretrained = changing


def special_tokens_ignored(tokenizer: Any) -> None:
    encode = tokenizer._encode_plus
    tokenizer._encode_plus = lambda *given, **options: encode(*given, **{**options, "add_special_tokens": False})


def saved_as_another(processor: Any) -> None:
    """Have a processor that bundles others saved with its image processor changed."""
    save = processor.save_pretrained

    def other(folder: str, **options: Any) -> Any:
        saved = save(folder, **options)
        for file in Path(folder).glob("*processor_config.json"):
            said = json.loads(file.read_text())
            part = said.get("image_processor", said)
            part["do_normalize"] = not part.get("do_normalize", True)
            file.write_text(json.dumps(said))
        return saved

    processor.save_pretrained = other


def a_placeholder_more(field: str) -> Patch:
    """Return a patch by which a processor writes one placeholder more, as a field of it says."""

    def patch(processor: Any) -> None:
        setattr(processor, field, getattr(processor, field) + 1)

    return patch


def template_without(word: str) -> Patch:
    """Return a patch by which a chat template does not know what it is told by a name."""

    def patch(tokenizer: Any) -> None:
        tokenizer.chat_template = tokenizer.chat_template.replace(word, f"un{word}")

    return patch


def what_is_none_written(tokenizer: Any) -> None:
    """Have a template told of a key that has None as of one that has the word."""
    apply = tokenizer.apply_chat_template

    def told(chat: Any, **options: Any) -> Any:
        if isinstance(chat[0], dict):
            chat = [{key: "None" if value is None else value for key, value in message.items()} for message in chat]
        return apply(chat, **options)

    tokenizer.apply_chat_template = told


def masked_before_images(processor: Any) -> None:
    """Have the assistant's words looked for where they were before placeholders were written out."""
    adjust = processor._adjust_assistant_masks_indices

    def unmoved(answer: Any, spans: Any) -> Any:
        answer.pop("text_replacement_offsets", None)
        return adjust(answer, spans)

    processor._adjust_assistant_masks_indices = unmoved
