"""What a preflight found, told to people: on a terminal, and as Markdown for the page of a job.

`FACTS` is what is told of what was found, in this order: a label, and a function that returns its text, or None where
nothing is known of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hfci.preflight.masking import Masking
from hfci.preflight.result import Result, StageResult
from hfci.preflight.sizes import in_both, shortly
from hfci.preflight.stages import Found
from hfci.results.text import clean, code, no_command, shorten

if TYPE_CHECKING:
    from rich.console import Console

    from hfci.preflight.worker import Progress

__all__ = ["FACTS", "Live", "facts", "headline", "how_far", "markdown", "print_report", "why"]

MARKS = {"passed": "✅", "failed": "❌", "not-run": "⏭", "interrupted": "⏹"}
EVIDENCE_LINES = 12
LONGEST = 600  # characters of a fact


def headline(result: Result) -> str:
    """Return the verdict in one line."""
    name = result.request.model or result.request.file or "the model"
    if result.found.configuration is not None:
        name = result.found.configuration.configuration.model.name
    if any(stage.outcome == "interrupted" for stage in result.stages):
        return f"⏹ Model test interrupted: {name}"
    if result.failures:
        return f"❌ Model test failed: {name}: {', '.join(failure.code for failure in result.failures)}"
    if result.until != "report":
        return f"✅ Model test successful until {result.until}: {name}"
    return f"✅ Model test successful: {name}"


def facts(found: Found) -> Iterator[tuple[str, str]]:
    """Yield what there is to tell of what was found: labels and texts."""
    for label, tell in FACTS:
        if text := tell(found):
            yield label, shorten(text, LONGEST)


def _commit(found: Found) -> str | None:
    if found.access is None:
        return None
    of_tokenizer = found.access.tokenizer
    own = "" if of_tokenizer == found.access.model else f"; tokenizer {of_tokenizer.name} at {of_tokenizer.commit}"
    return f"{found.access.model.commit or found.access.model.folder}{own}"


def _architecture(found: Found) -> str | None:
    if found.size is None:
        return None
    loaded = f", loaded by {found.keys.loaded_by}" if found.keys is not None and found.keys.loaded_by else ""
    return f"{', '.join(found.size.architectures) or 'not named'} ({found.size.model_type}{loaded})"


def _parameters(found: Found) -> str | None:
    """Tell the numbers that are stored, by the headers of the weights where those were read."""
    by_dtype = found.keys.by_dtype if found.keys is not None else found.size.by_dtype if found.size is not None else {}
    if not by_dtype:
        return None
    each = ", ".join(f"{count:,} {dtype}" for dtype, count in sorted(by_dtype.items(), key=lambda pair: -pair[1]))
    packed = ", several packed in one" if found.size is not None and found.size.quantization else ""
    return f"{sum(by_dtype.values()):,} stored ({each}{packed})"


def _stored(found: Found) -> str | None:
    if found.size is None:
        return None
    method = f", quantised with {found.size.quantization}" if found.size.quantization else ""
    return in_both(found.size.weight_bytes) + method


def _asked(found: Found) -> str | None:
    if found.size is None or found.size.asked_bytes is None:
        return None
    dequantised = ", if it is dequantised" if found.size.quantization else ""
    return f"{in_both(found.size.asked_bytes)} in {found.size.asked_dtype}{dequantised}"


def _to_download(found: Found) -> str | None:
    if found.size is None:
        return None
    return (
        f"{shortly(found.size.download_bytes)}; {shortly(found.size.cached_bytes)} are cached; "
        f"{shortly(found.size.free_bytes)} are free in {found.size.disk}"
    )


def _keys(found: Found) -> str | None:
    if found.keys is None:
        return None
    if found.keys.unchecked:
        return f"not compared: {found.keys.unchecked}"
    extra = f"; {found.keys.unexpected_count:,} that the model has no place for" if found.keys.unexpected_count else ""
    return f"{found.keys.tensors:,} tensors match, by {shortly(found.keys.header_bytes)} of headers{extra}"


def _downloaded(found: Found) -> str | None:
    if found.download is None or not found.download.files:
        return None
    took = found.download.seconds
    speed = f", {shortly(int(found.download.bytes / took))}/s" if took else ""
    verified = f"{found.download.verified} verified by their SHA-256"
    return f"{shortly(found.download.bytes)} in {took:,.1f} s{speed}; {len(found.download.files)} files, {verified}"


def _arguments(found: Found) -> str | None:
    if found.configuration is None:
        return None
    given = ", ".join(f"{name}={value!r}" for name, value in found.configuration.from_pretrained.items())
    return f"from_pretrained({found.configuration.configuration.model.name!r}, {given})"


def _command(found: Found) -> str | None:
    return found.configuration.command if found.configuration is not None else None


def _versions(found: Found) -> str | None:
    if found.configuration is None:
        return None
    return ", ".join(f"{name} {version}" for name, version in found.configuration.versions.items())


def _memory(found: Found) -> str | None:
    if found.size is None:
        return None
    if (memory := found.size.memory) is None:
        return f"not predicted: {found.size.memory_unknown}"
    has = "" if memory.has is None else f" of {in_both(memory.has)}"
    return (
        f"{in_both(memory.total)}{has} on each {memory.device}: {shortly(memory.weights)} weights, "
        f"{shortly(memory.activations)} beside, with {memory.batch_size} x {memory.max_length:,} tokens; "
        f"their cache is {shortly(memory.cache)}"
    )


def _rehearsed(found: Found) -> str | None:
    if found.rehearsal is None:
        return None
    twin = found.rehearsal
    return f"a twin of {twin.parameters:,} parameters on {twin.device} in {twin.seconds:.1f} s"


def _loaded(found: Found) -> str | None:
    if (load := found.load) is None:
        return None
    error = "" if load.error is None else f", predicted {load.error:+.1%}"
    took = f"{load.parameters:,} parameters as {load.dtype} on {load.device} in {load.seconds:.1f} s"
    return f"{took}; {in_both(load.weight_bytes)}{error}"


def _measured(found: Found) -> str | None:
    """Tell what loading and saying hello took, and what was predicted of it."""
    if found.hello is None or found.hello.measured_bytes is None:
        return None
    predicted = found.hello.predicted_bytes
    error = "" if found.hello.error is None else f" ({found.hello.error:+.1%})"
    return in_both(found.hello.measured_bytes) + (
        "" if predicted is None else f", predicted {shortly(predicted)}{error}"
    )


def _said(found: Found) -> str | None:
    if found.hello is None:
        return None
    greeting = found.hello.greeting
    speed = "" if greeting.tokens_per_second is None else f" ({greeting.tokens_per_second:,.1f} tokens/s)"
    warnings = "".join(f"; ⚠️ {warning}" for warning in greeting.warnings)
    return f"{greeting.task}: {greeting.prompt!r} → {greeting.text!r}{speed}{warnings}"


FACTS: tuple[tuple[str, Callable[[Found], str | None]], ...] = (
    ("Commit", _commit),
    ("Architecture", _architecture),
    ("Parameters", _parameters),
    ("Size stored", _stored),
    ("Size as asked for", _asked),
    ("To download", _to_download),
    ("Memory", _memory),
    ("Keys", _keys),
    ("Rehearsed", _rehearsed),
    ("Downloaded", _downloaded),
    ("Loaded", _loaded),
    ("Memory used", _measured),
    ("Said", _said),
    ("Loaded with", _arguments),
    ("Evaluation", _command),
    ("Versions", _versions),
)


def print_report(result: Result, masking: Masking, console: Console | None = None) -> None:
    """Print the report; a runner of GitHub finds no command in it, whatever a repository says."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console(highlight=False)

    def say(line: str, style: str = "") -> None:
        console.print(Text(masking.text(line), style), soft_wrap=True)

    say(no_command(headline(result)), "bold red" if result.exit_code else "bold green")
    for label, text in facts(result.found):
        say(f"  {label + ':':20}{no_command(text)}")
    for failure in result.failures:
        say(no_command(f"{failure.code} at {failure.stage}: {failure.cause}"), "red")
        say(f"  {no_command(failure.remedy)}")
        for line in failure.evidence.splitlines()[-EVIDENCE_LINES:]:
            say(f"    {no_command(line)}", "dim")


