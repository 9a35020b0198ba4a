"""The guides say what is: rendered from the facts, their links lead somewhere, their commands do what they say."""

from __future__ import annotations

import ast
import dataclasses
import functools
import html
import itertools
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from hfci.catalog import families
from hfci.cli import main, make_parser
from hfci.errors import UsageError
from hfci.generation import guides
from hfci.results import read_results
from hfci.results.text import clean
from hfci.tiny.recipes import COLUMNS, recipe_rows
from tests.warm import COLD

ROOT = Path(__file__).parent.parent
DOCS, TESTS = ROOT / "docs", ROOT / "generated"
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
# Its commands run in tests/test_backends_page.py, beside the package that it has one write.
BACKENDS_PAGE = "docs/backends.md"
FAMILY_PAGES = sorted(path for path in PAGES if path.startswith("docs/families/"))
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


# Rendered from the facts.


def test_every_rendered_page_is_what_would_be_rendered_now() -> None:
    assert guides.check_guides(DOCS, TESTS) == "", "run `hfci generate --guides docs`"


def test_there_is_a_page_for_each_family_and_an_index() -> None:
    assert sorted(f"docs/families/{name}.md" for name in families()) == FAMILY_PAGES
    for path in PAGES:
        assert path.removeprefix("docs/") in PAGES["docs/README.md"] or path == "docs/README.md"
    assert "docs/README.md" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A copy of the guides that a test may change, and that are what would be rendered."""
    folder = shutil.copytree(DOCS, tmp_path / "docs")
    guides.write_guides(folder, TESTS)
    return folder


def test_what_was_edited_left_over_or_lost_is_told_and_mended(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by_hand = (docs / "troubleshooting.md").read_text(encoding="utf-8")
    page, stale, lost = (docs / "families" / f"{name}.md" for name in ("vision", "gone", "text_encoder"))
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("Image model", "Picture model"), encoding="utf-8")
    stale.write_text(text, encoding="utf-8")
    lost.unlink()
    command = ["generate", "--guides", str(docs), "--out", str(TESTS)]
    assert main([*command, "--check"]) == 1
    told = capsys.readouterr().out
    assert "-# Picture model" in told
    assert f"--- {stale}" in told
    assert f"+++ {lost} (rendered)" in told
    assert "troubleshooting" not in told.replace("](../troubleshooting", "").replace("](troubleshooting", "")

    assert main(command) == 0
    assert capsys.readouterr().out == f"{docs}: 2 written, 1 removed\n"
    assert main([*command, "--check"]) == 0
    assert not stale.exists()
    assert (docs / "troubleshooting.md").read_text(encoding="utf-8") == by_hand


@pytest.mark.parametrize("page", ["README.md", "families/vision.md"])
def test_a_page_that_somebody_wrote_is_not_overwritten(tmp_path: Path, page: str) -> None:
    mine = tmp_path / "docs" / page
    mine.parent.mkdir(parents=True)
    mine.write_text("# Ours\n", encoding="utf-8")
    with pytest.raises(UsageError, match=f"{page} was not rendered by hfci and would be lost"):
        guides.write_guides(tmp_path / "docs", TESTS)
    assert [path for path in (tmp_path / "docs").rglob("*") if path.is_file()] == [mine]
    assert mine.read_text(encoding="utf-8") == "# Ours\n"


def test_guides_are_rendered_without_torch(tmp_path: Path) -> None:
    code = (
        f"import sys; from hfci.cli import main\n"
        f"code = main(['generate', '--guides', {str(tmp_path / 'docs')!r}, '--out', {str(TESTS)!r}])\n"
        f"print(code, sorted({{'torch', 'transformers'}} & set(sys.modules)))"
    )
    done = subprocess.run([COLD, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n0 []\n")


@pytest.mark.parametrize("option", [["bert"], ["--verify"], ["--scratch"]])
def test_guides_are_rendered_all_or_not(option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--guides", str(tmp_path / "docs"), *option]) == 2
    assert "--guides renders all guides" in capsys.readouterr().err
    assert not (tmp_path / "docs").exists()


def test_without_generated_tests_there_are_no_guides(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the manifest"):
        guides.write_guides(tmp_path / "docs", tmp_path)
    shutil.copy(TESTS / "manifest.json", tmp_path)
    with pytest.raises(UsageError, match="which the manifest records"):
        guides.write_guides(tmp_path / "docs", tmp_path)
    assert not (tmp_path / "docs").exists()


def test_every_check_of_a_family_is_told_with_how_many_are_asked(docs: Path) -> None:
    asked: dict[tuple[str, str], int] = {}
    for row in json.loads((TESTS / "manifest.json").read_text(encoding="utf-8"))["model_types"]:
        family = {found["name"]: found.get("family") for found in row["architectures"]}
        for case in row["cases"]:
            own = family[case["architecture"] or row["base"]]
            for check in {name.partition("[")[0] for name in case["checks"]}:
                asked[own, check] = asked.get((own, check), 0) + 1
    for (name, check), count in asked.items():
        if name != "component":  # which has no rule and no page
            page = (docs / "families" / f"{name}.md").read_text(encoding="utf-8")
            (line,) = re.findall(rf"^\| `{check}` \|.*$", page, re.MULTILINE)
            assert line.split("|")[-3].strip() == str(count), (name, check)


def test_every_exception_is_told(docs: Path) -> None:
    assert guides.COLUMNS.keys() == set(COLUMNS)
    told = [column for section in guides.SECTIONS for column in section.columns]
    assert sorted(told) == sorted(COLUMNS)
    page = html.unescape(MARKDOWN.render((docs / "unusual-requirements.md").read_text(encoding="utf-8")))
    for row in recipe_rows():
        assert clean(row.reason) in page
        for name in (*(row.model_types or ()), *(row.architectures or ())):
            assert f"<code>{name}</code>" in page


# Text of facts in Markdown.


def cells(*texts: str) -> list[str]:
    """Return the HTML of the cells of a table's row."""
    page = f"| {' | '.join('abc')} |\n| --- | --- | --- |\n| left | {' '.join(texts)} | right |\n"
    return re.findall(r"<td>(.*?)</td>", MARKDOWN.render(page), re.DOTALL)


