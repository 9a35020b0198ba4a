"""What a release takes from an architecture is seen; what it only spells in another way is not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hfci.cases.manifest import (
    MANIFEST,
    Manifest,
    ManifestArchitecture,
    ManifestCase,
    ManifestRow,
    load_manifest,
    parse_manifest,
)
from hfci.releases.losses import Kind, Loss, losses

from . import release

MODEL, HEAD = "OneModel", "OneForMaskedLM"
ONE = ManifestRow(
    "one",
    "generated",
    MODEL,
    (
        ManifestArchitecture(MODEL, "text_encoder", 10, outputs=("last_hidden_state", "cache")),
        ManifestArchitecture(HEAD, "text_encoder", 12, outputs=("logits",)),
    ),
    (
        ManifestCase(MODEL, "smoke", "text_encoder/test_one.py", ("builds_tiny", "forward_is_finite")),
        ManifestCase(HEAD, "functional", "text_encoder/test_one_functional.py", ("builds_tiny",)),
    ),
)
TWO = ManifestRow("two", "catalogued", reason="no class of its own")
OLD = Manifest("5.23.0", (ONE, TWO))


def after(*rows: ManifestRow) -> Manifest:
    return Manifest("5.24.0", rows)


def with_model(**changes: Any) -> Manifest:
    return after(replace(ONE, architectures=(replace(ONE.architectures[0], **changes), ONE.architectures[1])), TWO)


def test_nothing_is_lost_where_nothing_changed_or_something_came() -> None:
    assert losses(OLD, after(ONE, TWO)) == ()
    more = replace(ONE, architectures=(*ONE.architectures, ManifestArchitecture("OneForNothing", "text_encoder")))
    assert losses(OLD, after(ManifestRow("three", "catalogued"), more, TWO)) == ()
    assert losses(OLD, with_model(outputs=("last_hidden_state", "cache", "attentions"))) == ()


@pytest.mark.parametrize(
    ("new", "lost"),
    [
        (after(ONE), [Loss("two", None, Kind.MODEL_TYPE)]),
        (
            after(replace(ONE, architectures=ONE.architectures[:1], cases=ONE.cases[:1]), TWO),
            [Loss("one", HEAD, Kind.ARCHITECTURE)],
        ),
        (
            after(replace(ONE, rung="catalogued", architectures=(), cases=(), error="ImportError: no"), TWO),
            [Loss("one", MODEL, Kind.ARCHITECTURE), Loss("one", HEAD, Kind.ARCHITECTURE)],
        ),
        (with_model(family="text_decoder"), [Loss("one", MODEL, Kind.FAMILY, "text_encoder to text_decoder")]),
        (with_model(family=None), [Loss("one", MODEL, Kind.FAMILY, "text_encoder to none")]),
        (with_model(outputs=("last_hidden_state",)), [Loss("one", MODEL, Kind.OUTPUT, "cache")]),
        (with_model(parameters=None, stage="forward", error="ValueError: no"), [Loss("one", MODEL, Kind.BUILD)]),
        (with_model(parameters=None, requires=("timm",)), [Loss("one", MODEL, Kind.BUILD)]),
        (with_model(parameters=None), []),  # not tried
        (
            after(replace(ONE, cases=(replace(ONE.cases[0], checks=("builds_tiny",)), ONE.cases[1])), TWO),
            [Loss("one", MODEL, Kind.CHECK, "forward_is_finite")],
        ),
        (after(replace(ONE, cases=ONE.cases[:1]), TWO), [Loss("one", HEAD, Kind.CHECK, "builds_tiny")]),
        # The smoke tier has another base now, and the one before keeps the checks of a head alone.
        (
            after(
                replace(
                    ONE,
                    base=HEAD,
                    cases=(
                        replace(ONE.cases[0], architecture=HEAD),
                        replace(ONE.cases[1], architecture=MODEL),
                    ),
                ),
                TWO,
            ),
            [Loss("one", MODEL, Kind.CHECK, "forward_is_finite")],
        ),
    ],
)
def test_what_is_lost_is_named(new: Manifest, lost: list[Loss]) -> None:
    assert list(losses(OLD, new)) == lost


def test_a_manifest_of_the_schema_before_is_compared_by_family_and_checks() -> None:
    content = OLD.to_json() | {"schema": 2}
    for row in content["model_types"]:
        for architecture in row["architectures"]:
            del architecture["outputs"]
    old = parse_manifest(json.dumps(content).encode(), "old", earlier=True)
    assert losses(old, with_model(outputs=())) == ()
    assert losses(old, with_model(family="text_decoder", outputs=()))[0].kind == Kind.FAMILY
    assert [loss.kind for loss in losses(old, after(replace(ONE, cases=ONE.cases[1:]), TWO))] == [Kind.CHECK] * 2


# Whole releases: the installed transformers, with some of its files changed.

LLAMA, BERT, AUTO = (f"models/{name}/modeling_{name}.py" for name in ("llama", "bert", "auto"))
FIELD = "    prediction_logits: torch.Tensor | None = None\n"
GIVEN = "prediction_logits=prediction_scores"


def with_another_argument(text: str) -> str:
    """`LlamaModel.forward` takes `memory`, and answers to `cache` and `past_key_values`."""
    before, begin, model = text.partition("class LlamaModel(")
    named = model.replace(
        '@deprecate_kwarg("past_key_values", "5.40.0", new_name="cache")',
        '@deprecate_kwarg("past_key_values", "99.1", new_name="memory")\n'
        '    @deprecate_kwarg("cache", "99.1", new_name="memory")',
        1,
    ).replace("        cache: Cache | None = None,\n", "        memory: Cache | None = None,\n", 1)
    check = "        if (input_ids is None) ^ (inputs_embeds is not None):\n"
    return before + begin + named.replace(check, "        cache = memory\n" + check, 1)


def with_another_field(text: str) -> str:
    """`BertForPreTrainingOutput` has `scores`, and answers to `prediction_logits`."""
    alias = "\n    @property\n    def prediction_logits(self):\n        return self.scores\n"
    attentions = "    attentions: tuple[torch.Tensor] | None = None\n"
    before, field, behind = text.partition(FIELD)
    renamed = field.replace("prediction_logits", "scores") + behind.replace(attentions, attentions + alias, 1)
    return before + renamed.replace(GIVEN, GIVEN.replace("prediction_logits", "scores"))


def without_a_field(text: str) -> str:
    return text.replace(FIELD, "").replace(f"            {GIVEN},\n", "")


def without_a_class(text: str) -> str:
    return text.replace('        ("bert", "BertForMultipleChoice"),\n', "")


def rendered(folder: Path, changes: Mapping[str, Callable[[str], str]], version: str) -> Manifest:
    """Return the manifest of the release that `changes` make."""
    numbered = {"__init__.py": lambda text: re.sub('(?<=^__version__ = ").*(?=")', version, text, flags=re.MULTILINE)}
    environment = {**os.environ, **release(folder / "release", {**changes, **numbered}, version)}
    out = folder / "out"
    command = [sys.executable, "-m", "hfci", "generate", "llama", "bert", "--out", str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    manifest = load_manifest(out / MANIFEST)
    assert manifest.transformers == version
    return manifest


def test_a_release_that_renames_loses_nothing_and_one_that_drops_does(tmp_path: Path) -> None:
    installed = load_manifest(Path(__file__).parents[2] / "generated" / MANIFEST)
    before = replace(installed, model_types=(installed["llama"], installed["bert"]))
    renames = rendered(tmp_path / "renames", {LLAMA: with_another_argument, BERT: with_another_field}, "5.24.1")
    assert losses(before, renames) == ()
    assert renames["llama"].architectures[0].parameters == before["llama"].architectures[0].parameters

    def drops(text: str) -> str:
        """`LlamaModel.forward` takes no cache at all: it is another family's."""
        return (
            with_another_argument(text)
            .replace("        memory: Cache | None = None,\n", "", 1)
            .replace("        cache = memory\n", "        cache = None\n", 1)
            .replace('    @deprecate_kwarg("cache", "99.1", new_name="memory")\n', "", 1)
        )

    def hides(text: str) -> str:
        """One class is exported no more, either: else it stays, without a table."""
        return without_a_field(text).replace('    "BertForMultipleChoice",\n', "", 1)

    changes = {LLAMA: drops, BERT: hides, AUTO: without_a_class}
    lost = losses(before, rendered(tmp_path / "drops", changes, "5.24.2"))
    assert Loss("bert", "BertForPreTraining", Kind.OUTPUT, "prediction_logits") in lost
    assert Loss("bert", "BertForMultipleChoice", Kind.ARCHITECTURE) in lost
    assert [loss.kind for loss in lost if loss.architecture == "LlamaModel"][:1] == [Kind.FAMILY]
