"""The page of what hfci can see: it says what the data in this folder say, and counts what the results hold."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hfci.cases.manifest import MANIFEST, load_manifest
from hfci.errors import UsageError

from .faults import Fault
from .fixes import read_fixes, with_tests
from .page import FIXES, PAGE, TRIED, Explained, families, page, read_explained, written
from .results import Result, Results
from .trials import GENERATED, Ended


def result(model_type: str, **fields: object) -> Result:
    """Return the result of a fault that no check sees, with other `fields`."""
    fault = Fault(model_type, "models/x/modeling_x.py", "sign", "f, line 2: `-x` → `x`", 2, 24, 26, "x")
    return msgspec.structs.replace(Result.of(fault, Ended(asked=1)), **fields)


def test_the_page_is_what_the_data_give() -> None:
    manifest = load_manifest(GENERATED / MANIFEST)
    assert PAGE.read_text(encoding="utf-8") == written(families(manifest)), "run `nox -s mutants -- --page`"


def test_each_explanation_is_of_a_fault_that_is_not_seen() -> None:
    unseen = [each for each in (*Results(TRIED).every, *Results(FIXES).every) if not each.is_seen]
    idle = [f"{each.model_type}: {each.place}" for each in read_explained() if not any(map(each.is_about, unseen))]
    assert idle == []


def test_each_fix_that_was_undone_is_still_one() -> None:
    known = {str(fix) for fix in read_fixes(with_tests(load_manifest(GENERATED / MANIFEST)))}
    assert {each.place for each in Results(FIXES).every} <= known


def test_it_counts_what_the_results_hold() -> None:
    results = [
        result("bert", red={"eager_equals_sdpa": "AssertionError: a|b"}),
        result("bert", red={"golden_output": "other"}),
        result("bert", broken="it took more than 5 s"),
        result("vit", reached=False),
        result("vit", place="f, line 9: it | is"),
    ]
    fixes = [
        result("bert", kind="mask", place="a fix"),
        result("vit", kind="mask", place="a fix", red={"causal_mask_hides_future": "AssertionError: seen"}),
        result("vit", kind="cache", place="another fix"),
    ]
    explained = (Explained("vit", "f, line 9", "both are the same", is_equivalent=True),)
    text = page(results, fixes, explained, {"bert": "text_encoder", "vit": "vision"})
    assert "5 mutants of 2 model types" in text
    assert "| text_encoder | 3 | 100% | 67% | 100% |" in text
    assert "| vision | 1 | 0% | 0% | 0% |" in text
    assert "| **together** | 4 | 75% | 50% | 75% |" in text
    assert "| `eager_equals_sdpa` | 1 |" in text
    assert "2 fixes that transformers made" in text
    assert "| mask | 1 | 100% | 100% |" in text
    assert "| cache | 1 | 0% | 0% |" in text
    assert "| vit | f, line 9: it \\| is | does the same: both are the same |" in text
    assert "not read yet; golden outputs see it" in text


@pytest.mark.parametrize(
    "row", ['model_type = "bert"', 'model_type = "bert"\nplace = "f"\nwhy = ""', 'place = "f"\nwhy = "x"\nmore = 1']
)
def test_an_explanation_that_says_too_little_or_too_much_is_told(row: str, tmp_path: Path) -> None:
    file = tmp_path / "survivors.toml"
    file.write_text(f"[[survivor]]\n{row}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="survivors"):
        read_explained(file)
