"""What went wrong: one of the codes of data/diagnoses.toml, with its cause, its remedy and the evidence.

An exception of a library is diagnosed by its type and the status of the answer, by `RULES`; what stands in none of them
is `unexpected`, with its traceback as the evidence.
"""

from __future__ import annotations

import errno
import functools
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hfci.errors import HfciError
from hfci.parsing import Text, read_toml

__all__ = ["SMALLER", "Diagnosed", "Diagnosis", "DiagnosisFile", "DiagnosisRow", "Rule", "diagnose", "diagnoses"]

STAGE_NAMES = Literal[
    "configuration", "access", "size", "keys", "rehearsal", "download", "load", "hello", "report"
]  # in their order

LONGEST_EVIDENCE = 4_000


class DiagnosisRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of failure.

    - `code`: its stable name; `stages`: where it can be found; `exit_code`: that of the command
    - `test`: the one in tests/preflight that produces it, which fails where it does not
    - `cause`: one sentence; `remedy`: one sentence; `{NAME}` in them is a fact that whoever raises it gives
    """

    code: Annotated[str, Meta(pattern="^[a-z_]+$", title="a name of small letters and underscores")]
    test: Text
    stages: tuple[STAGE_NAMES, ...]
    exit_code: Literal[1, 2, 4]
    cause: Text
    remedy: Text


class DiagnosisFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The taxonomy."""

    diagnosis: tuple[DiagnosisRow, ...]


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong.

    - `code`, `exit_code`: as in the taxonomy; `stage`: where; `cause`, `remedy`: a sentence each
    - `evidence`: what it is concluded from; `facts`: the numbers and names in the sentences
    """

    code: str
    stage: str
    cause: str
    remedy: str
    exit_code: int
    evidence: str = ""
    facts: dict[str, str | int | float] = {}


class Diagnosed(HfciError):
    """Why this checkpoint will not run: a `code` of the taxonomy, the facts of its sentences, and the evidence."""

    def __init__(self, code: str, evidence: str = "", **facts: str | int | float) -> None:
        row = diagnoses()[code]
        self.code = code
        self.evidence = evidence[-LONGEST_EVIDENCE:]
        self.facts = facts
        self.cause = row.cause.format(**facts)
        self.remedy = row.remedy.format(**facts)
        super().__init__(f"{code}: {self.cause} {self.remedy}")

    def at(self, stage: str) -> Diagnosis:
        """Return the diagnosis, made at `stage`."""
        return Diagnosis(
            code=self.code,
            stage=stage,
            cause=self.cause,
            remedy=self.remedy,
            exit_code=diagnoses()[self.code].exit_code,
            evidence=self.evidence,
            facts=self.facts,
        )


@functools.cache
def diagnoses() -> Mapping[str, DiagnosisRow]:
    """Return the taxonomy, by code."""
    path = files("hfci.preflight") / "data" / "diagnoses.toml"
    return {row.code: row for row in read_toml(path, DiagnosisFile, "the diagnoses").diagnosis}


def diagnose(error: BaseException, stage: str, about: Mapping[str, str]) -> Diagnosis:
    """Return what `error`, met at `stage`, means; `about` tells at least of `model`, `revision` and `endpoint`."""
    if isinstance(error, Diagnosed):
        return error.at(stage)
    evidence = _evidence(error)
    for cause in _causes(error):
        for module, name, conclude in RULES:
            kind = getattr(sys.modules.get(module), name, None)  # what was not imported has raised nothing
            if isinstance(kind, type) and isinstance(cause, kind) and (found := conclude(cause, about)):
                code, facts = found
                return Diagnosed(code, evidence, **facts).at(stage)
    kind_of = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    return Diagnosed("unexpected", evidence, error=f"{kind_of}: {_line(error)}").at(stage)


# Rules: by type, in this order; first of what an error was raised from, which knows more.

Facts = dict[str, str | int | float]
Found = tuple[str, Facts]
Rule = tuple[str, str, Callable[[Any, Mapping[str, str]], Found | None]]


def _is(code: str, *facts: str) -> Callable[[Any, Mapping[str, str]], Found]:
    """Conclude `code` from the type alone; its sentences need these of what is known."""
    return lambda _error, about: (code, {name: about[name] for name in facts})


def _repository(error: Any, about: Mapping[str, str]) -> Facts:
    return {"model": getattr(error, "repo_id", None) or about["model"], "endpoint": about["endpoint"]}


def _gated(error: Any, about: Mapping[str, str]) -> Found:
    return ("gated" if _sent_token(error) else "token_missing"), _repository(error, about)


def _repository_not_found(error: Any, about: Mapping[str, str]) -> Found:
    # Who sends a valid token is told 404: then a 401 speaks of the token, else of what may not be there at all.
    is_refused = error.response.status_code == 401 and _sent_token(error)
    return ("token_invalid" if is_refused else "model_not_found"), _repository(error, about)


def _revision_not_found(error: Any, about: Mapping[str, str]) -> Found:
    return "revision_not_found", {**_repository(error, about), "revision": about["revision"]}


def _entry_not_found(error: Any, about: Mapping[str, str]) -> Found:
    return "file_missing", {**_repository(error, about), "file": error.response.url.path.rpartition("/")[2]}


def _status(error: Any, about: Mapping[str, str]) -> Found | None:
    """Conclude from the status of an answer of the Hub."""
    status = error.response.status_code
    if status == 429:
        return "rate_limited", {"endpoint": about["endpoint"], "seconds": _reset(error.response.headers)}
    if status == 401:
        return _repository_not_found(error, about)
    if status == 403:
        return ("token_invalid" if _sent_token(error) else "token_missing"), _repository(error, about)
    if status >= 500:
        return "hub_unreachable", {"endpoint": about["endpoint"], "why": f"it answered {status}"}
    return None


def _reset(headers: Mapping[str, str]) -> int:
    """Return the seconds until the Hub answers again: what `ratelimit`, or `retry-after`, says; else its window."""
    named = re.search(r"\bt=(\d{1,6})", headers.get("ratelimit", ""))
    after = re.fullmatch(r"\d{1,6}", headers.get("retry-after", ""))
    return int(named[1]) if named else int(after[0]) if after else 300


def _unreachable(error: BaseException, about: Mapping[str, str]) -> Found:
    return "hub_unreachable", {"endpoint": about["endpoint"], "why": f"{type(error).__name__}: {_line(error)}"}


def _no_folder(error: OSError, about: Mapping[str, str]) -> Found | None:
    """Conclude from a place that cannot be one of files: that of the cache, which the environment names."""
    del about
    if error.errno not in (errno.ENOTDIR, errno.EROFS) or not error.filename:
        return None
    return "config_invalid", {"problem": f"{error.filename} cannot be used (HF_HOME, HF_HUB_CACHE): {error.strerror}"}


def _no_space(error: OSError, about: Mapping[str, str]) -> Found | None:
    del about
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    hub = sys.modules.get("huggingface_hub.constants")
    place = error.filename or getattr(hub, "HF_HUB_CACHE", tempfile.gettempdir())
    return "disk_too_small", {"needed": "more bytes", "free": "none", "place": str(place)}


# What would fit where nothing more is known than that there was not enough.
SMALLER = "a smaller batch, a shorter max_length, or a smaller dtype"


def _no_memory(_error: BaseException, _about: Mapping[str, str]) -> Found:
    return "memory_too_small", {"needed": "more than there is", "has": "less", "fits": SMALLER}


def _package(error: Exception, about: Mapping[str, str]) -> Found | None:
    """Conclude from a package that is not there, as the error says in one of the ways of transformers."""
    from hfci.catalog.requirements import absent_packages

    del about
    said = re.search(r"pip install ([\w.\-\[\]]+)", str(error))  # what code of a repository imports
    packages = absent_packages(error) or ((said[1],) if said and isinstance(error, ImportError) else ())
    return ("package_missing", {"package": " ".join(packages)}) if packages else None


_HUB = "huggingface_hub.errors"
_CLIENTS = ("httpx2", "httpx")  # the former since huggingface_hub 2

RULES: tuple[Rule, ...] = (
    (_HUB, "GatedRepoError", _gated),
    (_HUB, "RepositoryNotFoundError", _repository_not_found),
    (_HUB, "DisabledRepoError", _is("disabled", "model")),
    (_HUB, "RevisionNotFoundError", _revision_not_found),
    (_HUB, "RemoteEntryNotFoundError", _entry_not_found),
    (_HUB, "HfHubHTTPError", _status),
    (_HUB, "OfflineModeIsEnabled", _is("offline_and_not_cached", "model")),
    (_HUB, "HFValidationError", lambda error, _: ("config_invalid", {"problem": _line(error).rstrip(".")})),
    (_HUB, "SafetensorsParsingError", lambda error, _: ("weights_corrupt", {"file": "a shard", "why": _line(error)})),
    *((client, "TransportError", _unreachable) for client in _CLIENTS),
    (_HUB, "LocalEntryNotFoundError", _is("offline_and_not_cached", "model")),
    ("safetensors", "SafetensorError", lambda error, _: ("weights_corrupt", {"file": "a shard", "why": _line(error)})),
    ("builtins", "OSError", _no_space),
    ("builtins", "OSError", _no_folder),
    ("torch", "OutOfMemoryError", _no_memory),
    ("builtins", "MemoryError", _no_memory),
    ("builtins", "ImportError", _package),
    ("builtins", "NameError", _package),
)


def _sent_token(error: Any) -> bool:
    return "authorization" in error.response.request.headers


def _causes(error: BaseException) -> list[BaseException]:
    """Return `error` and what it was raised from, the innermost first."""
    found = [error]
    while (cause := found[-1].__cause__) is not None and cause not in found:
        found.append(cause)
    return found[::-1]


def _line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")[:300]


def _evidence(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).strip()