HOSTILE = st.text() | st.text(alphabet="`|\\*_<>[]()&#!~$ a\n1.-")


@given(HOSTILE)
def test_any_text_is_code_in_a_table(text: str) -> None:
    left, middle, right = cells("x", guides.as_code(text), "x")
    assert (left, right) == ("left", "right")
    inside = re.fullmatch(r"x <code>(.*)</code> x", middle, re.DOTALL)
    assert inside
    assert html.unescape(inside[1].replace("<wbr>", "")) == clean(text)


@given(HOSTILE)
def test_any_text_is_text_in_a_table(text: str) -> None:
    left, middle, right = cells("x", guides.as_text(text), "x")
    assert (left, right) == ("left", "right")
    assert "<" not in middle
    assert " ".join(html.unescape(middle).split()) == " ".join(f"x {clean(text)} x".split())


def test_names_can_be_searched_for_in_the_files() -> None:
    assert guides.as_code("qwen2_vl_text") == "`qwen2_vl_text`"
    assert guides.as_text("from_pretrained demands it") == "from_pretrained demands it"


# What pages refer to.


def tokens(text: str) -> list[Token]:
    """Return the tokens of a page, those inside its paragraphs too."""
    return [inner for token in MARKDOWN.parse(text) for inner in (token, *(token.children or ()))]


