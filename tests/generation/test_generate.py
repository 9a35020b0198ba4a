import json
import shutil
from importlib.resources import files

import jsonschema
import pytest

from hfci.cases.manifest import load_manifest
from hfci.catalog import model_type_names
from hfci.errors import UsageError
from hfci.generation import check, generate
from hfci.generation.problems import strays

BERT = "text_encoder/test_bert.py"
BERT_HEADS = "text_encoder/test_bert_functional.py"
BERT_DEEP = "text_encoder/test_bert_deep.py"


def schema():
    return json.loads((files("hfci.cases") / "data" / "manifest.schema.json").read_text())


def snapshot(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_manifest_has_a_row_for_every_model_type_and_fits_its_schema(rendered):
    data = json.loads((rendered / "manifest.json").read_text())
    jsonschema.validate(data, schema(), cls=jsonschema.Draft202012Validator)
    assert [row["model_type"] for row in data["model_types"]] == list(model_type_names())


@pytest.mark.parametrize(
    "change",
    [
        {"rung": "nearly"},
        {"base": None},
        {"cases": []},
        {"unknown": 1},
        {"architectures": [{"name": "A", "parameters": -1}]},
        {"architectures": [{"name": "A", "parameters": 1, "stage": "build", "error": "no"}]},
        {"architectures": [{"name": "A", "stage": "build"}]},
    ],
    ids=str,
)
def test_the_schema_refuses_a_row_that_contradicts_itself(rendered, change):
    data = json.loads((rendered / "manifest.json").read_text())
    next(row for row in data["model_types"] if row["model_type"] == "bert").update(change)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema())


def test_a_verified_model_type_has_its_parameters_in_the_manifest(tmp_path):
    outcome = generate(["bert"], tmp_path / "out", progress=False)
    row = outcome.manifest["bert"]
    assert (row.rung, row.files) == ("generated", (BERT, BERT_HEADS, BERT_DEEP))
    assert all(0 < arch.parameters <= 1_000_000 and arch.stage is None for arch in row.architectures)
    assert outcome.written == (BERT, BERT_HEADS, BERT_DEEP)
    assert check([], tmp_path / "out", progress=False) == ""


def test_rows_that_are_not_named_stay_as_they_are(out):
    before = load_manifest(out / "manifest.json")
    outcome = generate(["bert"], out, scratch=True, progress=False)
    assert outcome.written == ()
    assert outcome.manifest["gpt2"] == before["gpt2"]
    assert (out / "text_decoder" / "test_gpt2.py").exists()


def test_a_model_type_without_class_has_a_reason_and_no_file(tmp_path):
    outcome = generate(["nougat"], tmp_path / "out", scratch=True, progress=False)
    row = outcome.manifest["nougat"]
    assert (row.rung, row.files) == ("catalogued", ())
    assert row.reason


def test_there_is_no_drift_in_what_was_just_generated(out):
    assert check([], out, progress=False) == ""


def test_an_edited_file_is_drift_and_the_diff_shows_the_edit(out):
    text = (out / BERT).read_text()
    (out / BERT).write_text(text.replace("checks.builds_tiny(tiny)", "checks.builds_tiny(tiny)  # by hand"))
    found = check([], out, progress=False)
    assert "-    checks.builds_tiny(tiny)  # by hand\n+    checks.builds_tiny(tiny)\n" in found
    assert BERT in found


def test_a_missing_a_stray_and_a_linked_file_are_drift(out, rendered):
    (out / BERT).unlink()
    (out / "text_encoder" / "test_mine.py").write_text("")
    (out / "text_decoder" / "test_gpt2.py").unlink()
    (out / "text_decoder" / "test_gpt2.py").symlink_to(rendered / "text_decoder" / "test_gpt2.py")
    found = check([], out, progress=False)
    assert "--- /dev/null" in found
    assert "test_mine.py" in found
    assert "test_gpt2.py: a symbolic link" in found


def test_line_ends_and_bytes_that_are_no_text_are_drift(out):
    good = (out / BERT).read_bytes()
    for data in (good.replace(b"\n", b"\r\n"), good + b"\xff", good.rstrip(b"\n")):
        (out / BERT).write_bytes(data)
        assert check(["bert"], out, progress=False)


def test_an_edited_manifest_is_drift(out):
    path = out / "manifest.json"
    manifest = json.loads(path.read_text())
    next(row for row in manifest["model_types"] if row["model_type"] == "bert")["architectures"].pop(0)
    path.write_text(json.dumps(manifest))
    assert '+{"model_type": "bert"' in check([], out, progress=False)


def test_a_pattern_that_names_nothing_proposes_the_nearest(tmp_path):
    with pytest.raises(UsageError, match=r"no model type or architecture matches 'b-ert'. Did you mean bert"):
        generate(["b-ert"], tmp_path / "out", progress=False)


