import shutil

import msgspec
import pytest

from hfci.cases.manifest import load_manifest
from hfci.catalog import families, read_row
from hfci.errors import NothingToDo, UsageError
from hfci.generation import consistency, fix

BERT = "text_encoder/test_bert.py"
BERT_HEADS = "text_encoder/test_bert_functional.py"
GPT2 = "text_decoder/test_gpt2.py"


def told(out, **options):
    found = consistency([], out, progress=False, **options)
    return [(problem.rule, problem.file, problem.line) for problem in found.problems]


def test_what_was_generated_is_consistent_and_counted_per_family(rendered):
    found = consistency([], rendered, progress=False)
    assert found.problems == ()
    lines = {line.family: line for line in found.families}
    assert set(lines) == set(families())
    architectures = [arch for name in ("bert", "gpt2") for arch in read_row(name).architectures]
    for name, line in lines.items():
        assert line.architectures == sum(arch.family == name for arch in architectures)
        assert line.covered == 0  # rendered without verification
    assert lines["text_encoder"].checks["builds_tiny"] == lines["text_encoder"].architectures
    assert lines["text_encoder"].checks["save_load_roundtrip"] == 1
    assert lines["vision"].tests_a_file == (0, 0)


def test_only_what_was_verified_is_covered(out):
    path = out / "manifest.json"
    before = '{"name": "BertModel", "family": "text_encoder"'
    assert path.read_text().count(before) == 1
    path.write_text(path.read_text().replace(before, before + ', "parameters": 5'))
    (line,) = [line for line in consistency([], out, progress=False).families if line.family == "text_encoder"]
    assert line.covered == 1


def test_a_file_that_differs_from_its_template_is_told_with_its_line(out):
    lines = (out / BERT).read_text().splitlines(keepends=True)
    lines[9] = "from hfci import checks as others\n"
    (out / BERT).write_text("".join(lines))
    (out / BERT_HEADS).write_text((out / BERT_HEADS).read_text() + "# more\n")
    (out / GPT2).unlink()
    end = len((out / BERT_HEADS).read_text().splitlines())
    assert told(out) == [("drift", GPT2, 1), ("drift", BERT, 10), ("drift", BERT_HEADS, end)]


@pytest.mark.parametrize(
    ("taken", "fields", "tasks", "said"),
    [
        (("image",), ("logits",), (), "takes image"),
        (("text",), ("waveform",), (), "gives waveform"),
        (("text",), ("logits",), ("image-classification",), "serves image-classification"),
    ],
)
def test_an_architecture_that_contradicts_its_family_is_told(taken, fields, tasks, said):
    (found,) = families()["text_encoder"].contradictions(taken, fields, tasks)
    assert found.startswith(said)
    assert "the family text_encoder " in found


def test_an_architecture_that_keeps_to_its_family_is_not_told():
    family = families()["text_encoder"]
    assert list(family.contradictions(("text",), ("last_hidden_state",), ("feature-extraction",))) == []
    assert list(family.contradictions(("text",), (), ())) == []
    bare = msgspec.structs.replace(family, outputs=())
    assert len(list(bare.contradictions((), ("logits",), ()))) == 1


def test_nothing_is_mended_where_nothing_drifted(out):
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert fix(out, progress=False) == ([], [])
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_drift_a_wrong_task_and_a_missing_file_are_mended_and_told(out, rendered):
    text = (out / BERT).read_text()
    (out / BERT).write_text(text.replace('tier="smoke",', 'tier="smoke",\n    task="image-classification",'))
    (out / BERT_HEADS).write_bytes(b"\xff not even text")
    (out / GPT2).unlink()
    fixed, left = fix(out, progress=False)
    assert left == []
    why = {one.file: [problem.rule for problem in one.why] for one in fixed}
    assert why == {BERT: ["registries"], BERT_HEADS: ["parses"], GPT2: ["file"]}
    for path in (BERT, BERT_HEADS, GPT2):
        assert (out / path).read_bytes() == (rendered / path).read_bytes()
    assert fix(out, progress=False) == ([], [])


def test_a_folder_without_manifest_is_mended_by_what_its_files_say(rendered, tmp_path):
    folder = tmp_path / "mine" / "deeper"
    folder.mkdir(parents=True)
    shutil.copy(rendered / BERT, folder / "test_anything.py")
    shutil.copy(rendered / BERT_HEADS, folder / "test_bert_functional.py")
    (folder / "test_anything.py").write_text(
        (rendered / BERT).read_text().replace("is_finite(tiny)", "is_finite( tiny)")
    )
    (folder / "test_bert_functional.py").write_text("def broken(:\n")
    (folder / "test_by_hand.py").write_text("def test_mine():\n    assert 2 > 1\n")
    fixed, left = fix(tmp_path / "mine", progress=False)
    assert [one.file for one in fixed] == ["deeper/test_anything.py", "deeper/test_bert_functional.py"]
    assert [problem.file for problem in left] == ["deeper/test_by_hand.py"]
    assert (folder / "test_anything.py").read_bytes() == (rendered / BERT).read_bytes()
    assert (folder / "test_bert_functional.py").read_bytes() == (rendered / BERT_HEADS).read_bytes()
    assert (folder / "test_by_hand.py").read_text().startswith("def test_mine")


def test_somebody_else_s_test_of_a_model_type_is_left_alone_whatever_its_name(rendered, tmp_path):
    (tmp_path / "mine").mkdir()
    shutil.copy(rendered / GPT2, tmp_path / "mine" / "test_gpt2.py")
    mine = "def test_bert() -> None:\n    assert 2 > 1\n"
    (tmp_path / "mine" / "test_bert.py").write_text(mine)
    fixed, left = fix(tmp_path / "mine", progress=False)
    assert fixed == []
    assert [problem.file for problem in left] == ["test_bert.py"]
    assert (tmp_path / "mine" / "test_bert.py").read_text() == mine


def test_a_link_is_replaced_and_what_it_points_at_left_alone(out, tmp_path):
    outside = tmp_path / "outside.py"
    outside.write_text("precious")
    (out / BERT).unlink()
    (out / BERT).symlink_to(outside)
    fix(out, progress=False)
    assert outside.read_text() == "precious"
    assert not (out / BERT).is_symlink()


def test_an_empty_a_missing_and_a_foreign_folder_are_refused(tmp_path, out):
    with pytest.raises(NothingToDo, match="holds no generated test"):
        fix(_empty(tmp_path), progress=False)
    with pytest.raises(UsageError, match="no such folder"):
        fix(tmp_path / "nowhere", progress=False)
    path = out / "manifest.json"
    path.write_text(path.read_text().replace('"transformers": "', '"transformers": "0.'))
    for call in (lambda: fix(out, progress=False), lambda: consistency([], out, progress=False)):
        with pytest.raises(UsageError, match="was rendered for transformers 0"):
            call()


def _empty(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def test_the_manifest_of_the_checkout_tells_every_family_apart(request):
    manifest = load_manifest(request.config.rootpath / "generated" / "manifest.json")
    assert {family for row in manifest.model_types for family in row.families} == set(families())
