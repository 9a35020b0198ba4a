"""Golden outputs: red where a model computes something else, in whichever path; green where float error differs."""

from __future__ import annotations

import copy
import json
import math
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torch import nn
from transformers.models.llama import modeling_llama

from hfci.checks import NotApplicable
from hfci.checks.golden import golden_output
from hfci.checks.goldens import CAP, FACTOR, FLOOR, FOLDER, Golden, GoldenFile, read_golden, tolerance
from hfci.checks.noise import KERNELS, with_tolerances
from hfci.checks.summaries import Summary, summary_of
from hfci.cli import main
from hfci.errors import UsageError
from hfci.tiny import TinyModel, build_tiny
from tests.warm import COLD

MEASURED = ("llama", "vit")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Golden outputs that were accepted."""
    out = tmp_path_factory.mktemp("golden")
    for model_type in MEASURED:
        shutil.copy(FOLDER / f"{model_type}.json", out)
    return out


@pytest.fixture
def llama() -> TinyModel:
    return build_tiny("llama", "LlamaModel")


def of(model_type: str, folder: Path) -> GoldenFile:
    file = read_golden(model_type, folder)
    assert file is not None
    return file


def rewritten(file: GoldenFile, folder: Path, **fields: Any) -> GoldenFile:
    new = msgspec.structs.replace(file, **fields)
    new.write(folder)
    return new


# --- what is wrong in every path


def wrong_scale(tiny: TinyModel) -> None:
    for layer in tiny.model.layers:
        layer.self_attn.scaling *= 1.1


def dropped_residual(tiny: TinyModel) -> None:
    tiny.model.layers[0].register_forward_hook(lambda _, arguments, output: output - arguments[0])


def wrong_epsilon(tiny: TinyModel) -> None:
    tiny.model.norm.variance_epsilon = 1e-3


def skipped_norm(tiny: TinyModel) -> None:
    tiny.model.layers[1].input_layernorm = nn.Identity()


@pytest.mark.parametrize("break_model", [wrong_scale, dropped_residual, wrong_epsilon, skipped_norm])
def test_a_fault_in_every_path_is_red(llama: TinyModel, folder: Path, break_model: Callable[[TinyModel], None]) -> None:
    golden_output(llama, folder)
    break_model(llama)
    with pytest.raises(AssertionError, match=r"last_hidden_state moved by .* of its size") as told:
        golden_output(llama, folder)
    assert "`hfci golden accept llama`" in str(told.value)


def test_a_swapped_rotary_sign_is_red(llama: TinyModel, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = modeling_llama.rotate_half
    monkeypatch.setattr(modeling_llama, "rotate_half", lambda states: -plain(states))
    with pytest.raises(AssertionError, match=r"last_hidden_state moved.*cache\.layers\[0\]\.keys moved"):
        golden_output(llama, folder)


def test_another_approximation_of_an_activation_is_red(folder: Path) -> None:
    tiny = build_tiny("vit")
    swapped = 0
    for module in list(tiny.model.modules()):
        for name, child in list(module.named_children()):
            if type(child).__name__ == "GELUActivation":
                setattr(module, name, nn.GELU("tanh"))
                swapped += 1
    assert swapped
    with pytest.raises(AssertionError, match="last_hidden_state moved"):
        golden_output(tiny, folder)


def test_a_fault_of_the_backward_alone_is_red(llama: TinyModel, folder: Path) -> None:
    llama.model.layers[1].mlp.register_forward_hook(lambda *called: 2 * called[-1] - called[-1].detach())
    with pytest.raises(AssertionError, match="length of all gradients moved") as told:
        golden_output(llama, folder)
    assert "last_hidden_state" not in str(told.value)


def test_a_fault_of_the_loss_alone_is_red(folder: Path) -> None:
    tiny = build_tiny("llama", "LlamaForCausalLM")
    golden_output(tiny, folder)
    right = tiny.model.loss_function
    tiny.model.loss_function = lambda *given, **options: 1.01 * right(*given, **options)
    with pytest.raises(
        AssertionError, match=r"loss, given labels moved.*length of all the loss's gradients moved"
    ) as told:
        golden_output(tiny, folder)
    assert "logits" not in str(told.value)


def test_a_forward_that_fails_given_labels_has_lost_its_loss_and_nothing_else(folder: Path) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("no loss today")

    tiny = build_tiny("llama", "LlamaForCausalLM")
    tiny.model.loss_function = fail
    with pytest.raises(
        AssertionError, match=r"loss, given labels is gone; length of the loss's gradient of .* is gone"
    ) as told:
        golden_output(tiny, folder)
    assert "moved" not in str(told.value)


def test_who_takes_no_labels_has_no_loss(folder: Path) -> None:
    fields = of("llama", folder).architectures
    assert {name for name in fields if "loss, given labels" not in fields[name]} == {"LlamaModel"}
    assert fields["LlamaForCausalLM"]["loss, given labels"].tolerance == FLOOR


def test_another_shape_and_a_lost_field_are_named(llama: TinyModel, folder: Path, tmp_path: Path) -> None:
    file = of("llama", folder)
    fields = dict(file.architectures["LlamaModel"])
    hidden = fields.pop("last_hidden_state")
    other = msgspec.structs.replace(hidden, shape=(*hidden.shape[:-1], 3))
    for changed, said in (
        ({"last_hidden_state": other, **fields}, "last_hidden_state has another shape"),
        (fields, "last_hidden_state is new"),
        ({"last_hidden_state": hidden, "scores": hidden, **fields}, "scores is gone"),
    ):
        rewritten(file, tmp_path, architectures={"LlamaModel": changed})
        with pytest.raises(AssertionError, match=said):
            golden_output(llama, tmp_path)


# --- what is float error


@pytest.mark.parametrize("model_type", MEASURED)
@pytest.mark.parametrize("layout", ["natural", "misaligned"])
@pytest.mark.parametrize("threads", [1, 2])
def test_layout_and_threads_change_nothing(model_type: str, layout: str, threads: int, folder: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for architecture in of(model_type, folder).architectures:
            golden_output(build_tiny(model_type, architecture, layout=layout), folder)
    finally:
        torch.set_num_threads(before)


ASKED = """
import sys
from pathlib import Path
import torch
from hfci.checks.golden import golden_output
from hfci.tiny import build_tiny
for threads in (1, 2):
    torch.set_num_threads(threads)
    for model_type in ("llama", "vit"):
        golden_output(build_tiny(model_type), Path(sys.argv[1]))
    golden_output(build_tiny("rt_detr"))  # whose gradients kernels and threads move together, neither alone