def markdown(result: Result, masking: Masking) -> str:
    """Return the report as Markdown in which what a repository says is inert."""
    lines = [f"## {_inert(masking, headline(result))}", "", "| | |", "| --- | --- |"]
    lines += [f"| {label} | {_inert(masking, text)} |" for label, text in facts(result.found)]
    for failure in result.failures:
        lines += ["", f"**`{failure.code}`** at `{failure.stage}`: {_inert(masking, failure.cause)}", ""]
        lines += [_inert(masking, failure.remedy)]
        tail = "\n".join(failure.evidence.splitlines()[-EVIDENCE_LINES:])
        lines += ["", f"<details><summary>Evidence</summary>{_inert(masking, tail)}</details>"] if tail else []
    lines += ["", "| Stage | | Seconds | |", "| --- | --- | ---: | --- |"]
    for stage in result.stages:
        lines.append(
            f"| {stage.stage} | {MARKS[stage.outcome]} | {stage.duration_s:.1f} | {_inert(masking, why(stage))} |"
        )
    return "\n".join(lines) + "\n"


def why(stage: StageResult) -> str:
    """Return why a stage did not pass, in a word or a few; empty where it did."""
    return stage.reason or (stage.diagnosis.code if stage.diagnosis is not None else "")


def _inert(masking: Masking, text: str) -> str:
    return code(masking.text(text)) if text else ""


def how_far(stage: str, progress: Progress) -> str:
    """Return in one line where a stage stands."""
    part = f" ({progress.done / progress.total:.0%})" if progress.done and progress.total else ""
    return f"{stage}: {clean(progress.text)}{part}"


class Live:
    """Tells on standard error how each stage goes; on a terminal also what it is doing."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status("")

    def begins(self, stage: str) -> None:
        """Show that it is under way."""
        if self._console.is_terminal:
            self._status.update(stage)
            self._status.start()

    def progresses(self, stage: str, progress: Progress) -> None:
        """Show what it does."""
        if self._console.is_terminal:
            self._status.update(how_far(stage, progress).replace("[", r"\["))

    def ends(self, result: StageResult) -> None:
        """Say how it ended."""
        from rich.text import Text

        self._status.stop()
        took = f"{result.duration_s:7.1f} s  " if result.outcome != "not-run" else " " * 11
        line = f"{MARKS[result.outcome]} {result.stage:14}{took}{no_command(why(result))}"
        self._console.print(Text(line.rstrip()), soft_wrap=True)
