"""Two transformers compared: the installed one, and the same with some lines changed, in real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import msgspec
import pytest

from hfci.releases.cases import changed_cases, run_cases
from hfci.releases.change_report import sections, write_html, write_markdown
from hfci.releases.changes import SCHEMA_FILE, ArchitectureChange, ChangeKind, Changes, ModelTypeChange
from hfci.releases.comparing import compared, folder_of
from hfci.releases.environments import Environment, Store
from hfci.releases.measurements import Told
from hfci.releases.sides import parse_side
from hfci.releases.source_diff import SourceDiff
from tests.releases.variants import make_variant
from tests.warm import COLD

STOPS = r"""def hostile(*_, **__):
    raise ValueError("<b>\x1b[31mno</b>\n::error::x")


"""
LLAMA = "models/llama/modeling_llama.py"
CHANGES = {
    # other numbers
    LLAMA: (("self.variance_epsilon)", "self.variance_epsilon + 0.01)"),),
    # the same, added up otherwise
    "models/gpt2/modeling_gpt2.py": (
        ("hidden_states = attn_output + residual", "hidden_states = (attn_output * 3.0 + residual * 3.0) / 3.0"),
    ),
    # an argument by another name
    "models/mpnet/modeling_mpnet.py": (
        ("class MPNetModel(MPNetPreTrainedModel):", "class MPNetModel(MPNetPreTrainedModel):\n    renamed = True"),
    ),
    # weights by another name
    "models/vit/modeling_vit.py": (
        ("self.layernorm = nn.LayerNorm", "self.last_norm = nn.LayerNorm"),
        ("self.layernorm(hidden_states)", "self.last_norm(hidden_states)"),
    ),
    # a field of the configuration, and what it is by default
    "models/t5/configuration_t5.py": (
        ("    is_decoder: bool = False\n", "    is_decoder: bool = False\n    added: int = 3\n"),
    ),
    # stops
    "models/bert/modeling_bert.py": (
        ("@auto_docstring\nclass BertForMaskedLM", f"{STOPS}@auto_docstring\nclass BertForMaskedLM"),
    ),
    # gone and new
    "models/auto/auto_mappings.py": (('        ("distilbert", "DistilBertConfig"),\n', ""),),
}
GOLDEN = "llama/LlamaModel/golden_output[device=cpu]"
NAMES = ("llama", "gpt2", "mpnet", "vit", "t5", "bert", "distilbert")


@pytest.fixture(scope="module")
def variant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_variant(tmp_path_factory.mktemp("variant"), CHANGES)
    package = folder / "src" / "transformers"
    edit(
        package / "models/mpnet/modeling_mpnet.py",
        "class MPNetModel(",
        ("attention_mask: ", "attending: "),
        ("attention_mask=attention_mask,\n        )", "attention_mask=attending,\n        )"),
    )
    edit(
        package / "models/bert/modeling_bert.py",
        "class BertForMaskedLM(",
        ("        outputs = self.bert(", "        hostile()\n        outputs = self.bert("),
    )
    return folder


def edit(path: Path, after: str, *replacements: tuple[str, str]) -> None:
    """Replace in the class that begins so, and nowhere else; of the last pair every occurrence."""
    text = path.read_text(encoding="utf-8")
    begin = text.index(after)
    end = text.find("\nclass ", begin + 1)
    own = text[begin:end]
    for old, new in replacements:
        assert old in own
        own = own.replace(old, new)
    path.write_text(text[:begin] + own + text[end:], encoding="utf-8")


@pytest.fixture(scope="module")
def changes(variant: Path) -> Iterator[Changes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(variant)
        store = Store(variant / "environments", 2**30)
        with (
            store.environment(parse_side("installed")) as first,
            store.environment(parse_side(str(variant))) as second,
            compared(first, second, 1) as comparer,
        ):
            folder = comparer.folder
            rows = tuple(comparer.compare(comparer.choose(NAMES)))
            left = [path for path in folder.iterdir() if path.is_dir() and path.name != "hfci-alone"]
            yield Changes(
                before="installed",
                after="variant",
                sides=comparer.told,
                names=NAMES,
                model_types=rows,
                sources=comparer.sources,
            )
        assert left == []  # checkpoints go as they are compared
        assert not folder.exists()


def of(changes: Changes, model_type: str) -> tuple[ModelTypeChange, dict[str, ArchitectureChange]]:
    (row,) = (row for row in changes.model_types if row.model_type == model_type)
    return row, {each.name: each for each in row.architectures}


def test_other_numbers_are_told_with_how_much_in_what_and_the_line(changes: Changes) -> None:
    _, architectures = of(changes, "llama")
    model = architectures["LlamaModel"]
    assert {each.kind for each in architectures.values()} == {ChangeKind.NUMERICS}
    (field,) = (field for field in model.fields if field.name == "last_hidden_state")
    assert field.moved is not None
    assert field.allowed is not None
    assert field.moved > 1e-3 > field.allowed
    (source,) = (changes.sources[key] for key in model.sources)
    assert (source.file, source.name) == (LLAMA, "LlamaRMSNorm.forward")
    assert (
        "+        hidden_states = hidden_states * torch.rsqrt(variance + self.variance_epsilon + 0.01)" in source.diff
    )
    assert source.diff.count("\n+") == source.diff.count("\n-") == 1
    assert not model.interface


def test_another_order_of_sums_is_float_error_and_what_is_alike_has_the_same_bits(changes: Changes) -> None:
    _, architectures = of(changes, "gpt2")
    assert {each.kind for each in architectures.values()} <= {ChangeKind.NOISE, ChangeKind.SAME}
    assert architectures["GPT2Model"].kind == ChangeKind.NOISE
    assert {each.kind for each in of(changes, "t5")[1].values()} == {ChangeKind.SAME}
    kinds = {name: each.kind for name, each in of(changes, "bert")[1].items()}
    assert {kind for name, kind in kinds.items() if name != "BertForMaskedLM"} == {ChangeKind.SAME}


def test_what_it_takes_and_is_configured_by_is_told(changes: Changes) -> None:
    _, architectures = of(changes, "mpnet")
    model = architectures["MPNetModel"]
    assert "argument attention_mask is gone" in model.interface
    assert "argument attending is new" in model.interface
    assert model.kind == ChangeKind.SAME
    row, _ = of(changes, "t5")
    assert row.config == ("field added is new",)
    assert {changes.sources[key].name for key in row.config_sources} == {"T5Config"}


def test_what_it_is_asked_no_more_is_told(changes: Changes) -> None:
    model = of(changes, "mpnet")[1]["MPNetModel"]
    gone = [line for line in model.interface if line.startswith("check ") and line.endswith(" applies no more")]
    assert "check attention_mask_hides_padding applies no more" in gone  # it has no mask to say what is padding
    assert not [line for line in of(changes, "t5")[1]["T5Model"].interface if line.startswith("check ")]


def test_the_cases_of_a_tier_newly_fail_and_the_other_way_round_are_fixed(
    changes: Changes, variant: Path, tmp_path: Path
) -> None:
    store = Store(tmp_path / "environments", 2**30)
    ran = []
    for side in ("installed", str(variant)):
        with store.environment(parse_side(side)) as environment:
            ran.append(
                run_cases(
                    environment, ("llama", "--tier", "smoke", "--check", "golden_output"), tmp_path / str(len(ran))
                )
            )
    failing, fixed = changed_cases(*ran)
    assert ([each.case for each in failing], fixed) == ([GOLDEN], ())
    assert (failing[0].before, failing[0].after) == ("passed", "failed")
    assert "--check golden_output" in failing[0].reproduce
    assert [each.case for each in changed_cases(*reversed(ran))[1]] == [GOLDEN]
    alike = msgspec.structs.replace(changes, model_types=of(changes, "t5")[:1], tier="smoke")
    assert not alike.is_red
    red = msgspec.structs.replace(alike, failing=failing)
    assert red.is_red
    titles = {section.title: [entry.title for entry in section.entries] for section in sections(red)}
    assert titles["Newly failing"] == [GOLDEN]
    assert msgspec.structs.replace(alike, fixed=failing).is_red is False


def test_what_stops_is_told_with_the_stage_and_the_reason(changes: Changes) -> None:
    stopped = of(changes, "bert")[1]["BertForMaskedLM"]
    assert (stopped.kind, stopped.stage) == (ChangeKind.FAILS, "forward")
    assert "ValueError" in (stopped.error or "")
    assert {changes.sources[key].name for key in stopped.sources} >= {"BertForMaskedLM.forward"}
    vit = of(changes, "vit")[1]["ViTModel"]
    assert (vit.kind, vit.stage) == (ChangeKind.FAILS, "load")
    assert "last_norm.weight" in (vit.error or "")
    assert changes.is_red


def test_a_model_type_of_one_side_alone_is_removed(changes: Changes) -> None:
    row, architectures = of(changes, "distilbert")
    assert row.is_there == "removed"
    assert {each.kind for each in architectures.values()} == {ChangeKind.REMOVED}
    assert "DistilBertModel" in architectures


def test_the_document_is_what_its_schema_says_and_comes_back(changes: Changes) -> None:
    content = msgspec.json.encode(changes)
    jsonschema.validate(json.loads(content), json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    assert msgspec.json.decode(content, type=Changes) == changes
    assert sum(changes.counts.values()) == sum(len(row.architectures) for row in changes.model_types)


def test_every_change_is_shown_and_hostile_text_is_inert(changes: Changes, tmp_path: Path) -> None:
    shown = {section.title: section for section in sections(changes)}
    assert shown["Fails now"].count == changes.counts[ChangeKind.FAILS]
    assert sum(len(entry.lines) for entry in shown["Numerics changed"].entries) == changes.counts[ChangeKind.NUMERICS]
    markdown = write_markdown(changes)
    write_html(tmp_path / "changes.html", changes)
    page = (tmp_path / "changes.html").read_text(encoding="utf-8")
    for text in (markdown, page):
        assert "LlamaRMSNorm.forward" in text.replace("&#46;", ".")
        assert "<b>\x1b" not in text
        assert "\x1b" not in text
    assert "::error::x" not in markdown
    assert "<script" not in page
    assert "default-src &#39;none&#39;" in page


def test_a_source_or_a_name_with_a_tag_is_escaped(tmp_path: Path) -> None:
    told = Told(transformers="<i>", torch="2", python="3", path="/", digest="0")
    bad = "<script>alert(1)</script>"
    row = ModelTypeChange(
        model_type=bad,
        architectures=(ArchitectureChange(name=bad, kind=ChangeKind.NUMERICS, sources=("k",), error=bad),),
    )
    changes = Changes(
        before=bad, after=bad, sides=(told, told), model_types=(row,), sources={"k": SourceDiff(bad, bad, f"+{bad}")}
    )
    write_html(tmp_path / "x.html", changes)
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "<script" not in page + write_markdown(changes)


@pytest.mark.parametrize("name", ["../../x", "/etc", "a/b", ".", "bert"])
def test_what_a_checkout_calls_a_model_type_is_no_path(name: str) -> None:
    assert re.fullmatch("[0-9a-f]{16}", folder_of(name))


def test_a_side_that_cannot_be_imported_says_why(variant: Path, tmp_path: Path) -> None:
    broken = make_variant(
        tmp_path / "broken", {"__init__.py": (("__version__ =", "raise ImportError('wants torch 99')\n__version__ ="),)}
    )
    from hfci.errors import EnvironmentUnfit

    side = parse_side(str(broken))
    environment = Environment(side, Path(COLD), (broken / "src",))
    installed = Environment(parse_side("installed"), Path(COLD))
    with pytest.raises(EnvironmentUnfit, match="wants torch 99"), compared(installed, environment, 1):
        pass
    assert variant.is_dir()


def test_interrupted_it_shows_what_it_has_and_leaves_nothing(variant: Path, tmp_path: Path) -> None:
    out = tmp_path / "changes.json"
    command = [
        sys.executable,
        "-m",
        "hfci",
        "compare",
        "installed",
        str(variant),
        "llama",
        "gpt2",
        "bert",
        "--out",
        str(out),
    ]
    variables = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=variables)
    assert process.stderr is not None
    for line in process.stderr:
        if "1/3" in line:
            process.send_signal(signal.SIGINT)
            break
    process.stderr.read()
    assert process.wait(60) == 130
    found = msgspec.json.decode(out.read_bytes(), type=Changes)
    assert found.model_types
    assert found.left
    assert {row.model_type for row in found.model_types} | set(found.left) == {"llama", "gpt2", "bert"}