def slug(heading: str) -> str:
    """Return the anchor that a forge gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@functools.cache
def anchors(text: str) -> set[str]:
    parsed = MARKDOWN.parse(text)
    headings = [after for token, after in itertools.pairwise(parsed) if token.type == "heading_open"]
    return {slug("".join(child.content for child in heading.children or ())) for heading in headings}


def broken_links(path: Path, text: str) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    found = []
    for link in (str(token.attrs["href"]) for token in tokens(text) if token.type == "link_open"):
        target, _, anchor = link.partition("#")
        place = path.parent / target
        if "://" not in link:
            there = text if not target else place.read_text(encoding="utf-8") if anchor and place.is_file() else ""
            if (target and not place.exists()) or (anchor and anchor not in anchors(there)):
                found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    assert broken_links(ROOT / page, PAGES[page]) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    code = (token.content for token in tokens(PAGES[page]) if token.type == "code_inline")
    named = [
        part for line in code for part in line.split() if re.match(r"(hfci|templates|tests|generated|docs)/\w", part)
    ]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_a_broken_link_is_found() -> None:
    text = "[a](no.md) [b](README.md#no) [c](#here) [d](README.md#families) [e](#gone) [f](../hfci)\n\n# Here\n"
    assert broken_links(DOCS / "x.md", text) == ["no.md", "README.md#no", "#gone"]


def source_texts() -> list[str]:
    """Return every text in hfci's source that could be printed, with `…` for what is filled in."""
    found = []
    for path in (ROOT / "hfci").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = node.values
                found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def quoted(text: str) -> list[str]:
    """Return the code in the columns `it says` of a page's tables."""
    found, column, wanted = [], 0, None
    for token in MARKDOWN.parse(text):
        if token.type == "tr_open":
            column = 0
        elif token.type == "table_open":
            wanted = None
        elif token.type == "inline" and token.level > 2:
            column += 1
            if token.content == "it says":
                wanted = column
            elif column == wanted:
                found += [child.content for child in token.children or () if child.type == "code_inline"]
    return found


def unsaid(messages: list[str]) -> list[str]:
    """Return the messages that no text of the source contains, piece by piece in order."""
    known = source_texts()
    patterns = {message: ".*".join(map(re.escape, message.split("…"))) for message in messages}
    return [message for message in messages if not any(re.search(patterns[message], text, re.S) for text in known)]


def test_every_message_that_is_explained_is_one_that_hfci_prints() -> None:
    messages = quoted(PAGES["docs/troubleshooting.md"])
    assert len(messages) > 30
    assert unsaid(messages) == []
    assert unsaid(["… needs a wizard, but …"]) == ["… needs a wizard, but …"]


# Commands.


@dataclasses.dataclass(frozen=True)
class Command:
    """One command of a fenced block, the exit code that its comment names, and what the block below says it prints."""

    arguments: tuple[str, ...]
    code: int
    said: tuple[str, ...]


def commands(text: str) -> list[Command]:
    """Return the commands of the `sh` blocks of a page; a `text` block right below is what the last one prints."""
    parsed = [token for token in MARKDOWN.parse(text) if not token.hidden]
    found = []
    for token, below in zip(parsed, [*parsed[1:], None], strict=True):
        if token.type == "fence" and token.info == "sh":
            is_printed = below is not None and below.type == "fence" and below.info == "text"
            lines = token.content.strip().splitlines()
            for number, line in enumerate(lines, start=1):
                code = re.search(r"# exit code (\d+)$", line)
                program, *arguments = shlex.split(line, comments=True)
                assert program == "hfci", f"not a command of hfci: {line}"
                said = below.content.strip().splitlines() if is_printed and below and number == len(lines) else ()
                found.append(Command(tuple(arguments), int(code[1]) if code else 0, tuple(said)))
    return found


@dataclasses.dataclass(frozen=True)
class Edit:
    """What a reader does to a file: writes the whole of it, or puts lines in the place of others."""

    file: str
    text: str
    instead: str = ""

    def perform(self, folder: Path) -> None:
        """Do so in `folder`."""
        path = folder / self.file
        if not self.instead:
            path.write_text(self.text, encoding="utf-8")
            return
        before = path.read_text(encoding="utf-8")
        assert before.count(self.instead) == 1, f"{self.instead!r} stands {before.count(self.instead)} times in {path}"
        path.write_text(before.replace(self.instead, self.text), encoding="utf-8")


