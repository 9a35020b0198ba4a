"""The emulator itself: it evaluates, schedules and refuses as GitHub does, and what it does not know is an error."""
# ruff: noqa: E501 -- jobs and steps on one line each

from __future__ import annotations

import json
from typing import Any

import pytest

from .support import Run, steps

# Of GitHub's documentation ("Evaluate expressions in workflows and actions"), and of its evaluator's quirks.
EXPRESSIONS = [
    ("'a' == 'A'", "true"),
    ("1 == '1'", "true"),
    ("null == ''", "true"),
    ("true == 1", "true"),
    ("'' == 0", "true"),
    ("'x' == 0", "false"),
    ("!github.event.nothing", "true"),
    ("github.event.nothing.at.all", ""),
    ("github.event.title", "it's"),
    ("github['event']['title']", "it's"),
    ("'it''s' == github.event.title", "true"),
    ("0xff", "255"),
    ("-2.5e1", "-25"),
    ("false || 'b'", "b"),
    ("'' && 'b' || 'c'", "c"),
    ("1 < 2 && 2 <= 2 && 'b' > 'a'", "true"),
    ("contains('Hello world', 'llo')", "true"),
    ("contains(github.event.labels.*.name, 'bug')", "true"),
    ('contains(fromJSON(\'["push", "pull_request"]\'), github.event_name)', "true"),
    ("startsWith('Hello', 'he')", "true"),
    ("endsWith('Hello', 'LO')", "true"),
    ("format('{{0}} {0} {1}', 'a', 2)", "{0} a 2"),
    ("join(github.event.labels.*.name, '+')", "bug+new"),
    ("toJSON(fromJSON('[1, true, null, \"x\"]'))", '[\n  1,\n  true,\n  null,\n  "x"\n]'),
    ('fromJSON(\'{"a": [1, {"b": "deep"}]}\').a[1].b', "deep"),
    ("github.event.labels[1].name", "new"),
    ("github.event.labels[9].name", ""),
    ("case(false, 'a', true, 'b', 'c')", "b"),
    ("hashFiles('no-such-file')", ""),
    ("github.event_name != 'push'", "false"),
    ("'}}'", "}}"),
    ("github.event.labels", "Array"),
]


def test_expressions_are_githubs(run: Run) -> None:
    payload = {"title": "it's", "labels": [{"name": "bug"}, {"name": "new"}]}
    env = {f"V{index}": f"${{{{ {text} }}}}" for index, (text, _) in enumerate(EXPRESSIONS)}
    code = f"import json, os; print('all=' + json.dumps([os.environ[f'V{{i}}'] for i in range({len(env)})]))"
    one = {"id": "all", "env": env, "run": f'python -c "{code}" >> "$GITHUB_OUTPUT"'}
    told = run(json.dumps({"job": {"runs-on": "x", "steps": [one]}})[1:-1].strip(), payload=payload)
    assert told.result == "success", told.raw
    found = json.loads(told["job"].steps[0].outputs["all"])
    assert dict(zip([text for text, _ in EXPRESSIONS], found, strict=True)) == dict(EXPRESSIONS)


@pytest.mark.parametrize(
    "expression",
    [
        "1 +",
        "nothing.at.all",
        "unknown('x')",
        "success()",
        "hashFiles()",
        "'unfinished",
        "a b",
        "github.event[",
        "",
    ],
)
def test_what_is_no_expression_fails_loudly(run: Run, expression: str) -> None:
    told = run(steps(f"- run: 'echo ${{{{ {expression.replace(chr(39), chr(39) * 2)} }}}}'"))
    assert told.result == "unsupported", told.raw
    assert "${{" in (told.error or "")


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        (steps("- run: a", "  working-dir: x"), "working-dir"),
        (steps("- uses: actions/labeler@v5"), "actions/labeler"),
        (steps("- uses: docker://alpine"), "docker://"),
        (steps("- uses: actions/checkout@v7", "  with: {lfs: true}"), "lfs"),
        (steps("- run: a", "  shell: pwsh"), "pwsh"),
        (steps("- uses: ./.github/actions/x"), "$/"),
        (steps("- if: 'a ${{ true }}'", "  run: a"), "always true"),
        (steps("- if: secrets.X != ''", "  run: a"), "secrets"),
        ("job: {runs-on: x, services: {}, steps: []}\n", "services"),
        ("job: {runs-on: x, permissions: write-all, steps: []}\n", "write-all"),
        ('job: {runs-on: x, if: "matrix.a == 1", steps: []}\n', "matrix"),
    ],
)
def test_what_the_emulator_does_not_know_fails_loudly(run: Run, jobs: str, said: str) -> None:
    told = run(jobs)
    assert told.result == "unsupported", told.raw
    assert said in (told.error or "")


