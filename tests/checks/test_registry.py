"""The table of checks can be read without torch, and names functions that exist."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hfci import checks
from hfci.errors import UsageError


def test_reading_the_table_imports_neither_torch_nor_transformers() -> None:
    program = """
import sys
from hfci import checks
print(checks.NotApplicable("by design"), [check.name for check in checks.checks_of_tier("smoke")])
sys.exit(any(name in sys.modules for name in ("torch", "transformers")))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "'builds_tiny', 'forward_is_finite', 'forward_is_deterministic'" in run.stdout


def test_every_check_is_exported_and_has_a_docstring() -> None:
    for name in checks.CHECKS:
        assert name in checks.__all__
        assert getattr(checks, name) is checks.load_check(name)
        assert checks.load_check(name).__doc__


def test_an_unknown_check_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean forward_is_finite"):
        checks.load_check("forward_is_finit")
    with pytest.raises(AttributeError):
        _ = checks.forward_is_finit


def test_not_applicable_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        checks.NotApplicable(" ")
