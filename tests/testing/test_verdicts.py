"""What a record keeps of a failure's words."""

from __future__ import annotations

from hfci.testing.verdicts import ERROR_LENGTH, Verdict


def test_a_long_message_keeps_its_beginning_and_its_end() -> None:
    message = Verdict.failed("TypeError", f"Net({'x' * 9_000}) argument after ** must be a mapping")["error"]["message"]
    assert len(message) <= ERROR_LENGTH
    assert message.startswith("Net(")
    assert message.endswith("argument after ** must be a mapping")


def test_a_message_of_the_length_that_is_kept_is_kept_whole() -> None:
    assert Verdict.failed("TypeError", "x" * ERROR_LENGTH)["error"]["message"] == "x" * ERROR_LENGTH