def test_conditions_over_needs(run: Run) -> None:
    told = run("""
        good: {runs-on: x, steps: [{run: "true"}]}
        bad: {runs-on: x, steps: [{run: "false"}]}
        off: {runs-on: x, if: "false", steps: [{run: "true"}]}
        after_good: {runs-on: x, needs: good, steps: [{run: "true"}]}
        after_bad: {runs-on: x, needs: bad, steps: [{run: "true"}]}
        after_off: {runs-on: x, needs: [good, off], steps: [{run: "true"}]}
        on_failure: {runs-on: x, needs: [good, bad], if: failure(), steps: [{run: "true"}]}
        on_no_failure: {runs-on: x, needs: good, if: failure(), steps: [{run: "true"}]}
        always: {runs-on: x, needs: [bad, off], if: always(), steps: [{run: "true"}]}
        not_cancelled: {runs-on: x, needs: bad, if: "!cancelled()", steps: [{run: "true"}]}
        far: {runs-on: x, needs: always, steps: [{run: "true"}]}
        said: {runs-on: x, needs: bad, if: "${{ always() && needs.bad.result == 'failure' }}", steps: [{run: "true"}]}
    """)
    assert told.results == {
        "good": "success",
        "bad": "failure",
        "off": "skipped",
        "after_good": "success",
        "after_bad": "skipped",
        "after_off": "skipped",
        "on_failure": "success",
        "on_no_failure": "skipped",
        "always": "success",
        "not_cancelled": "success",
        "far": "skipped",  # an ancestor failed, though what it needs itself did not
        "said": "success",
    }
    assert told.result == "failure"


def test_conditions_of_steps(run: Run) -> None:
    told = run(
        steps(
            "- {name: one, id: one, run: 'exit 3', continue-on-error: true}",
            "- {name: two, run: 'true', if: \"steps.one.outcome == 'failure' && steps.one.conclusion == 'success'\"}",
            "- {name: three, run: 'false'}",
            "- {name: four, run: 'true'}",
            "- {name: five, run: 'true', if: failure()}",
            "- {name: six, run: 'true', if: always()}",
            "- {name: seven, run: 'true', if: cancelled()}",
        )
    )
    assert [step.outcome for step in told["job"].steps] == [
        "failure", "success", "failure", "skipped", "success", "success", "skipped",
    ]  # fmt: skip
    assert told["job"].result == "failure"


def test_a_cancelled_job(run: Run) -> None:
    jobs = """
        long:
          runs-on: x
          steps: [{run: "true"}, {run: echo long}, {run: "true", if: always()}, {run: "true", if: failure()}, {run: "true", if: cancelled()}]
        gate: {runs-on: x, needs: long, if: always(), steps: [{run: "test '${{ needs.long.result }}' = success"}]}
    """
    told = run(jobs, cancel=[{"job": "long", "before": "echo long"}])
    assert [step.outcome for step in told["long"].steps] == ["success", "skipped", "success", "skipped", "success"]
    assert told.results == {"long": "cancelled", "gate": "failure"}


def test_a_job_that_takes_too_long_is_cancelled(run: Run) -> None:
    told = run("job: {runs-on: x, timeout-minutes: 0.01, steps: [{run: sleep 60}, {run: 'true'}]}")
    assert told.results == {"job": "cancelled"}


