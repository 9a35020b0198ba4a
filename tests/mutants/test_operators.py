"""Mutants are what they say, all of them, and nothing else."""

from __future__ import annotations

import ast
import inspect

import pytest
from transformers.models.llama import modeling_llama

from .operators import KINDS, mutants_of

SOURCE = '''
SCALE = 2

def attend(query, key, *, mask=None, dropout=0.1):
    """Say what 1 + 1 is."""
    if mask is None and key.shape[1] > 3:
        raise ValueError(f"{1 + 1} masks")
    logger.warning("so many: %d", 1 + 1)
    assert key.shape[1] + 1, "no"
    scores = query @ key.transpose(1, 2) * -SCALE
    return softmax(scores[:, 1:], dim=-1, mask=mask, device=mask.device)
'''


def test_each_expression_changes_as_the_table_says() -> None:
    assert {(mutant.kind, mutant.old, mutant.new) for mutant in mutants_of(SOURCE)} == {
        ("condition", "mask is None and key.shape[1] > 3", "((mask is None) or (key.shape[1] > 3))"),
        ("condition", "mask is None", "mask is not None"),
        ("condition", "key.shape[1] > 3", "key.shape[1] >= 3"),
        ("constant", "1", "2"),
        ("constant", "3", "4"),
        ("operator", "query @ key.transpose(1, 2) * -SCALE", "(query @ key.transpose(1, 2)) / (-SCALE)"),
        ("term", "query @ key.transpose(1, 2) * -SCALE", "(query @ key.transpose(1, 2))"),
        ("term", "query @ key.transpose(1, 2) * -SCALE", "(-SCALE)"),
        ("axis", "key.transpose(1, 2)", "key"),
        ("constant", "2", "3"),
        ("sign", "-SCALE", "SCALE"),
        ("slice", "1", "1 + 1"),
        ("axis", "-1", "-2"),
        ("sign", "-1", "1"),
        ("argument", "mask=mask", "**{}"),
    }


def test_applied_it_changes_its_own_place_alone() -> None:
    for mutant in mutants_of(SOURCE):
        changed = mutant.applied(SOURCE)
        assert changed[: mutant.start] == SOURCE[: mutant.start]
        assert changed[mutant.start :] == mutant.new + SOURCE[mutant.end :]
        assert SOURCE[: mutant.start].count("\n") + 1 == mutant.line


def test_every_mutant_of_a_real_module_is_python_and_another_program() -> None:
    source = inspect.getsource(modeling_llama)
    whole = ast.dump(ast.parse(source))
    mutants = mutants_of(source)
    assert {mutant.kind for mutant in mutants} == set(KINDS)
    assert [str(mutant) for mutant in mutants if ast.dump(ast.parse(mutant.applied(source))) == whole] == []


def test_as_many_arguments_are_left_out_as_the_source_has() -> None:
    source = inspect.getsource(modeling_llama)
    bodies = [node.body for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    outermost = [body for body in bodies if not any(body is not other and _within(body, other) for other in bodies)]
    calls = [call for body in outermost for call in _spoken_of(body)]
    named = {
        (word.lineno, word.col_offset) for call in calls for word in call.keywords if word.arg not in (None, "device")
    }
    axes = {mutant.line for mutant in mutants_of(source) if mutant.kind == "axis" and mutant.old.lstrip("-").isdigit()}
    left_out = [mutant for mutant in mutants_of(source) if mutant.kind == "argument"]
    numbered = [call for call in calls for word in call.keywords if word.arg == "dim" and word.value.lineno in axes]
    assert len(left_out) == len(named) - len(numbered) > 40


def _within(body: list[ast.stmt], other: list[ast.stmt]) -> bool:
    return any(body[0] is node for statement in other for node in ast.walk(statement))


def _spoken_of(body: list[ast.stmt]) -> list[ast.Call]:
    """Return the calls in a body, but for those in what is raised or logged."""
    calls, left = [], list(body)
    while left:
        node = left.pop()
        if isinstance(node, ast.Raise) or "logger." in ast.unparse(node)[:7]:
            continue
        calls += [node] if isinstance(node, ast.Call) else []
        left += ast.iter_child_nodes(node)
    return calls


def test_what_is_no_python_is_an_error() -> None:
    with pytest.raises(SyntaxError):
        mutants_of("def attend(:\n")


def test_a_place_behind_letters_of_several_bytes_is_found() -> None:
    source = 'def f(x):\n    y = "größer", x + 1\n    return y\n'
    (changed,) = [mutant.applied(source) for mutant in mutants_of(source) if mutant.kind == "operator"]
    assert changed == 'def f(x):\n    y = "größer", (x) - (1)\n    return y\n'
