"""The table of checks can be read without torch, and names functions that exist."""

from __future__ import annotations

import subprocess
from itertools import product
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from hfci import checks
from hfci.cases.manifest import load_manifest
from hfci.cases.variant import Variant
from hfci.checks.table import CHECKS, TIERS, Check, Role, asked_of, read_checks
from hfci.errors import UsageError
from tests.warm import COLD


def test_reading_the_table_imports_neither_torch_nor_transformers() -> None:
    program = """
import sys
from hfci import checks
print(checks.NotApplicable("by design"), list(checks.CHECKS))
sys.exit(any(name in sys.modules for name in ("torch", "transformers")))
"""
    run = subprocess.run([COLD, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "'builds_tiny', 'forward_is_finite', 'forward_is_deterministic'" in run.stdout


def test_every_check_can_be_called_by_its_name_and_has_a_docstring() -> None:
    for name, check in checks.CHECKS.items():
        assert name in checks.__all__ or not check.written_out
        assert getattr(checks, name) is checks.load_check(name)
        assert checks.load_check(name).__doc__


def test_an_unknown_check_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean forward_is_finite"):
        checks.load_check("forward_is_finit")
    with pytest.raises(AttributeError):
        _ = checks.forward_is_finit


def test_not_applicable_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        checks.NotApplicable(" ")


ROW = """
[[check]]
name = "builds_tiny"
theme = "building"
tiers = ["smoke"]
invariant = "it is built"
"""


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ROW.replace("builds_tiny", "builds_huge"), "hfci/checks/building.py defines no function builds_huge"),
        (ROW.replace('"building"', '"nowhere"'), "hfci/checks/nowhere.py defines no function builds_tiny"),
        (ROW.replace('"building"', '"../../x"'), "defines no function builds_tiny"),
        (
            ROW.replace('"smoke"', '"smokey"'),
            "check[0] (builds_tiny): tiers[0] must be one of smoke, functional, deep, not 'smokey'. Did you mean smoke",
        ),
        (ROW.replace('["smoke"]', "[]"), "builds_tiny is of no tier"),
        (ROW + 'subject = "model_type"\n', "the smoke tier asks architectures, not model types as a whole"),
        (ROW + ROW, "check[1] (builds_tiny): another row bears this name"),
        (ROW + 'colour = "red"\n', "check[0] (builds_tiny): unknown key 'colour'. It takes "),
        (ROW.replace("invariant", "# "), "check[0] (builds_tiny) lacks invariant"),
        (ROW + 'all = ["inptu:text"]\nexcluded = "no"\n', "no fact 'inptu:text'"),
        (ROW + 'all = ["input:"]\nexcluded = "no"\n', "no fact 'input:'"),
        (ROW + 'none = ["input:text"]\n', "go together"),
        (ROW + 'excluded = "never"\n', "go together"),
        (ROW + 'axes = { dtyp = ["bfloat16"] }\n', "no axis 'dtyp'; there are task, backend, dtype"),
        (ROW + "axes = { dtype = [] }\n", "dtype must name its values"),
        (ROW + 'axes = { dtype = ["*"] }\n', "only tasks and backends may be '*'"),
        (ROW + 'only = { inductor = ["flag:example"] }\n', "only 'inductor': no axis has it"),
        (
            ROW + 'asks = ["builds_huge"]\n',
            "check[0] (builds_tiny) asks 'builds_huge', which is no other check. Did you",
        ),
        (ROW + 'asks = ["builds_tiny"]\n', "check[0] (builds_tiny) asks 'builds_tiny', which is no other check"),
        (ROW + 'needs = ["luck"]\n', "check[0] (builds_tiny): needs[0] must be one of forward, "),
        ("check = 1\n", "check: Expected `array`, got `int`"),
        ("[[check", "cannot read the table of checks"),
    ],
)
def test_a_wrong_row_is_an_error_with_file_and_row(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "checks.toml"
    path.write_text(row, encoding="utf-8")
    with pytest.raises(UsageError) as told:
        read_checks(path)
    assert str(path) in str(told.value)
    assert said in str(told.value)


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the table of checks"):
        read_checks(tmp_path / "none.toml")


def table(tmp_path: Path, more: str) -> Check:
    (tmp_path / "checks.toml").write_text(ROW + more, encoding="utf-8")
    return read_checks(tmp_path / "checks.toml")["builds_tiny"]


def test_each_axis_gives_a_case_a_value_and_tasks_are_those_of_the_architecture(tmp_path: Path) -> None:
    some = table(tmp_path, 'axes = { task = ["fill-mask", "decision"] }\n')
    assert list(map(str, some.variants(["fill-mask", "mask-generation"]))) == ["builds_tiny[task=fill-mask]"]
    check = table(tmp_path, 'axes = { task = ["*"], dtype = ["bfloat16", "float16"] }\n')
    assert list(map(str, check.variants(["fill-mask"]))) == [
        "builds_tiny[task=fill-mask,dtype=bfloat16]",
        "builds_tiny[task=fill-mask,dtype=float16]",
    ]
    assert list(check.variants()) == []


def test_a_tier_asks_a_check_of_an_architecture_once(tmp_path: Path) -> None:
    both = table(tmp_path, "").is_of
    assert (both("smoke", "base"), both("smoke", "head"), both("functional", "base")) == (True, False, False)
    check = msgspec.structs.replace(table(tmp_path, ""), tiers=("functional",))
    assert [check.is_of("functional", role) for role in get_args(Role)] == [True, True, False, False]
    whole = msgspec.structs.replace(check, subject="model_type")
    assert [whole.is_of("functional", role) for role in get_args(Role)] == [False, False, False, True]
    for check in CHECKS.values():
        for role in get_args(Role):
            assert sum(check.is_of(tier, role) for tier in TIERS) <= len(check.tiers)
            assert not (check.is_of("smoke", role) and check.is_of("functional", role))


def test_whom_a_rule_excludes_is_not_asked_and_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    row = table(tmp_path, 'all = ["input:text"]\nnone = ["family:vision"]\nexcluded = "it reads no text"\n')
    monkeypatch.setattr("hfci.checks.table.CHECKS", {"builds_tiny": row})
    assert asked_of({"input:text"}, "smoke", "base").names == ("builds_tiny",)
    for facts in ({"input:image"}, {"input:text", "family:vision"}, set[str]()):
        applicable = asked_of(facts, "smoke", "base")
        assert (applicable.names, applicable.excluded) == ((), ("builds_tiny",))


def test_the_manifest_lists_what_applies_and_what_is_excluded_of_every_architecture() -> None:
    manifest = load_manifest(Path(__file__).parents[2] / "generated" / "manifest.json")
    for row in manifest.model_types:
        for architecture in row.architectures:
            own = [case for case in row.cases if (case.architecture or row.base) == architecture.name]
            asked = {Variant.parse(name).check for case in own for name in case.checks}
            role: Role = "part" if any(case.parent for case in row.cases) else "base"
            role = role if architecture.name == row.base or role == "part" else "head"
            roles: tuple[Role, ...] = (role, "model_type") if role == "base" else (role,)
            due = {
                name
                for name, check in CHECKS.items()
                if any(check.is_of(tier, each) for tier, each in product(TIERS, roles))
                # Who can serve none of its tasks is told so by the rules of tasks.
                and ("task" not in check.axes or name in asked)
            }
            if asked:
                assert asked | set(architecture.excluded) == due, (row.model_type, architecture.name)
                assert not asked & set(architecture.excluded)
