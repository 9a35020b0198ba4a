"""What a phase that ended with an error means, and what a record keeps of its words."""

from __future__ import annotations

import pytest

from hfci.errors import StageError
from hfci.testing.verdicts import ERROR_LENGTH, Verdict, judge

LACKING = ImportError("AutoImageProcessor requires the Natten library but it was not found in your environment.")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (LACKING, "unavailable"),  # raised by what a check itself calls
        (StageError("build", "vit", "ViTModel", LACKING), "unavailable"),
        (ImportError("cannot import name 'x' from 'json'"), "failed"),
        (AssertionError("natten is not installed"), "failed"),
    ],
)
def test_what_lacks_a_package_is_unavailable(error: Exception, outcome: str) -> None:
    if isinstance(error, StageError):
        error.__cause__ = LACKING
    assert judge(error, building=False)["outcome"] == outcome


def test_a_long_message_keeps_its_beginning_and_its_end() -> None:
    message = Verdict.failed("TypeError", f"Net({'x' * 9_000}) argument after ** must be a mapping")["error"]["message"]
    assert len(message) <= ERROR_LENGTH
    assert message.startswith("Net(")
    assert message.endswith("argument after ** must be a mapping")


def test_a_message_of_the_length_that_is_kept_is_kept_whole() -> None:
    assert Verdict.failed("TypeError", "x" * ERROR_LENGTH)["error"]["message"] == "x" * ERROR_LENGTH
