"""An exception of a library is diagnosed by its type, and by that of what it came from."""

from __future__ import annotations

import errno

import pytest

from hfci.preflight.diagnosis import diagnose

ABOUT = {"model": "org/name", "revision": "main", "endpoint": "https://hub"}


def of(error: BaseException) -> str:
    return diagnose(error, "load", ABOUT).code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/cache/x"), "disk_too_small"),
        (OSError(errno.EACCES, "Permission denied"), "unexpected"),
        (ModuleNotFoundError("No module named 'no_such.x'", name="no_such.x"), "package_missing"),
        (
            ImportError("\nXProcessor requires the NoSuchThing library but it was not found in your environment."),
            "package_missing",
        ),
        (ImportError("cannot import name 'x' from 'torch'", name="torch"), "unexpected"),
        (ZeroDivisionError("division by zero"), "unexpected"),
    ],
)
def test_a_type_says_what_it_is(error: BaseException, code: str) -> None:
    assert of(error) == code


def test_a_disk_that_is_full_is_named_whatever_the_error_says() -> None:
    diagnosis = diagnose(OSError(errno.ENOSPC, "No space left on device"), "download", ABOUT)
    assert diagnosis.facts["place"]


def test_what_an_error_was_raised_from_knows_more() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as cause:
            raise ValueError("could not save") from cause
    except ValueError as error:
        diagnosis = diagnose(error, "load", ABOUT)
    assert diagnosis.code == "disk_too_small"
    assert "could not save" in diagnosis.evidence
