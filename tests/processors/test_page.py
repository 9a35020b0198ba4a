"""The table of processor classes has each that transformers names, by an independent count, and is what there is."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import transformers

from hfci.catalog import registries
from hfci.catalog.requirements import is_absent
from hfci.checks.processor_survey import processor_classes, survey
from hfci.errors import UsageError

from .page import PAGE, PINNED, WITH_TORCHVISION, page, read_survey

AUTO = Path(transformers.__file__).parent / "models" / "auto"
# Kind → the file of the auto class, and the name of its table.
TABLES = {
    "tokenizer": ("tokenization_auto.py", "TOKENIZER"),
    "image_processor": ("image_processing_auto.py", "IMAGE_PROCESSOR"),
    "video_processor": ("video_processing_auto.py", "VIDEO_PROCESSOR"),
    "feature_extractor": ("feature_extraction_auto.py", "FEATURE_EXTRACTOR"),
    "processor": ("processing_auto.py", "PROCESSOR"),
}
# So many classes are built again, spread over all kinds.
AGAIN = 12


def counted(kind: str) -> set[str]:
    """Return the names with a capital in the tables of a kind, by their text alone; the keys have none, but for one."""
    file, table = TABLES[kind]
    names: set[str] = set()
    for source in (AUTO / "auto_mappings.py", AUTO / file):
        for rows in re.findall(rf"^ *(?:MISSING_)?{table}_MAPPING_NAMES =.*?^ *\)\n", source.read_text(), re.M | re.S):
            names |= set(re.findall(r'[ :]"([A-Z]\w+)"', rows))
    return names


@pytest.mark.parametrize("kind", TABLES)
def test_each_class_that_the_text_of_a_table_names_has_one_row_in_both_environments(kind: str) -> None:
    for path in (PINNED, WITH_TORCHVISION):
        rows = [row for row in read_survey(path).classes if row.kind == kind]
        assert {row.name for row in rows} == counted(kind)
        assert max(Counter(row.name for row in rows).values()) == 1
        keys = {key for row in rows for key in row.keys}
        assert keys == registries.processor_tables()[kind].keys()


def test_the_survey_was_made_of_what_is_installed() -> None:
    for path in (PINNED, WITH_TORCHVISION):
        found = read_survey(path)
        assert found.transformers == transformers.__version__
        assert {(row.kind, row.name): set(row.keys) for row in found.classes} == {
            which: set(keys) for which, keys in processor_classes().items()
        }
    assert "torchvision" in read_survey(WITH_TORCHVISION).packages
    assert "torchvision" not in read_survey(PINNED).packages


def test_whoever_is_not_the_same_has_a_reason_and_a_package_that_is_missing_is_named() -> None:
    for path in (PINNED, WITH_TORCHVISION):
        found = read_survey(path)
        for row in found.classes:
            assert (row.built_for is not None) == (row.ending in ("same", "another")), row
            assert (row.why == "") == (row.ending == "same"), row
            if row.ending == "unavailable":
                (lacking,) = re.findall(r"^needs ([\w, -]+): pip install", row.why)
                assert not {*lacking.split(", ")} & found.packages.keys(), row


@pytest.mark.skipif(not is_absent("torchvision"), reason="the pinned environment has no torchvision")
def test_classes_built_again_end_as_they_did() -> None:
    rows = read_survey(PINNED).classes
    again = rows[7 :: len(rows) // AGAIN]
    assert {row.kind for row in again} == TABLES.keys()
    assert tuple(survey({(row.kind, row.name): row.keys for row in again})) == again


def test_a_name_means_the_classes_of_its_rows_built_for_it() -> None:
    own = processor_classes({"bert", "wav2vec2"})
    assert own["tokenizer", "BertTokenizer"] == ("bert",)
    assert len(processor_classes()["tokenizer", "BertTokenizer"]) > 1
    tables = registries.processor_tables()
    named = {(kind, name) for kind in TABLES for key in ("bert", "wav2vec2") for name in tables[kind].get(key, ())}
    assert named <= own.keys()
    assert {key for keys in own.values() for key in keys} == {"bert", "wav2vec2"}


def test_the_page_is_what_was_found() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.processors"


def test_a_survey_that_is_none_is_refused(tmp_path: Path) -> None:
    for content, said in (("", "is no survey"), ('{"schema": 1}', "this hfci reads 2"), ('{"schema": 2}', "classes")):
        file = tmp_path / "survey.json"
        file.write_text(content)
        with pytest.raises(UsageError, match=said):
            read_survey(file)
