"""What changes of a configuration do: red where one does something else, or nobody wrote down what it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hfci.checks import NotApplicable
from hfci.checks.changes import (
    asked_of_changes,
    configuration_changes_do_as_recorded,
    differences,
    effect_of,
    effects_of,
    unreached,
)
from hfci.checks.recorded_changes import FOLDER, ChangesFile, Effect, Group, read_changes
from hfci.cli import main
from hfci.errors import UsageError
from hfci.tiny import TinyModel, build_tiny
from hfci.tiny.changes import Change, changes_of, fields_of, usual_values

from .class_patches import built_so, unread
from .output_patches import output


@pytest.fixture
def falcon() -> TinyModel:
    return build_tiny("falcon")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the changes of a falcon do, as somebody accepted it, in a folder of its own."""
    of("falcon").write(tmp_path)
    return tmp_path


def of(model_type: str, folder: Path = FOLDER) -> ChangesFile:
    file = read_changes(model_type, folder)
    assert file is not None
    return file


def rewritten(folder: Path, **fields: Any) -> None:
    msgspec.structs.replace(of("falcon", folder), **fields).write(folder)


def without(file: ChangesFile, change: str) -> tuple[Group, ...]:
    return tuple(
        msgspec.structs.replace(group, changes=tuple(name for name in group.changes if name != change))
        for group in file.effects
    )


def alone(tiny: TinyModel, change: Change) -> Effect:
    return effect_of(tiny, change, asked_of_changes(tiny))


# --- what a change does


@pytest.mark.parametrize(
    ("model_type", "change", "effect"),
    [
        ("falcon", Change("new_decoder_architecture", True), Effect("runs")),
        ("falcon", Change("max_position_embeddings", 256), Effect("nothing")),
        ("llama", Change("hidden_size", None), Effect("refused")),
        ("llama", Change("num_hidden_layers", 4), Effect("runs")),
        ("falcon", Change("alibi", True), Effect("fails", "ledger: falcon-alibi-twice")),
        ("mamba", Change("rescale_prenorm_residual", True), Effect("fails", "ledger: mamba-rescales-what-is-loaded")),
    ],
)
def test_a_change_runs_does_nothing_is_refused_or_fails(model_type: str, change: Change, effect: Effect) -> None:
    assert alone(build_tiny(model_type), change) == effect


def test_a_failure_says_where_and_in_words_without_numbers(falcon: TinyModel) -> None:
    effect = alone(falcon, Change("layer_norm_epsilon", None))
    assert effect.does == "fails"
    assert effect.what.startswith("forward: TypeError: layer_norm(): argument 'eps' (position #) must be float")


def louder_in_company(model: Any) -> None:
    if model.config.bias:
        output(lambda states: states * len(states))(model.ln_f)


def test_a_failure_of_a_check_is_that_checks(falcon: TinyModel) -> None:
    built_so(louder_in_company)(falcon.model)
    effect = alone(falcon, Change("bias", True))
    assert effect.does == "fails"
    assert effect.what.startswith("batch_is_independent: rows depend on the batch")


def test_a_check_that_is_red_anyway_says_nothing_of_a_change() -> None:
    falcon = build_tiny("falcon", changes=[Change("bias", True)])
    built_so(louder_in_company)(falcon.model)
    effects = dict(effects_of(falcon, [Change("parallel_attn", False)]))
    assert effects == {Change("parallel_attn", False): Effect("runs")}


def test_effects_do_not_depend_on_their_order_or_on_what_was_asked_before(falcon: TinyModel) -> None:
    changes = [Change("bias", True), Change("use_cache", False), Change("alibi", True), Change("multi_query", None)]
    forth, back = dict(effects_of(falcon, changes)), dict(effects_of(falcon, changes[::-1]))
    assert forth == back == {change: alone(build_tiny("falcon"), change) for change in changes}


# --- the check


def test_what_is_as_recorded_is_green_and_reaches_all_fields_but_those_that_it_names(falcon: TinyModel) -> None:
    configuration_changes_do_as_recorded(falcon)
    reached = {change.partition("=")[0] for change in of("falcon").by_change}
    assert reached | {*of("falcon").unreached} == {*fields_of(falcon.config)}
    assert not reached & {*of("falcon").unreached}


def test_without_a_record_it_is_red_and_says_how_to_accept(falcon: TinyModel, tmp_path: Path) -> None:
    of("mamba").write(tmp_path)
    with pytest.raises(AssertionError, match=r"is not written down; `hfci changes accept falcon`"):
        configuration_changes_do_as_recorded(falcon, tmp_path)