MATRIX = """
    make: {runs-on: x, outputs: {matrix: "${{ steps.m.outputs.m }}"}, steps: [{id: m, env: {M: '%s'}, run: 'echo "m=$M" >> "$GITHUB_OUTPUT"'}]}
    each:
      needs: make
      strategy: {fail-fast: false, matrix: "${{ fromJSON(needs.make.outputs.matrix) }}"}
      runs-on: "${{ matrix.on || 'x' }}"
      name: each ${{ toJSON(matrix) }}
      steps: [{run: "true"}]
"""


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ({"a": [1, 2], "b": ["x", "y"]}, ["1x", "1y", "2x", "2y"]),
        ({"a": [1, 2], "b": ["x", "y"], "exclude": [{"a": 1, "b": "x"}]}, ["1y", "2x", "2y"]),
        ({"a": [1, 2], "b": ["x", "y"], "exclude": [{"a": 1}]}, ["2x", "2y"]),
        ({"include": [{"a": 1}, {"a": 2, "on": ["self", "gpu"]}]}, ["1", "2self,gpu"]),
        # The example of GitHub's documentation.
        (
            {
                "fruit": ["apple", "pear"],
                "animal": ["cat", "dog"],
                "include": [
                    {"color": "green"},
                    {"color": "pink", "animal": "cat"},
                    {"fruit": "apple", "shape": "circle"},
                    {"fruit": "banana"},
                    {"fruit": "banana", "animal": "cat"},
                ],
            },
            ["applecatpinkcircle", "appledoggreencircle", "pearcatpink", "peardoggreen", "banana", "bananacat"],
        ),
    ],
)
def test_a_matrix_with_include_and_exclude(run: Run, matrix: dict[str, Any], expected: list[str]) -> None:
    told = run(MATRIX % json.dumps(matrix))
    found = [json.loads(name.removeprefix("each ")) for name in told.jobs if name.startswith("each ")]
    texts = ["".join(",".join(v) if isinstance(v, list) else str(v) for v in one.values()) for one in found]
    assert sorted(texts) == sorted(expected)


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ({"include": []}, "empty"),
        ({"a": []}, "empty"),
        ({"a": 1}, "is a list"),
        ({"a": [1], "exclude": [{"a": 1}]}, "no combination"),
        ({"include": [{"a": number} for number in range(257)]}, "257 jobs, at most 256"),
        ([1], "a matrix is a mapping"),
    ],
)
def test_a_matrix_that_github_refuses(run: Run, matrix: Any, said: str) -> None:
    told = run(MATRIX % json.dumps(matrix))
    assert told.results == {"make": "success", "each": "failure"}
    assert said in told["each"].told["error"]


def test_outputs_environment_path_and_summary(run: Run) -> None:
    told = run(
        """
        job:
          runs-on: x
          env: {LEVEL: job, ONLY: "${{ github.event_name }}"}
          outputs: {out: "${{ steps.one.outputs.many }}"}
          defaults: {run: {working-directory: sub}}
          steps:
            - {run: mkdir sub, working-directory: .}
            - id: one
              env: {LEVEL: step}
              run: |
                printf 'many<<END\\na=b\\n<<x\\n\\nEND\\nsimple=1=2\\n' >> "$GITHUB_OUTPUT"
                printf 'SET=%s\\n' "$LEVEL" >> "$GITHUB_ENV"
                printf 'GITHUB_SHA=hijacked\\n' >> "$GITHUB_ENV"
                mkdir bin; printf '#!/bin/sh\\necho found' > bin/tool; chmod +x bin/tool; echo "$PWD/bin" >> "$GITHUB_PATH"
                echo '# Seen' >> "$GITHUB_STEP_SUMMARY"
            - id: two
              run: |
                echo "all=$LEVEL $ONLY $SET $(tool) $(basename "$PWD") ${{ env.SET }} $GITHUB_SHA" >> "$GITHUB_OUTPUT"
        """
    )
    job = told["job"]
    assert job.outputs == {"out": "a=b\n<<x\n"}
    assert job.step("printf").outputs["simple"] == "1=2"
    *words, sha = job.steps[2].outputs["all"].split()
    assert words == ["job", "push", "step", "found", "sub", "step"]
    assert len(sha) == 40
    assert job.summary == "# Seen\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no separator", "Invalid format"),
        ("=value", "Name must not be empty"),
        ("x<<", "empty"),
        ("x<<END\nvalue\nEND2", "delimiter not found"),
    ],
)
def test_an_output_that_the_runner_refuses(run: Run, text: str, said: str) -> None:
    told = run(steps("- env: {TEXT: " + json.dumps(text) + "}", '  run: printf "%s\\n" "$TEXT" >> "$GITHUB_OUTPUT"'))
    assert told.result == "failure"
    assert said in told.log


