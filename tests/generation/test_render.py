import ast
import re

import pytest
from transformers import GPT2Model

from hfci.cases.manifest import load_manifest
from hfci.catalog import families, read_row
from hfci.catalog.outputs import output_fields
from hfci.checks.table import CHECKS, asked_of
from hfci.errors import UsageError
from hfci.generation import generate, templates_dir


def test_every_template_belongs_to_a_family():
    known = {family.template for family in families().values()}
    assert {path.name for path in templates_dir().glob("*.py.jinja") if not path.name.startswith("_")} == known


def test_the_same_row_gives_the_same_bytes(rendered, tmp_path):
    again = tmp_path / "again"
    generate(["gpt2", "bert"], again, scratch=True, progress=False)
    paths = sorted(path.relative_to(rendered) for path in rendered.rglob("*") if path.is_file())
    assert [str(path) for path in paths] == [
        "manifest.json",
        "text_decoder/test_gpt2.py",
        "text_decoder/test_gpt2_deep.py",
        "text_decoder/test_gpt2_functional.py",
        "text_encoder/test_bert.py",
        "text_encoder/test_bert_deep.py",
        "text_encoder/test_bert_functional.py",
    ]
    for path in paths:
        assert (again / path).read_bytes() == (rendered / path).read_bytes()


def test_the_checks_that_apply_are_in_sight_each_on_a_line(rendered):
    smoke = (rendered / "text_decoder" / "test_gpt2.py").read_text()
    applicable = asked_of(read_row("gpt2").base.known_facts, "smoke", "base").names
    listed = re.findall(r'^        "(\w+)",$', smoke, re.MULTILINE)
    assert [*re.findall(r"^def test_(\w+)\(", smoke, re.MULTILINE)[:-1], *listed] == list(applicable)


def test_the_functional_tests_of_the_base_ask_what_the_smoke_tests_do_not(rendered):
    base = read_row("gpt2").base
    functional, smoke = (asked_of(base.known_facts, tier, "base").names for tier in ("functional", "smoke"))
    assert functional
    assert not {*functional} & {*smoke}
    text = (rendered / "text_decoder" / "test_gpt2_functional.py").read_text()
    section = text.partition("class TestGPT2Model:")[2].partition("\n\n\n")[0]
    assert tuple(re.findall(r'^            "(\w+)",$', section, re.MULTILINE)) == functional
    assert re.findall(r"def test_(\w+)\(", section) == ["invariant"]


def test_the_deep_tests_ask_of_the_base_what_they_ask_of_heads_and_more(rendered):
    text = (rendered / "text_decoder" / "test_gpt2_deep.py").read_text()
    assert 'tier="deep"' in text
    classes = dict(re.findall(r"^class Test(\w+):$(.*?)(?=^class |\Z)", text, re.MULTILINE | re.DOTALL))
    assert list(classes) == [architecture.name for architecture in read_row("gpt2").architectures]
    for architecture in read_row("gpt2").architectures:
        role = "base" if architecture == read_row("gpt2").base else "head"
        asked = asked_of(architecture.known_facts, "deep", role).names
        assert tuple(re.findall(r'^            "([^"]+)",$', classes[architecture.name], re.MULTILINE)) == asked
        assert ("configuration_changes_do_as_recorded" in asked) == (role == "base")


def test_a_base_is_asked_by_the_functional_tier_what_no_rule_excludes(tmp_path):
    generate(["speecht5_hifigan"], tmp_path, scratch=True, progress=False)  # convolutions that give a bare tensor
    rows = load_manifest(tmp_path / "manifest.json").model_types
    (row,) = (row for row in rows if row.model_type == "speecht5_hifigan")
    (case,) = (case for case in row.cases if case.tier == "functional")
    (base,) = row.architectures
    of_tasks = {name for name, check in CHECKS.items() if "task" in check.axes}  # of each, `excluded_tasks` says why
    due = {name for name, check in CHECKS.items() if check.is_of("functional", "base")} - of_tasks
    assert {"tuple_equals_dict", "loss_matches_definition"} <= set(base.excluded)
    assert {*case.checks, *base.excluded} >= due
    assert not {*case.checks} & {*base.excluded}
    text = (tmp_path / case.file).read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in case.checks)
    assert "tuple_equals_dict" not in text


def test_the_class_and_the_shapes_are_asserted_in_sight(rendered):
    text = (rendered / "text_decoder" / "test_gpt2.py").read_text()
    assert "from transformers import GPT2Model" in text
    assert "assert type(tiny.model) is GPT2Model" in text
    assert "assert outputs.last_hidden_state.shape == (batch, length, tiny.config.hidden_size)" in text
    assert f"assert outputs.{output_fields(GPT2Model)['cache']}.get_seq_length() == length" in text
    assert ast.parse(text)


def test_a_class_that_can_keep_no_cache_is_asked_for_none(tmp_path):
    # its output class, which many share, has a field for one since transformers 5.24
    generate(["modernvbert"], tmp_path, scratch=True, progress=False)
    assert "cache" not in (tmp_path / "vision_language" / "test_modernvbert.py").read_text()


def test_the_other_architectures_are_tested_by_family_and_head(rendered):
    text = (rendered / "text_decoder" / "test_gpt2_functional.py").read_text()
    names = [arch.name for arch in read_row("gpt2").architectures]
    assert re.findall(r"^class Test(\w+):$", text, re.MULTILINE) == ["ModelType", *names]
    assert "assert outputs.logits.shape == (batch, length, tiny.config.vocab_size)" in text
    assert "assert outputs.logits.shape == (batch, tiny.config.num_labels)" in text


@pytest.mark.parametrize("template", ["text_encoder.py.jinja", "_smoke.py.jinja"])
def test_an_unknown_variable_names_the_template_and_the_line(templates, tmp_path, template):
    source = templates / template
    lines = source.read_text().splitlines()
    if template == "text_encoder.py.jinja":
        lines += ["{% block shapes %}", "{% endblock %}"]
    number = 1 + next(n for n, line in enumerate(lines) if line.startswith(("def test_", "{% block shapes")))
    lines.insert(number, "    assert {{ modle_type }}")
    source.write_text("\n".join(lines) + "\n")
    outcome = generate(["bert"], tmp_path / "out", scratch=True, progress=False, templates=templates)
    found = outcome.manifest["bert"].architecture("BertModel")
    assert found.stage == "render"
    assert found.error.startswith(f"templates/{template}:{number + 1}: 'modle_type' is undefined")
    assert "Did you mean model_type" in found.error
    assert not (tmp_path / "out" / "text_encoder" / "test_bert.py").exists()


def test_a_template_that_does_not_parse_names_itself_and_the_line(templates, tmp_path):
    source = templates / "text_encoder.py.jinja"
    source.write_text(source.read_text() + "{% if %}\n")
    line = len(source.read_text().splitlines())
    with pytest.raises(UsageError, match=rf"templates/text_encoder.py.jinja:{line}: "):
        generate(["bert"], tmp_path / "out", scratch=True, progress=False, templates=templates)


def test_a_family_without_template_is_named(templates, tmp_path):
    (templates / "text_encoder.py.jinja").unlink()
    with pytest.raises(UsageError, match=r"no template text_encoder\.py\.jinja"):
        generate(["bert"], tmp_path / "out", scratch=True, progress=False, templates=templates)