def test_where_nothing_was_tried_on_this_transformers_it_does_not_apply(falcon: TinyModel, tmp_path: Path) -> None:
    with pytest.raises(NotApplicable, match="were tried on transformers"):
        configuration_changes_do_as_recorded(falcon, tmp_path)


def test_another_effect_is_red_with_the_command_that_builds_it(falcon: TinyModel, folder: Path) -> None:
    unread("bias")(falcon.model)
    with pytest.raises(AssertionError, match="bias=true does nothing, where it runs") as told:
        configuration_changes_do_as_recorded(falcon, folder)
    assert "`hfci tiny falcon --set bias=true` builds it" in str(told.value)
    assert "`hfci changes accept falcon`" in str(told.value)
    assert str(told.value).count(" where it ") == 1


def test_a_change_that_is_new_or_gone_is_red(falcon: TinyModel, folder: Path) -> None:
    gone = Group("runs", changes=("width=3",))
    rewritten(folder, effects=(*without(of("falcon"), "bias=true"), gone))
    problems = differences(falcon, of("falcon", folder))
    assert problems == ["width=3 cannot be asked any more", "bias=true is new, and runs"]


def test_a_field_that_no_change_is_of_is_red_where_it_is_new(falcon: TinyModel, folder: Path) -> None:
    assert of("falcon").unreached == ("num_ln_in_parallel_attn",)
    rewritten(folder, unreached=())
    assert differences(falcon, of("falcon", folder)) == ["num_ln_in_parallel_attn is a field that no change is of"]


def test_a_field_that_is_none_is_given_what_it_was_given(falcon: TinyModel, folder: Path) -> None:
    effects = without(of("falcon"), "ffn_hidden_size=256")
    rewritten(folder, effects=(*effects, Group("runs", changes=("num_ln_in_parallel_attn=1",))))
    config = falcon.config
    asked = changes_of(config, {"num_ln_in_parallel_attn": 1})
    assert Change("num_ln_in_parallel_attn", 1) in asked
    assert "num_ln_in_parallel_attn" in unreached(falcon, changes_of(config, usual_values(config)))
    assert "ffn_hidden_size=256 is new, and runs" in differences(falcon, of("falcon", folder))


def test_on_another_transformers_what_is_other_does_not_apply(falcon: TinyModel, folder: Path) -> None:
    rewritten(folder, transformers="5.0.0")
    configuration_changes_do_as_recorded(falcon, folder)
    unread("bias")(falcon.model)
    with pytest.raises(NotApplicable, match=r"than on transformers 5\.0\.0: bias=true does nothing"):
        configuration_changes_do_as_recorded(falcon, folder)


def test_of_another_architecture_it_is_red(folder: Path) -> None:
    head = build_tiny("falcon", "FalconForCausalLM")
    with pytest.raises(AssertionError, match="were tried on FalconModel, and this is FalconForCausalLM"):
        configuration_changes_do_as_recorded(head, folder)


def test_from_another_seed_it_does_not_apply(folder: Path) -> None:
    with pytest.raises(NotApplicable, match="from seed 0"):
        configuration_changes_do_as_recorded(build_tiny("falcon", seed=1), folder)


# --- files


def test_a_file_is_written_as_it_is_read(tmp_path: Path) -> None:
    path = of("falcon").write(tmp_path)
    assert path.read_bytes() == (FOLDER / "falcon.json").read_bytes()


def test_what_does_the_same_is_a_line(tmp_path: Path) -> None:
    effects = {
        "a=1": Effect("runs"),
        "b=1": Effect("fails", "build: x"),
        "c=1": Effect("runs"),
        "d=1": Effect("nothing"),
    }
    file = ChangesFile.of("5.24.0", "bert", "BertModel", effects, ("e",))
    lines = file.write(tmp_path).read_text(encoding="utf-8").splitlines()
    assert [line.strip(" ,") for line in lines if '"changes"' in line] == [
        '{"does": "runs", "changes": ["a=1", "c=1"]}',
        '{"does": "fails", "what": "build: x", "changes": ["b=1"]}',
        '{"does": "nothing", "changes": ["d=1"]}',
    ]
    assert of("bert", tmp_path) == file
    assert file.by_change == {name: effects[name] for name in ("a=1", "c=1", "b=1", "d=1")}


def test_all_files_together_are_small_and_each_is_of_a_model_type_by_its_name() -> None:
    paths = sorted(FOLDER.glob("*.json"))
    assert sum(path.stat().st_size for path in paths) < 2_000_000
    assert all(of(path.stem).model_type == path.stem for path in paths)


