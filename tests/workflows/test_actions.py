"""The emulated actions: they do what the pinned versions of the real ones do; emulator/README.md names the sources."""
# ruff: noqa: E501 -- jobs and steps on one line each

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .support import Run, steps


def test_artifacts(run: Run) -> None:
    told = run(
        """
        up:
          runs-on: x
          steps:
            - run: mkdir -p out/a .hidden && echo 1 > out/a/x && echo 2 > out/y && echo 3 > out/.dot && echo 4 > .hidden/z
            - {uses: actions/upload-artifact@v7, with: {name: whole, path: out}}
            - {uses: actions/upload-artifact@v7, with: {name: part, path: "out/**/x"}}
            - {uses: actions/upload-artifact@v7, with: {name: two, path: ".hidden/z\\nout/y"}}
            - {uses: actions/upload-artifact@v7, with: {name: whole, path: out/y, overwrite: true}}
            - {id: hidden, continue-on-error: true, uses: actions/upload-artifact@v7, with: {name: hidden, path: .hidden, if-no-files-found: error}}
            - {id: twice, continue-on-error: true, uses: actions/upload-artifact@v7, with: {name: part, path: out}}
            - {id: none, continue-on-error: true, uses: actions/upload-artifact@v7, with: {name: none, path: nothing, if-no-files-found: error}}
        down:
          runs-on: x
          needs: up
          steps:
            - {uses: actions/download-artifact@v8, with: {name: whole, path: one}}
            - {uses: actions/download-artifact@v8, with: {pattern: "*o*", path: many}}
            - {uses: actions/download-artifact@v8, with: {pattern: "p*", path: merged, merge-multiple: true}}
            - {uses: actions/download-artifact@v8, with: {pattern: "nothing*", path: none}}
            - {id: files, run: 'echo "all=$(find . -type f | sort | xargs)" >> "$GITHUB_OUTPUT"'}
            - {uses: actions/download-artifact@v8, with: {name: missing}}
        """
    )
    up = told["up"]
    assert up.result == "success", up.log
    assert [step.outcome for step in up.steps[-3:]] == ["failure"] * 3
    assert "already exists on the workflow run: part" in up.log
    assert "No files were found" in up.log
    files = told["down"].step("echo").outputs["all"].split()
    assert files == ["./many/two/.hidden/z", "./many/two/out/y", "./many/whole/y", "./merged/a/x", "./one/y"]
    assert told["down"].steps[-1].outcome == "failure"


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b", "..", "a:b", "a\nb", 'a"b', ""])
def test_the_name_of_an_artifact_is_no_path(run: Run, name: str, tmp_path: Path) -> None:
    told = run(
        steps(
            "- run: echo 1 > file",
            "- uses: actions/upload-artifact@v7",
            "  with: {path: file, name: " + json.dumps(name) + "}",
        )
    )
    assert told.result == "failure"
    assert "not valid" in told.log
    assert not list(tmp_path.glob("**/artifacts/*"))


def test_one_artifact_of_a_pattern_lies_in_the_folder_itself_and_several_each_in_their_own(run: Run) -> None:
    told = run(
        """
        up:
          runs-on: x
          steps:
            - run: mkdir one && echo 1 > one/x
            - {uses: actions/upload-artifact@v7, with: {name: part-0-1, path: one}}
            - {uses: actions/upload-artifact@v7, with: {name: other-0-1, path: one}}
            - {uses: actions/upload-artifact@v7, with: {name: other-0-2, path: one}}
        down:
          runs-on: x
          needs: up
          steps:
            - {uses: actions/download-artifact@v8, with: {pattern: "part-*", path: single}}
            - {uses: actions/download-artifact@v8, with: {pattern: "other-*", path: several}}
            - {id: files, run: 'echo "all=$(find . -type f | sort | xargs)" >> "$GITHUB_OUTPUT"'}
        """
    )
    files = told["down"].step("echo").outputs["all"].split()
    assert files == ["./several/other-0-1/x", "./several/other-0-2/x", "./single/x"]


def test_an_artifact_that_is_no_archive_is_one_file_and_bears_its_name(run: Run) -> None:
    told = run(
        steps(
            "- run: echo 1 > page.html && echo 2 > other",
            "- {uses: actions/upload-artifact@v7, with: {name: ignored, path: page.html, archive: false}}",
            "- {continue-on-error: true, uses: actions/upload-artifact@v7, with: {path: '*', archive: false}}",
            # What `overwrite` removes is what is named, not what the file is called.
            "- {uses: actions/upload-artifact@v7, with: {name: x, path: page.html, archive: false, overwrite: true}}",
        )
    )
    assert told.artifacts == ("page.html",)
    assert "only a single file can be uploaded. Found 2 files" in told.log
    assert told["job"].steps[-1].outcome == "failure"
    assert "already exists on the workflow run: page.html" in told.log


def test_the_path_of_a_file_in_an_artifact_has_no_sign_that_some_system_forbids(run: Run) -> None:
    told = run(steps("- run: mkdir a && touch 'a/b:c'", "- {uses: actions/upload-artifact@v7, with: {path: a}}"))
    assert "The path for one of the files in artifact is not valid: b:c" in told.log