def test_a_manifest_of_another_transformers_is_left_alone(out):
    path = out / "manifest.json"
    path.write_text(path.read_text().replace('"transformers": "', '"transformers": "0.'))
    before = snapshot(out)
    for call in (generate, check):
        with pytest.raises(UsageError, match="was rendered for transformers 0"):
            call(["bert"], out, progress=False)
    assert snapshot(out) == before


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path):
    (tmp_path / "file").write_text("")
    before = snapshot(tmp_path)
    with pytest.raises(UsageError, match="cannot write"):
        generate(["bert"], tmp_path / "file" / "generated", scratch=True, progress=False)
    assert snapshot(tmp_path) == before


def test_a_write_that_fails_halfway_leaves_everything_as_it_was(out):
    """gpt2's folder is a file: it is met after bert's file has been replaced."""
    text = (out / BERT).read_text()
    (out / BERT).write_text(text + "# by hand\n")
    shutil.rmtree(out / "text_decoder")
    (out / "text_decoder").write_text("in the way")
    before = snapshot(out)
    with pytest.raises(UsageError, match="it was left as it was"):
        generate(["bert", "gpt2"], out, scratch=True, progress=False)
    assert snapshot(out) == before
    assert not list(out.glob(".staging-*"))


def test_a_file_that_is_no_longer_due_goes_away(out):
    path = out / "manifest.json"
    manifest = json.loads(path.read_text())
    row = next(row for row in manifest["model_types"] if row["model_type"] == "bert")
    for case in row["cases"]:
        case["file"] = case["file"].replace(BERT, "vision/test_bert.py")
    path.write_text(json.dumps(manifest))
    (out / "vision").mkdir()
    (out / BERT).rename(out / "vision" / "test_bert.py")
    outcome = generate(["bert"], out, scratch=True, progress=False)
    assert (outcome.written, outcome.removed) == ((BERT,), ("vision/test_bert.py",))
    assert not (out / "vision").exists()
    assert strays(out, [path for row in outcome.manifest.model_types for path in row.files]) == []


# What is not hfci's own stays.


def edited(out, change):
    """Change the row of bert in the manifest of `out`."""
    path = out / "manifest.json"
    manifest = json.loads(path.read_text())
    change(next(row for row in manifest["model_types"] if row["model_type"] == "bert"))
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("absolute", [False, True])
def test_a_manifest_cannot_have_a_file_outside_its_folder_removed(out, absolute):
    victim = out.parent / "victim.txt"
    victim.write_text("precious")
    edited(out, lambda row: row["cases"][0].update(file=str(victim) if absolute else "../victim.txt"))
    before = snapshot(out)
    for call in (generate, check):
        with pytest.raises(UsageError, match="file must be a path within the folder"):
            call(["bert"], out, progress=False)
    assert victim.read_text() == "precious"
    assert snapshot(out) == before


def test_a_file_that_hfci_did_not_render_is_not_removed_whatever_a_manifest_says(out):
    (out / "mine.py").write_text("precious = 1\n")
    edited(out, lambda row: row["cases"][0].update(file="mine.py"))
    before = snapshot(out)
    with pytest.raises(UsageError, match=r"mine\.py was not rendered by hfci and would be lost"):
        generate(["bert"], out, scratch=True, progress=False)
    assert snapshot(out) == before


@pytest.mark.parametrize("has_manifest", [False, True])
def test_a_file_of_somebody_else_is_not_overwritten(tmp_path, has_manifest):
    mine = tmp_path / "generated" / BERT
    mine.parent.mkdir(parents=True)
    mine.write_text("def test_mine() -> None:\n    assert 1 + 1 == 2\n")
    if has_manifest:
        generate(["nougat"], tmp_path / "generated", scratch=True, progress=False)
    before = snapshot(tmp_path)
    with pytest.raises(UsageError, match=r"test_bert\.py was not rendered by hfci .* move it away"):
        generate(["bert"], tmp_path / "generated", scratch=True, progress=False)
    assert snapshot(tmp_path) == before


def test_what_hfci_rendered_is_overwritten_without_a_manifest_too(out, rendered):
    (out / "manifest.json").unlink()
    (out / BERT).write_text((out / BERT).read_text() + "# an older template\n")
    assert generate(["bert"], out, scratch=True, progress=False).written == (BERT,)
    assert (out / BERT).read_bytes() == (rendered / BERT).read_bytes()


def test_a_folder_in_the_place_of_a_file_is_not_lost(out):
    (out / BERT).unlink()
    (out / BERT).mkdir()
    (out / BERT / "mine.txt").write_text("precious")
    before = snapshot(out)
    with pytest.raises(UsageError, match=r"test_bert\.py is a folder where a file is to be: move it away"):
        generate(["bert"], out, scratch=True, progress=False)
    assert snapshot(out) == before


def test_nothing_is_written_through_a_linked_folder(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated" / "text_encoder").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="text_encoder leads out of"):
        generate(["bert"], tmp_path / "generated", scratch=True, progress=False)
    assert list((tmp_path / "elsewhere").iterdir()) == []