GROUP = {"does": "runs", "changes": ["a=1"]}
FILE = {
    "schema": 1,
    "transformers": "5.24.0",
    "model_type": "falcon",
    "architecture": "FalconModel",
    "effects": [GROUP],
    "unreached": [],
}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (json.dumps(FILE)[:-9], "truncated"),
        ("[" * 100_000, "is no file of changes: "),
        (b"\xff\xfe", "is no file of changes: "),
        ({**FILE, "schema": 2}, "of schema 2, this hfci reads 1; remove it, then `hfci changes accept falcon`"),
        ({**FILE, "model_type": "bert"}, "holds the changes of 'bert', not of falcon"),
        ({**FILE, "colour": "red"}, "unknown key 'colour'. It takes "),
        ({**FILE, "effects": {}}, "effects: Expected `array`"),
        ({**FILE, "effects": [{**GROUP, "does": "run"}]}, "Did you mean runs"),
        ({**FILE, "effects": [{**GROUP, "does": "fails"}]}, "what fails or is unavailable is said"),
        ({**FILE, "effects": [{**GROUP, "what": "x"}]}, "what fails or is unavailable is said"),
        ({**FILE, "effects": [GROUP, {**GROUP, "does": "nothing"}]}, "the change 'a=1' stands there twice"),
        ({**FILE, "effects": [{**GROUP, "changes": ["a"]}]}, "'a' is no FIELD=VALUE"),
        ({**FILE, "effects": [{**GROUP, "changes": ["a=b"]}]}, "'a=b' has no value of JSON"),
    ],
)
def test_a_wrong_file_is_one_error_that_names_it(tmp_path: Path, data: Any, said: str) -> None:
    path = tmp_path / "falcon.json"
    path.write_bytes(
        data if isinstance(data, bytes) else (data if isinstance(data, str) else json.dumps(data)).encode()
    )
    with pytest.raises(UsageError) as told:
        read_changes("falcon", tmp_path)
    assert str(path) in str(told.value)
    assert said in str(told.value)


@pytest.mark.parametrize("name", ["../falcon", "/etc/passwd", "a\\b", "..", ""])
def test_a_hostile_name_leads_nowhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no changes can be of"):
        read_changes(name, tmp_path)


# --- the command


def test_accepting_tells_what_is_other_and_writes_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = (Group("nothing", changes=("bias=true",)), Group("runs", changes=("width=3",)))
    rewritten(folder, effects=(*without(of("falcon"), "bias=true"), *wrong))
    assert main(["changes", "accept", "falcon", "--folder", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "falcon width=3 is gone",
        "falcon bias=true runs, where it was nothing",
    ]
    assert of("falcon", folder) == of("falcon")
    assert main(["changes", "accept", "falcon", "--folder", str(folder)]) == 0
    assert capsys.readouterr().out == "every change does what it did\n"


def test_one_that_does_not_run_keeps_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["changes", "accept", "gemma4_assistant", "vit", "--folder", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "vit is new: " in told.out
    assert "what changes of gemma4_assistant do was not found out: " in told.err
    assert [path.name for path in tmp_path.iterdir()] == ["vit.json"]


def test_only_what_is_missing_is_accepted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewritten(folder, effects=(Group("refused", changes=("alibi=true",)),))
    assert main(["changes", "accept", "falcon", "vit", "--missing", "--folder", str(folder)]) == 0
    told = {line.partition(" is new")[0] for line in capsys.readouterr().out.splitlines()}
    assert told == {"vit", *(f"falcon {name}" for name in of("falcon").by_change if name != "alibi=true")}
    assert of("falcon", folder).by_change == {**of("falcon").by_change, "alibi=true": Effect("refused")}


def test_what_was_tried_on_another_transformers_is_tried_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewritten(folder, transformers="5.0.0", effects=(Group("refused", changes=("alibi=true",)),))
    assert main(["changes", "accept", "falcon", "--missing", "--folder", str(folder)]) == 0
    assert "falcon alibi=true fails: ledger: falcon-alibi-twice, where it was refused" in capsys.readouterr().out
    assert of("falcon", folder) == of("falcon")


def test_what_is_written_down_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["changes", "show", "falcon", "--folder", str(folder), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["model_types"]["falcon"]["changes"]
    assert shown == {name: msgspec.to_builtins(effect) for name, effect in of("falcon").by_change.items()}
    assert main(["changes", "show", "falcon", "--folder", str(folder)]) == 0
    assert f"{len(shown)} changes of 1 model types" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "vit"], 3, "`hfci changes accept NAME`"),
        (["show", "falcon", "--missing"], 2, "--missing is for `accept`"),
        (["accept", "falcon", "--json"], 2, "--json is for `show`"),
        (["accept", "falcn"], 2, "Did you mean falcon"),
    ],
)
def test_what_cannot_be_asked(
    folder: Path, arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["changes", *arguments, "--folder", str(folder)]) == code
    assert said in capsys.readouterr().err