def test_a_summary_over_its_limit_is_dropped(run: Run) -> None:
    told = run(steps("- run: head -c 1048577 /dev/zero | tr '\\0' x >> \"$GITHUB_STEP_SUMMARY\""))
    assert told.result == "success"
    assert told["job"].summary == ""
    assert "1024k" in told["job"].steps[0].annotations[0]["message"]


def test_commands_in_the_output(run: Run) -> None:
    told = run(
        steps(
            "- id: one",
            "  run: |",
            "    echo '::set-output name=old::style%0Alines'",
            "    echo 'not at the beginning ::set-output name=never::x'",
            "    echo '::warning file=a.py,line=3::look: 100%25'",
            "    echo '::stop-commands::token'; echo '::set-output name=stopped::x'; echo '::token::'",
            "    echo 'anywhere ##[set-output name=older;]x'",
        )
    )
    step = told["job"].steps[0]
    assert step.outputs == {"old": "style\nlines", "older": "x"}
    assert step.annotations == [
        {"level": "warning", "message": "look: 100%", "properties": {"file": "a.py", "line": "3"}}
    ]
    assert run(steps("- run: echo '::set-env name=A::b'"), name="again").result == "failure"


def test_a_secret_is_masked_and_only_where_it_is_granted(run: Run) -> None:
    jobs = """
        job:
          runs-on: x
          permissions: {contents: read}
          steps: [{env: {S: "${{ secrets.KEY }}", T: "${{ github.token }}"}, run: 'echo "got $S ${#S} $T"'}]
    """
    told = run(jobs, secrets={"KEY": "hunter2"}, name="own")
    assert "got *** 7 ***" in told.log
    fork = run(jobs, secrets={"KEY": "hunter2"}, fork=True, name="fork")
    assert "got  0 ***" in fork.log


def test_a_fork_may_not_write(run: Run) -> None:
    jobs = "job: {runs-on: x, permissions: {contents: write, id-token: write}, steps: [{run: 'true'}]}"
    assert run(jobs, name="own")["job"].told["permissions"] == {"contents": "write", "id-token": "write"}
    assert run(jobs, fork=True, name="fork")["job"].told["permissions"] == {"contents": "read", "id-token": "none"}


def test_checkout_wants_its_permission(run: Run) -> None:
    told = run(steps("- uses: actions/checkout@v7"))
    assert told.result == "failure"
    assert "contents: read is needed" in told.log


CALLED = """
on:
  workflow_call:
    inputs: {word: {type: string, required: true}, often: {type: number, default: 2}}
    secrets: {KEY: {required: false}}
    outputs: {said: {value: "${{ jobs.inner.outputs.said }}"}}
permissions: {}
jobs:
  inner:
    runs-on: x
    outputs: {said: "${{ steps.say.outputs.said }}"}
    steps: [{id: say, env: {S: "${{ secrets.KEY }}"}, run: 'echo "said=${{ inputs.word }} ${{ inputs.often }} ${#S}" >> "$GITHUB_OUTPUT"'}]
"""