def edits(text: str) -> list[tuple[int, Edit]]:
    """Return what a page has its reader write, each after how many commands: blocks whose info names a file."""
    found, count = [], 0
    for token in MARKDOWN.parse(text):
        kind, _, file = token.info.partition(" ") if token.type == "fence" else ("", "", "")
        if kind == "sh":
            count += len(token.content.strip().splitlines())
        elif kind == "diff" and file:
            sides = {sign: "\n".join(x[1:] for x in token.content.splitlines() if x[:1] == sign) for sign in "-+"}
            found.append((count, Edit(file, sides["+"], sides["-"])))
        elif file:
            found.append((count, Edit(file, token.content)))
    return found


def perform(command: Command, folder: Path) -> None:
    """Run a command in `folder`; assert that it ends and prints as the page says."""
    done = subprocess.run(
        [sys.executable, "-m", "hfci", *command.arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == command.code, f"hfci {shlex.join(command.arguments)}\n{printed}"
    assert [line for line in command.said if line not in printed] == [], printed


@pytest.fixture
def folder(docs: Path) -> Path:
    """A folder to run commands in, like a checkout whose files they may write."""
    shutil.copytree(TESTS, docs.parent / "generated", ignore=shutil.ignore_patterns("__pycache__"))
    return docs.parent


@pytest.mark.parametrize(
    "page", sorted(path for path in PAGES if path not in {*FAMILY_PAGES, BACKENDS_PAGE} and commands(PAGES[path]))
)
def test_the_commands_of_a_page_do_what_it_says(page: str, folder: Path) -> None:
    written = edits(PAGES[page])
    if written:  # it begins in an empty folder
        folder = folder / "empty"
        folder.mkdir()
    for number, command in enumerate(commands(PAGES[page])):
        for edit in (edit for after, edit in written if after == number):
            edit.perform(folder)
        perform(command, folder)


def test_a_command_that_does_not_do_what_its_page_says_is_found(tmp_path: Path) -> None:
    right = commands("```sh\nhfci report none  # exit code 2\n```\n\n```text\nno such file or folder\n```\n")
    assert right == [Command(("report", "none"), 2, ("no such file or folder",))]
    perform(right[0], tmp_path)
    for change in ({"code": 0}, {"said": ("another text",)}, {"arguments": ("reprot", "none")}):
        with pytest.raises(AssertionError):
            perform(dataclasses.replace(right[0], **change), tmp_path)
    with pytest.raises(AssertionError, match="not a command of hfci"):
        commands("```sh\nrm -rf x\n```\n")


# The pages of the families have the same commands, each with its own model type. All their `hfci run NAME` are run, as
# one run of all those names: it makes the tiny model that `hfci tiny NAME` makes, and runs the file that `hfci
# generate NAME` writes. Those two are run for one family; on the pages of the others they differ in that name alone.


def test_the_examples_of_all_families_run(folder: Path) -> None:
    asked = {command.arguments for page in FAMILY_PAGES for command in commands(PAGES[page])}
    names = sorted(arguments[1] for arguments in asked if arguments[0] == "run")
    assert asked == {(command, name) for command in ("run", "tiny", "generate") for name in names}
    perform(Command(("run", *names), 0, ()), folder)
    records = list(read_results([folder / "results"]))
    assert {record.model_type for record in records} == set(names)
    assert {record.outcome for record in records} <= {"passed", "known-failure", "not-applicable"}


def test_the_other_commands_of_a_family_do_what_its_page_says(folder: Path) -> None:
    for command in commands(PAGES["docs/families/composite.md"]):
        if command.arguments[0] != "run":
            perform(command, folder)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_a_sentence_is_understood(page: str) -> None:
    written = (token.content for token in tokens(PAGES[page]) if token.type == "code_inline")
    asked = [tuple(shlex.split(line))[1:] for line in written if line.startswith("hfci ")]
    for arguments in (*asked, *(command.arguments for command in commands(PAGES[page]))):
        assert arguments == ("tiny",) or make_parser().parse_args(arguments).run
