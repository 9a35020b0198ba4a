"""JUnit XML, as CI servers and pull-request actions show it.

Grouped for them: a suite for each family and tier, a page's worth of rows where a suite a model type would make
hundreds; inside, `classname` is family, model type and architecture, which Jenkins shows as package and class and
GitLab in place of the suite; `name` is the check with its axes. Both together are unique, since GitLab drops what
has the name of another. What does not fit an attribute is the element's text, the only part that GitLab shows.

The format has no specification: these are the elements and attributes of Jenkins' schema
(https://github.com/jenkinsci/xunit-plugin, junit-10.xsd).
"""

from __future__ import annotations

import re
import tempfile
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape, quoteattr

from hfci.cases.outcome import Outcome
from hfci.cases.records import Record
from hfci.results.formats.cases import cause_of, details, facts, listed, message, title
from hfci.results.reading import Results
from hfci.results.summary import Summary
from hfci.results.text import clean
from hfci.writing import replacing

__all__ = ["FILE", "NAME", "write"]

NAME = "junit"
FILE = "junit.xml"

# The element that says how a case ended; one that passed has none. Only `failure` and `error` are red.
ELEMENTS: Mapping[Outcome, str] = {
    Outcome.FAILED: "failure",
    Outcome.NOT_RUN: "error",  # something is wrong, and not with what the test tests
    Outcome.KNOWN_FAILURE: "skipped",  # it was executed, but JUnit knows no failure that is expected
    Outcome.QUARANTINED: "skipped",
    Outcome.UNAVAILABLE: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
    Outcome.REUSED: "skipped",  # it passed earlier, and was not executed now
    Outcome.ASSUMED: "skipped",
}

# The plural is the name of the attribute that counts them.
COUNTED: Mapping[str, str] = {"failure": "failures", "error": "errors", "skipped": "skipped"}

# All but what XML 1.0 allows in a document: https://www.w3.org/TR/xml/#charsets
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# What stands in an attribute as it is, as nearly all does.
PLAIN = re.compile(r"[\w .,:/=()#%+\[\]-]*", re.ASCII)

# GitLab and Jenkins attach the file that a test's output names so; ours never means to.
ATTACHMENT = re.compile(r"\[\[(?=ATTACHMENT\|)", re.IGNORECASE)


@dataclass
class Suite:
    """What is counted of one suite, and the offset and length of each of its cases in the file that holds them all."""

    tests: int = 0
    seconds: float = 0.0
    elements: Counter[str] = field(default_factory=Counter)
    places: array[int] = field(default_factory=lambda: array("Q"))


def write(path: Path, results: Results, summary: Summary) -> None:
    """Write a test case for every case, each in its suite; in memory are the suites and two numbers a case.

    Raises EnvironmentUnfit where the file cannot be written.
    """
    with replacing(path) as file, tempfile.TemporaryFile(dir=path.parent) as cases:
        suites = _write_cases(cases, listed(results, summary))
        known = {"verdict": summary.verdict, **facts(results.headers)}
        properties = "".join(_element("property", {"name": name, "value": value}) for name, value in known.items())
        root = {"name": "hfci", **_counts(suites.values(), without="skipped")}
        file.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites{_attributes(root)}>\n'.encode())
        for name, suite in sorted(suites.items()):
            begin = f"<testsuite{_attributes({'name': name, **_counts([suite])})}>\n"
            file.write((begin + _element("properties", {}, properties) + "\n").encode())
            for offset, length in zip(suite.places[::2], suite.places[1::2], strict=True):
                cases.seek(offset)
                file.write(cases.read(length))
            file.write(b"</testsuite>\n")
        file.write(b"</testsuites>\n")


def _write_cases(cases: BinaryIO, records: Iterable[Record]) -> dict[str, Suite]:
    """Write the element of every case to `cases`, in any order, and return the suites that they belong to."""
    suites: dict[str, Suite] = defaultdict(Suite)
    offset = 0
    for record in records:
        suite = suites[clean(f"{record.family or 'no family'}, {record.tier}")]
        suite.tests += 1
        suite.seconds += record.duration_s
        suite.elements[ELEMENTS.get(record.outcome, "")] += 1
        length = cases.write(f"{_case(record)}\n".encode())
        suite.places.extend((offset, length))
        offset += length
    return suites


def _case(record: Record) -> str:
    parts = filter(None, (record.family, record.model_type, record.architecture))
    inside = ""
    if element := ELEMENTS.get(record.outcome):
        kind = record.error.type if record.error else record.outcome
        inside = _element(element, {"type": clean(kind), "message": message(record)}, _escaped(details(record)))
        if record.reproduce:
            inside += _element("system-out", {}, _escaped(clean(record.reproduce)))
    if (cause := cause_of(record)) is not None:
        inside += _element("properties", {}, _element("property", {"name": "cause", "value": cause}))
    about = {"classname": clean(".".join(parts)), "name": title(record), "time": f"{record.duration_s:.3f}"}
    return _element("testcase", about, inside)


def _counts(suites: Iterable[Suite], without: str = "") -> dict[str, str]:
    """Return the attributes that count what is in `suites`."""
    suites = tuple(suites)
    counted = {
        attribute: str(sum(suite.elements[element] for suite in suites))
        for element, attribute in COUNTED.items()
        if element != without
    }
    seconds = sum(suite.seconds for suite in suites)
    return {"tests": str(sum(suite.tests for suite in suites)), **counted, "time": f"{seconds:.3f}"}


def _element(name: str, attributes: Mapping[str, str], inside: str = "") -> str:
    """Return an element; what is `inside` is XML already."""
    return f"<{name}{_attributes(attributes)}" + (f">{inside}</{name}>" if inside else "/>")


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f" {name}={_quoted(value)}" for name, value in values.items())


def _quoted(text: str) -> str:
    return f'"{text}"' if PLAIN.fullmatch(text) and "[[" not in text else quoteattr(_allowed(text))


def _escaped(text: str) -> str:
    return escape(_allowed(text))


def _allowed(text: str) -> str:
    if not text.isprintable():  # what is printable is allowed
        text = FORBIDDEN.sub("\ufffd", text)
    return ATTACHMENT.sub("[ [", text) if "[[" in text else text