def test_a_called_workflow_has_its_inputs_and_outputs_and_only_the_secrets_it_is_given(run: Run) -> None:
    files = {".github/workflows/called.yml": CALLED}
    jobs = """
        call: {name: outer, uses: $/.github/workflows/called.yml, with: {word: hello}, %s}
        after: {runs-on: x, needs: call, steps: [{run: "echo '${{ needs.call.outputs.said }}'"}]}
    """
    for name, secrets, length in (("none", "secrets: {}", 0), ("all", "secrets: inherit", 7)):
        told = run(jobs % secrets, files=files, secrets={"KEY": "hunter2"}, name=name)
        assert told.results == {"outer / inner": "success", "after": "success"}
        assert f"hello 2 {length}" in told["after"].log


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("with: {}", "word is required"),
        ("with: {word: x, wrod: y}", "wrod is not defined"),
        ("with: {word: x, often: 'twice'}", "often is a number"),
    ],
)
def test_a_call_that_github_refuses(run: Run, call: str, said: str) -> None:
    jobs = "call: {uses: $/.github/workflows/called.yml, " + call + "}"
    told = run(jobs, files={".github/workflows/called.yml": CALLED})
    assert told.result == "failure"
    assert said in told["call"].told["error"]


def test_a_called_workflow_may_not_do_more_than_its_caller(run: Run) -> None:
    called = CALLED.replace("    runs-on: x", "    permissions: {contents: write}\n    runs-on: x")
    jobs = "call: {permissions: {contents: read}, uses: $/.github/workflows/called.yml, with: {word: x}}"
    told = run(jobs, files={".github/workflows/called.yml": called})
    assert "only allowed 'contents: read'" in told["call"].told["error"]


ACTION = """
name: greet
inputs: {whom: {default: "${{ github.event_name }}"}, loud: {required: true}}
outputs: {said: {value: "${{ steps.say.outputs.said }}"}}
runs:
  using: composite
  steps:
    - {if: "inputs.loud == 'yes'", shell: bash, run: 'echo "LOUD=1" >> "$GITHUB_ENV"'}
    - {id: say, shell: bash, env: {WHOM: "${{ inputs.whom }}"}, run: 'echo "said=$WHOM $(cat "$GITHUB_ACTION_PATH/word")" >> "$GITHUB_OUTPUT"'}
"""


def test_a_composite_action(run: Run) -> None:
    files = {".github/actions/greet/action.yml": ACTION, ".github/actions/greet/word": "hi"}
    told = run(
        steps(
            "- {id: greet, uses: $/.github/actions/greet, with: {loud: 'yes'}}",
            "- {id: after, env: {S: '${{ steps.greet.outputs.said }}'}, run: 'echo \"all=$S $LOUD\" >> \"$GITHUB_OUTPUT\"'}",
        ),
        files=files,
    )
    assert told.result == "success", told.log
    assert told["job"].steps[-1].outputs == {"all": "push hi 1"}
    assert "Input required" in run(steps("- uses: $/.github/actions/greet"), files=files, name="without").log


def test_a_run_again_keeps_what_succeeded_and_repeats_what_needs_what_did_not(run: Run) -> None:
    jobs = """
        one: {runs-on: x, outputs: {o: "${{ github.run_attempt }}"}, steps: [{id: s, run: "true"}]}
        two: {runs-on: x, needs: one, steps: [{run: 'test "$GITHUB_RUN_ATTEMPT" = 2'}]}
        three: {runs-on: x, needs: two, if: always(), outputs: {o: "${{ github.run_attempt }} ${{ needs.two.result }}"}, steps: [{run: "true"}]}
    """
    first = run(jobs)
    assert first.results == {"one": "success", "two": "failure", "three": "success"}
    second = run(jobs, attempt=2, keep={name: job.told for name, job in first.jobs.items() if job.result == "success"})
    assert second.results == {"one": "success", "two": "success", "three": "success"}
    assert second["one"].outputs == {"o": "1"}
    assert second["three"].outputs == {"o": "2 success"}


def test_an_event_that_the_workflow_has_not(run: Run) -> None:
    head = "on: {push: {branches: [main]}}\npermissions: {}\n"
    jobs = steps("- run: 'true'")
    assert run(jobs, head=head, name="main").result == "success"
    assert run(jobs, head=head, ref="refs/heads/other", name="other").result == "not triggered"
    assert run(jobs, head=head, event="pull_request", name="pull").result == "not triggered"
