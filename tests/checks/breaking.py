"""Breaking real models on purpose, in the model and in what is loaded from its files, to see what is red."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from torch import nn

from hfci import checks
from hfci.catalog.requirements import absent_packages, needs
from hfci.checks import exceptions
from hfci.errors import StageError
from hfci.tiny import TinyModel

from .class_patches import as_subclass

ROOT = Path(__file__).parents[2]
_COUNTER = itertools.count()


def broken(tiny: TinyModel, break_modules: Callable[[nn.Module], None] | None = None, **members: Any) -> TinyModel:
    """Return the tiny model with its class replaced by a subclass of the same name that has `members`.

    `break_modules` changes modules of the model in place; the subclass does the same to each model it
    creates, so that the loaded model is broken alike.
    """
    tiny.reference = None
    whole = type(tiny.model)
    if "forward" in members:
        # The signature must stay: inputs are made for what it asks for.
        functools.update_wrapper(members["forward"], whole.forward)

    if break_modules is not None:

        def create(self: nn.Module, *arguments: Any, **options: Any) -> None:
            whole.__init__(self, *arguments, **options)
            break_modules(self)

        members["__init__"] = create
        break_modules(tiny.model)
    as_subclass(tiny.model, **members)
    return tiny


@contextmanager
def of_packages_that_are_here() -> Iterator[None]:
    """Skip a test whose model wants a package that is absent, and say which."""
    try:
        yield
    except (ImportError, StageError) as error:
        if absent := absent_packages(error):
            pytest.skip(needs(absent))
        raise


def with_recipe(tiny: TinyModel, **fields: Any) -> TinyModel:
    """Return the tiny model with some fields of its recipe replaced."""
    return replace(tiny, recipe=structs.replace(tiny.recipe, **fields))


def with_exception(tiny: TinyModel, asked: str | None = None, **kinds: str | dict[str, str]) -> TinyModel:
    """Return the tiny model with exceptions of these kinds: why, or of outputs and parameters names with why.

    They are to the check `asked`, or to the one that knows such, and of a model type that no other model is of.
    """
    model_type = f"{tiny.config_type}, excepted {next(_COUNTER)}"
    for kind, said in kinds.items():
        (check,) = (name for name, row in checks.CHECKS.items() if kind in row.exceptions and asked in (None, name))
        names = {"why": "for the test", "names": said} if isinstance(said, dict) else {"why": said}
        row = exceptions.CheckException(kind=kind, model_types=(model_type,), **names)
        exceptions._rows()[check] = (*exceptions._rows().get(check, ()), row)
    return replace(tiny, config_type=model_type)


def smoke_checks() -> tuple[str, ...]:
    """Return the checks that the smoke tier asks of an architecture, in their order.

    Those that compare with data are not among them: whatever is broken is another number there.
    """
    return tuple(name for name, check in checks.CHECKS.items() if check.is_of("smoke", "base") and not check.data)


def reds(tiny: TinyModel) -> dict[str, str]:
    """Run every smoke check and return the message of each that is red."""
    messages = {}
    for check in smoke_checks():
        try:
            checks.load_check(check)(tiny)
        except AssertionError as error:
            messages[check] = str(error)
    return messages


def only_red(tiny: TinyModel, check: str) -> str:
    """Assert that exactly this check is red and return its message."""
    messages = reds(tiny)
    assert list(messages) == [check], messages
    return messages[check]
