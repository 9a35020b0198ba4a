"""Names mean the same of a manifest, for runs and plans, and of the catalog, for generating and listing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfci.cases.manifest import Manifest, load_manifest
from hfci.errors import UsageError
from hfci.generation.select import select as of_catalog
from hfci.planning.select import select as of_manifest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return load_manifest(ROOT / "generated" / "manifest.json")


@pytest.mark.parametrize(
    ("patterns", "some"),
    [
        (["qwen*"], {"qwen2", "qwen2_vl"}),
        (["BertModel"], {"bert"}),
        (["BertFor*"], {"bert"}),
        (["*ForMaskedLM"], {"bert", "roberta"}),
        (["family:vision_lang*"], {"llava", "qwen2_vl"}),
        (["family:audio_codec", "bert"], {"encodec", "bert"}),
        (["family:component"], {"sam_prompt_encoder"}),
        (["SamModel"], {"sam"}),
        (["CLIPVisionModel", "v[i]t"], {"clip_vision_model", "vit"}),
        ([], {"bert", "llama"}),
    ],
)
def test_a_name_means_the_same_of_both(manifest: Manifest, patterns: list[str], some: set[str]) -> None:
    found = of_catalog(patterns)
    assert [row.model_type for row in of_manifest(manifest, patterns).rows] == list(found)
    assert some <= set(found)
    assert patterns == [] or len(found) < 300


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("brt", "no model type or architecture matches 'brt'. Did you mean bert"),
        ("BertForMaskedML", "Did you mean BertForMaskedLM"),
        ("family:visoin", "no family matches 'visoin'. Did you mean vision"),
        ("family:", "no family matches ''"),
        ("zzz*", "no model type or architecture matches 'zzz*'"),
        ("", "no model type or architecture matches ''"),
    ],
)
def test_what_names_nothing_is_the_same_wrong_use(manifest: Manifest, pattern: str, said: str) -> None:
    for ask in (of_catalog, lambda patterns: of_manifest(manifest, patterns)):
        with pytest.raises(UsageError) as told:
            ask([pattern])
        assert said in str(told.value)