"""


@pytest.mark.parametrize("kernels", KERNELS)
def test_no_kernel_set_changes_anything_with_one_thread_or_two(kernels: str, folder: Path) -> None:
    command = [COLD, "-c", ASKED, str(folder)]
    environment = {**os.environ, **KERNELS[kernels]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr


def test_tolerances_follow_from_what_was_measured() -> None:
    assert tolerance(0.0) == FLOOR
    assert tolerance(2e-5) == pytest.approx(FACTOR * 2e-5)
    assert tolerance(2 * CAP / FACTOR) is None
    assert tolerance(math.inf) is None


def test_what_float_error_moves_too_far_is_unsteady_and_named(llama: TinyModel, folder: Path, tmp_path: Path) -> None:
    file = of("llama", folder)
    reference = dict(file.architectures["LlamaModel"])
    plain = {name: summary(golden) for name, golden in reference.items()}
    hidden = plain["last_hidden_state"]
    moved = msgspec.structs.replace(hidden, values=(*hidden.values[:-1], hidden.values[-1] + hidden.values[0]))
    golden = with_tolerances(plain, [{**plain, "last_hidden_state": moved}])
    unsteady = golden["last_hidden_state"]
    assert unsteady.unsteady == pytest.approx(1.0, rel=0.1)
    assert (unsteady.tolerance, unsteady.values) == (None, ())
    assert golden["cache.layers[0].keys"].tolerance == FLOOR
    rewritten(file, tmp_path, architectures={"LlamaModel": {**reference, "last_hidden_state": unsteady}})
    golden_output(llama, tmp_path)


def summary(golden: Golden) -> Summary:
    return Summary(dtype=golden.dtype, shape=golden.shape, values=golden.values, masked=golden.masked)


def test_a_mask_hides_no_other_value_and_its_extent_counts(folder: Path, tmp_path: Path) -> None:
    def masking(places: int) -> TinyModel:
        def mask(*called: Any) -> Any:
            output = called[-1]
            output.last_hidden_state = output.last_hidden_state.clone()
            output.last_hidden_state[:, 0, :places] = float("-inf")
            output.last_hidden_state[:, 1, :places] = torch.finfo(torch.float32).min
            return output

        tiny = build_tiny("llama", "LlamaModel")
        tiny.model.register_forward_hook(mask)
        return tiny

    golden = with_tolerances(summary_of(masking(2)), [])
    assert golden["last_hidden_state"].masked == 8
    rewritten(of("llama", folder), tmp_path, architectures={"LlamaModel": golden})
    golden_output(masking(2), tmp_path)
    with pytest.raises(AssertionError, match="last_hidden_state has another masked: 8, now 12"):
        golden_output(masking(3), tmp_path)
    tiny = masking(2)
    wrong_scale(tiny)
    with pytest.raises(AssertionError, match="last_hidden_state moved"):
        golden_output(tiny, tmp_path)


def test_a_summary_leaves_nothing_behind_in_the_model() -> None:
    tiny = build_tiny("levit")
    first = summary_of(tiny)
    assert summary_of(copy.deepcopy(tiny)) == first
    assert not tiny.model.training


# --- who has none, and another transformers


def test_a_missing_golden_output_is_red_where_others_were_measured(folder: Path) -> None:
    with pytest.raises(AssertionError, match="there is no golden output of BertModel; `hfci golden accept bert`"):
        golden_output(build_tiny("bert", "BertModel"), folder)


def test_a_missing_golden_output_of_another_transformers_does_not_apply(
    llama: TinyModel, folder: Path, tmp_path: Path
) -> None:
    rewritten(of("llama", folder), tmp_path, transformers="5.0.0", architectures={})
    for tiny in (llama, build_tiny("bert", "BertModel")):
        with pytest.raises(NotApplicable, match="no golden output"):
            golden_output(tiny, tmp_path)


def test_another_transformers_passes_or_has_changed_its_numerics(
    llama: TinyModel, folder: Path, tmp_path: Path
) -> None:
    rewritten(of("llama", folder), tmp_path, transformers="5.0.0")
    golden_output(llama, tmp_path)
    wrong_scale(llama)
    with pytest.raises(NotApplicable, match=r"^numerics changed since transformers 5\.0\.0: last_hidden_state moved"):
        golden_output(llama, tmp_path)


def test_another_seed_does_not_apply(folder: Path) -> None:
    with pytest.raises(NotApplicable, match="from seed 0"):
        golden_output(build_tiny("llama", "LlamaModel", seed=1), folder)


# --- accepting


def test_accepting_takes_over_what_has_changed_and_nothing_else(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = of("vit", folder)
    file.write(tmp_path)
    before = (tmp_path / "vit.json").read_bytes()
    assert main(["golden", "accept", "vit", "--folder", str(tmp_path)]) == 0
    assert "nothing has changed by more than float error" in capsys.readouterr().out
    assert (tmp_path / "vit.json").read_bytes() == before

    fields = dict(file.architectures["ViTForImageClassification"])
    del fields["loss, given labels"]
    fields["logits"] = msgspec.structs.replace(fields["logits"], tolerance=CAP)
    length, values = fields["length of all gradients"], fields["length of all gradients"].values
    fields["length of all gradients"] = msgspec.structs.replace(length, values=(values[0] / 2,))
    rewritten(file, tmp_path, architectures={"ViTForImageClassification": fields})
    assert main(["golden", "accept", "vit", "--folder", str(tmp_path)]) == 0
    told = capsys.readouterr().out.splitlines()
    others = {name: goldens for name, goldens in file.architectures.items() if name != "ViTForImageClassification"}
    assert sorted(line.partition(" of its size")[0] for line in told) == [
        "vit ViTForImageClassification: length of all gradients moved by 5.0e-01",
        "vit ViTForImageClassification: loss, given labels is new",
        *(f"vit {name}: is new, with {len(goldens)} fields" for name, goldens in sorted(others.items())),
    ]
    accepted = of("vit", tmp_path).architectures
    kept = {name: golden for name, golden in fields.items() if name != "length of all gradients"}
    assert kept.items() <= accepted["ViTForImageClassification"].items()
    for architecture, goldens in file.architectures.items():  # measured here, where what is committed may not have been
        for name, golden in accepted[architecture].items():
            assert golden.values == pytest.approx(goldens[name].values, rel=CAP, abs=CAP)


def test_a_field_is_a_line(folder: Path) -> None:
    lines = (folder / "llama.json").read_text().splitlines()
    data = json.loads("\n".join(lines))
    fields = sum(len(fields) for fields in data["architectures"].values())
    assert sum('"dtype"' in line for line in lines) == fields
    assert max(map(len, lines)) < 300


# --- files that are wrong

FIELD = {"dtype": "float32", "shape": [1], "values": [1.0], "tolerance": 1e-4}
FILE = {"schema": 1, "transformers": "5.24.0", "model_type": "llama", "architectures": {"LlamaModel": {"x": FIELD}}}


def with_field(**changes: Any) -> dict[str, Any]:
    return {**FILE, "architectures": {"LlamaModel": {"x": {**FIELD, **changes}}}}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (json.dumps(FILE)[:-9], "truncated"),
        ("[" * 100_000, "is no file of golden outputs: "),
        (b"\xff\xfe", "is no file of golden outputs: "),
        ({**FILE, "schema": 2}, "of schema 2, this hfci reads 1; remove it, then `hfci golden accept llama`"),
        ({**FILE, "model_type": "bert"}, "holds the golden outputs of 'bert', not of llama"),
        ({**FILE, "colour": "red"}, "unknown key 'colour'. It takes "),
        ({**FILE, "architectures": []}, "architectures: Expected `object`"),
        (with_field(tolerance=1.0), "architectures.LlamaModel: x: a tolerance of 1.0"),
        (with_field(tolerance=0.0), "a tolerance of 0.0"),
        (with_field(tolerance=None), "a field has a tolerance, or is unsteady"),
        (with_field(unsteady=1.0), "a field has a tolerance, or is unsteady"),
        (with_field(values=[]), "has finite values"),
        (with_field(values=["1"]), "values"),
        (with_field(shape="1"), "shape"),
    ],
)
def test_a_wrong_file_is_one_error_that_names_it(tmp_path: Path, data: Any, said: str) -> None:
    path = tmp_path / "llama.json"
    raw = data if isinstance(data, bytes) else (data if isinstance(data, str) else json.dumps(data)).encode()
    path.write_bytes(raw)
    with pytest.raises(UsageError) as told:
        read_golden("llama", tmp_path)
    assert str(path) in str(told.value)
    assert said in str(told.value)


@pytest.mark.parametrize("name", ["../llama", "/etc/passwd", "a\\b", "..", ""])
def test_a_hostile_name_leads_nowhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no golden outputs can be of"):
        read_golden(name, tmp_path)


def test_a_link_that_leads_out_is_an_error(tmp_path: Path) -> None:
    inner = tmp_path / "golden"
    inner.mkdir()
    (tmp_path / "llama.json").write_text(json.dumps(FILE))
    (inner / "llama.json").symlink_to(tmp_path / "llama.json")
    with pytest.raises(UsageError, match="leads out of"):
        read_golden("llama", inner)


def test_what_each_number_of_threads_computes_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["golden", "show", "LlamaForCausalLM", "--threads", "1", "--threads", "2", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["failed"] == {}
    assert shown["threads"].keys() == {"1", "2"}
    one, two = (shown["threads"][number]["llama"]["LlamaForCausalLM"]["logits"] for number in "12")
    assert one["shape"] == two["shape"]
    assert one["values"] == pytest.approx(two["values"], abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("show", "0"), "at least 1, not 0"), (("accept", "2"), "is for `show`")],
)
def test_threads_that_cannot_be(arguments: tuple[str, str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    action, threads = arguments
    assert main(["golden", action, "llama", "--threads", threads]) == 2
    assert said in capsys.readouterr().err
