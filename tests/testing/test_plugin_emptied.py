"""A test that was emptied of its check has not passed, whatever is left of it."""

from __future__ import annotations

from pathlib import Path

from .support import by_check, read_lines, run_pytest

GENERATED = Path(__file__).parents[2] / "generated" / "text_encoder"
CALL = "checks.assert_holds(tiny, check)"
SIGNATURE = "def test_invariant(tiny: TinyModel, check: str) -> None:"

# By model type, of the text of its test what is replaced, and by what: one way to empty a test each.
EMPTIED = {
    "albert": (CALL, "pass"),
    "bert": (CALL, '"""Nothing."""'),
    "electra": (f"{SIGNATURE}\n    {CALL}", f"{SIGNATURE.replace('tiny: TinyModel, ', '')}\n    assert True"),
    "ernie": (CALL, f"return\n    {CALL}"),
    "mpnet": (CALL, "try:\n        checks.assert_holds(None, check)\n    except AttributeError:\n        pass"),
    "roberta": (CALL, "checks.builds_tiny(tiny)"),
    "rembert": (CALL, "from hfci.tiny import build_tiny\n\n    checks.assert_holds(build_tiny('rembert'), check)"),
    "squeezebert": ("    checks.forward_is_finite(tiny)\n", ""),
}


def test_an_emptied_test_fails_alone(tmp_path: Path) -> None:
    for model_type, (what, by) in EMPTIED.items():
        whole = (GENERATED / f"test_{model_type}.py").read_text(encoding="utf-8")
        assert what in whole
        (tmp_path / f"test_{model_type}.py").write_text(whole.replace(what, by), encoding="utf-8")
    # In one process: it starts once for all.
    done = run_pytest(tmp_path, "-k", "builds_tiny or forward_is")
    assert done.returncode == 1, done.stdout
    records = by_check(read_lines(tmp_path / "out")[1])
    failed = {name: record["error"] for name, record in records.items() if record["outcome"] == "failed"}
    emptied = {name: "forward_is_finite" if name == "squeezebert" else "forward_is_deterministic" for name in EMPTIED}
    assert failed.keys() == {f"{name}.{check}" for name, check in emptied.items()}
    for name, check in emptied.items():
        error = failed[f"{name}.{check}"]
        assert error["type"] == "AssertsNothing"
        assert error["message"] == f"the test passed without running checks.{check} on its tiny model"