def test_another_runs_artifacts_want_a_token_and_without_it_are_this_runs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "earlier" / "a").mkdir(parents=True)
    (tmp_path / "earlier" / "a" / "x").write_text("earlier")
    head = "on: push\npermissions: {actions: read}\n"
    get = "- {uses: actions/download-artifact@v8, with: {name: a, run-id: 9%s}}"
    earlier = {"earlier": {"9": str(tmp_path / "earlier")}}
    told = run(steps(get % ", github-token: '${{ github.token }}'", "- run: cat x"), head=head, **earlier)
    assert told["job"].step("cat").log == ["earlier"]
    told = run(steps(get % ""), head=head, name="without", **earlier)
    assert "Artifact not found for name: a" in told.log


CACHE = "- {uses: actions/cache@v5, with: {path: ~/kept, key: %s, restore-keys: %s}}"
FILL = "- run: mkdir -p ~/kept; cat ~/kept/file || true; echo %s > ~/kept/file"


@pytest.mark.parametrize(
    ("key", "said"),
    [("a,b", "cannot contain commas"), ("k" * 513, "cannot be larger than 512 characters"), ("k" * 512, "not found")],
)
def test_the_key_of_a_cache(run: Run, key: str, said: str) -> None:
    told = run(steps(CACHE % (json.dumps(key), "x")))
    assert said in told.log
    assert told.result == ("success" if said == "not found" else "failure")


def test_a_cache_is_kept_by_key_and_not_changed(run: Run, tmp_path: Path) -> None:
    def again(key: str, text: str, more: str = "true", **about: Any) -> list[str]:
        name = f"run-{len(list(tmp_path.glob('run-*')))}"
        jobs = steps(CACHE % (key, "a-"), FILL % text, f"- run: {json.dumps(more)}")
        return run(jobs, name=name, caches=str(tmp_path / "caches"), **about)["job"].step("mkdir").log[:1]

    assert again("a-1", "first") != ["first"]
    assert again("a-1", "second") == ["first"]
    assert again("a-1", "third") == ["first"]  # what has a key is not changed
    assert again("a-2", "fourth") == ["first"]  # by its beginning, and kept under its own
    assert again("a-2", "fifth") == ["fourth"]
    again("a-3", "failed", "false")
    assert again("a-3", "sixth") == ["fourth"]  # a job that failed keeps nothing
    again("a-9", "of a pull request", ref="refs/pull/5/merge")
    assert again("a-9", "seventh") == ["sixth"]  # what a pull request keeps is its own


@pytest.mark.parametrize(
    ("mode", "restored", "saved"), [("read", True, False), ("write-only", False, True), ("none", False, False)]
)
def test_the_cache_mode_of_a_job_and_of_those_that_call_it(run: Run, mode: str, restored: bool, saved: bool) -> None:
    called = "on: {workflow_call: {}}\npermissions: {}\njobs:\n  job:\n    runs-on: x\n    steps:\n"
    called += "\n".join("    " + line for line in (CACHE % ("a-2", "a-"), FILL % "b")) + "\n"
    files = {".github/workflows/called.yml": called}
    jobs = f"""
        first: {{runs-on: x, steps: [{(CACHE % ("a-1", "x"))[2:]}, {(FILL % "a").removeprefix("- ").join("{}")}]}}
        second: {{needs: first, cache-mode: {mode}, uses: $/.github/workflows/called.yml}}
        third: {{needs: second, runs-on: x, steps: [{(CACHE % ("a-2", "a-"))[2:]}, {(FILL % "c").removeprefix("- ").join("{}")}]}}
    """
    told = run(jobs, files=files)
    assert told.result == "success", told.raw
    assert ("Cache restored from key: a-1" in told["second / job"].log) is restored
    assert ("Cache restored from key: a-2" in told["third"].log) is saved


def test_a_superseded_run_begins_only_what_always_runs(run: Run) -> None:
    jobs = """
        long: {runs-on: x, steps: [{run: echo long}, {run: echo late}]}
        gate: {runs-on: x, needs: long, if: always(), steps: [{run: "test '${{ needs.long.result }}' = success"}]}
        report: {runs-on: x, needs: long, if: "!cancelled()", steps: [{run: "true"}]}
        next: {runs-on: x, needs: long, steps: [{run: "true"}]}
    """
    assert run(jobs).results == dict.fromkeys(("long", "gate", "report", "next"), "success")
    told = run(jobs, supersede={"job": "long", "before": "echo late"}, name="superseded")
    assert [step.outcome for step in told["long"].steps] == ["success", "skipped"]
    assert told.results == {"long": "cancelled", "gate": "cancelled", "report": "cancelled", "next": "cancelled"}


PAGES = """
    pages:
      runs-on: x
      permissions: {pages: write, id-token: write}
      steps:
        - run: mkdir site && echo page > site/index.html && echo hidden > site/.hidden
        - {uses: actions/upload-pages-artifact@v5, with: {path: site, name: "%s"}}
        - {uses: actions/deploy-pages@v5, with: {artifact_name: "%s"}}
"""


def test_there_is_one_artifact_of_pages_by_a_name(run: Run) -> None:
    usual = PAGES % (("github-pages",) * 2)
    told = run(usual)
    assert told.result == "success", told.log
    assert [path.name for path in (told.work / "pages").iterdir()] == ["index.html"]
    told = run(usual, attempt=2)
    assert "already exists on the workflow run: github-pages" in told.log
    assert run(PAGES % (("github-pages-${{ github.run_attempt }}",) * 2), attempt=3).result == "success"


def test_pages_that_nobody_set_up(run: Run) -> None:
    assert "Ensure GitHub Pages has been enabled" in run(PAGES % (("x",) * 2), site=False).log
