"""Where in transformers a failure comes from, as a record says it."""

from __future__ import annotations

from pathlib import Path

import pytest
import transformers

from hfci.errors import Differs, StageError
from hfci.testing.frames import library_frame
from hfci.testing.verdicts import judge


def raised(tmp_path: Path) -> BaseException:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="Unrecognized model") as found:
        transformers.AutoConfig.from_pretrained(str(tmp_path), local_files_only=True)
    return found.value


def test_the_innermost_frame_is_the_line_of_transformers(tmp_path: Path) -> None:
    frame = library_frame(raised(tmp_path))
    assert frame is not None
    source = Path(transformers.__file__).parents[1] / frame["path"]
    assert source.read_text(encoding="utf-8").splitlines()[frame["line"] - 1].strip() == frame["source"]
    assert frame["path"] == "transformers/models/auto/configuration_auto.py"
    assert frame["function"] == "AutoConfig.from_pretrained"


def test_of_a_stage_it_is_that_of_what_stopped_it(tmp_path: Path) -> None:
    error = raised(tmp_path)
    stopped = StageError("config", "bert", None, error)
    stopped.__cause__ = error
    assert library_frame(stopped) == library_frame(error)
    verdict = judge(stopped, building=True)
    assert verdict["error"]["frame"] == library_frame(error)
    assert verdict["error"]["module"] is None


def test_what_a_check_asserts_has_none_but_may_name_a_module() -> None:
    assert library_frame(AssertionError("no")) is None
    verdict = judge(Differs("two forwards differ", "encoder.layer.0"), building=False)
    assert verdict["error"] == {
        "type": "AssertionError",
        "message": "two forwards differ",
        "traceback": "",
        "frame": None,
        "module": "encoder.layer.0",
    }


def test_errors_that_cause_each_other_end() -> None:
    one, other = ValueError("a"), ValueError("b")
    one.__cause__, other.__cause__ = other, one
    assert library_frame(one) is None
