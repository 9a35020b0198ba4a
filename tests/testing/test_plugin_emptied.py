"""A test that was emptied of its check has not passed, whatever is left of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .support import by_check, read_lines, run_pytest

GENERATED = Path(__file__).parents[2] / "generated"
WHOLE = (GENERATED / "text_encoder" / "test_bert.py").read_text(encoding="utf-8")
CALL = "checks.assert_holds(tiny, check)"
SIGNATURE = "def test_invariant(tiny: TinyModel, check: str) -> None:"

EMPTIED = {
    "pass": WHOLE.replace(CALL, "pass"),
    "docstring": WHOLE.replace(CALL, '"""Nothing."""'),
    "no subject": WHOLE.replace(
        f"{SIGNATURE}\n    {CALL}", f"{SIGNATURE.replace('tiny: TinyModel, ', '')}\n    assert True"
    ),
    "left early": WHOLE.replace(CALL, f"return\n    {CALL}"),
    "swallowed": WHOLE.replace(
        CALL, "try:\n        checks.assert_holds(None, check)\n    except AttributeError:\n        pass"
    ),
    "another check": WHOLE.replace(CALL, "checks.builds_tiny(tiny)"),
    "another model": WHOLE.replace(
        CALL, "from hfci.tiny import build_tiny\n\n    checks.assert_holds(build_tiny('bert'), check)"
    ),
    "shapes only": WHOLE.replace("    checks.forward_is_finite(tiny)\n", ""),
}


@pytest.mark.parametrize("how", EMPTIED)
def test_an_emptied_test_fails_alone(tmp_path: Path, how: str) -> None:
    assert EMPTIED[how] != WHOLE
    (tmp_path / "test_bert.py").write_text(EMPTIED[how], encoding="utf-8")
    done = run_pytest(tmp_path, "-k", "builds_tiny or forward_is")
    assert done.returncode == 1, done.stdout
    records = by_check(read_lines(tmp_path / "out")[1])
    (check,) = (name for name, record in records.items() if record["outcome"] == "failed")
    assert check == ("bert.forward_is_finite" if how == "shapes only" else "bert.forward_is_deterministic")
    error = records[check]["error"]
    assert error["type"] == "AssertsNothing"
    assert error["message"] == f"the test passed without running checks.{check[5:]} on its tiny model"
