"""A Hub on the loopback, as far as huggingface_hub asks it, and no kinder: it answers as huggingface.co does.

Weights lie behind a redirect to another origin, which must not get a token; what the Hub says of itself stands in
headers (ETag, X-Repo-Commit, X-Linked-Size, X-Error-Code, RateLimit); ranges are served; `requests` is what was asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["GOOD_TOKEN", "Asked", "Blob", "Hub", "Repo", "running_hub"]

GOOD_TOKEN = "hf_loopbackGoodTokenOfATest"
OTHER_TOKEN = "hf_loopbackTokenOfSomebodyElse"
LFS = (".safetensors", ".bin")
CHUNK = 65_536


@dataclass(frozen=True)
class Blob:
    """The content of a file: `head`, and zeros up to `size`, of which nobody needs to have so much."""

    head: bytes
    size: int

    @classmethod
    def of(cls, content: bytes) -> Blob:
        return cls(content, len(content))

    @property
    def sha256(self) -> str:
        """The hash; of a file that is nearly all zeros, of its head alone: nobody downloads it whole."""
        return hashlib.sha256(self.head).hexdigest()

    @property
    def oid(self) -> str:
        return hashlib.sha1(b"blob %d\0" % self.size + self.head).hexdigest()

    def part(self, begin: int, end: int) -> Iterator[bytes]:
        while begin < end:
            stop = min(end, begin + CHUNK)
            own = self.head[begin:stop]
            yield own + bytes(stop - begin - len(own))
            begin = stop


@dataclass
class Repo:
    """A repository with one commit, which `revisions` names; `elements` is what the Hub counted in its safetensors."""

    files: dict[str, Blob] = field(default_factory=dict)
    commit: str = "1" * 40
    revisions: tuple[str, ...] = ("main",)
    gated: bool = False
    private: bool = False
    disabled: bool = False
    elements: dict[str, int] | None = None

    @classmethod
    def of(cls, folder: Path, **settings: object) -> Repo:
        """Return a repository of the files in `folder`."""
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        files = {path.relative_to(folder).as_posix(): Blob.of(path.read_bytes()) for path in paths}
        return cls(files, **settings)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Asked:
    """One request: its method and path, the range and whether a token came with it, and how much was sent in answer."""

    method: str
    path: str
    range: str | None
    has_token: bool
    host: str


@dataclass
class Hub:
    """The Hub: its address, what it holds, what was asked of it, and what goes wrong.

    `faults` are asked of each request, in their order: one that takes it in hand answers true.
    """

    endpoint: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    requests: list[Asked] = field(default_factory=list)
    faults: list[Callable[[Handler], bool]] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)

    def forget(self) -> None:
        """Hold nothing any more, and let nothing go wrong."""
        for each in (self.repos, self.requests, self.faults, self.sent):
            each.clear()

    def asked(self, method: str, pattern: str) -> list[Asked]:
        """Return the requests by `method` whose path has `pattern`."""
        return [each for each in self.requests if each.method == method and re.search(pattern, each.path)]


@contextlib.contextmanager
def running_hub() -> Iterator[Hub]:
    """Serve a Hub until the block ends."""
    hub = Hub()
    handler = type("OfHub", (Handler,), {"hub": hub})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.endpoint = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield hub
        server.shutdown()


class Refused(Exception):
    """An answer that is an error: its status, the code and the message in its headers."""

    def __init__(self, status: int, code: str | None, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        named = {"X-Error-Code": code, "X-Error-Message": message}
        self.headers = {name: value for name, value in named.items() if value} | headers


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def answer(self) -> None:
        """Answer, or fail as a fault has it."""
        address = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(address.path)
        token = self.headers.get("Authorization")
        host = self.headers.get("Host", "").partition(":")[0]
        self.hub.requests.append(Asked(self.command, path, self.headers.get("Range"), token is not None, host))
        try:
            if any(fault(self) for fault in self.hub.faults):
                return
            self.route(path, urllib.parse.parse_qs(address.query))
        except Refused as refused:
            self.reply(refused.status, json.dumps({"error": str(refused)}).encode(), **refused.headers)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def route(self, path: str, query: dict[str, list[str]]) -> None:
        if match := re.fullmatch(r"/cdn/([0-9a-f]{64})", path):
            assert "Authorization" not in self.headers, "a token left the Hub"
            blobs = (blob for repo in self.hub.repos.values() for blob in repo.files.values())
            self.send(next(blob for blob in blobs if blob.sha256 == match[1]), {"ETag": f'"{match[1]}"'}, match[1])
        elif match := re.fullmatch(r"/api/models/(.+?)(?:/(auth-check)|/(revision|tree)/([^/]+)(?:/(.+))?)?", path):
            name, check, kind, revision, folder = match.groups()
            repo = self.repo(name, is_read=check is not None)
            if check:
                self.reply(200, b"{}")
                return
            self.at(repo, revision or "main")
            if folder and not any(file.startswith(f"{folder}/") for file in repo.files):
                raise Refused(404, "EntryNotFound", "Entry not found")
            self.reply(200, json.dumps(self.tree(repo) if kind == "tree" else self.info(name, repo, query)).encode())
        elif match := re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path):
            name, revision, file = match.groups()
            repo = self.repo(name, is_read=True)
            self.at(repo, revision)
            self.resolve(repo, file)
        else:
            raise Refused(404, None, "Not found")

    def repo(self, name: str, *, is_read: bool) -> Repo:
        """Return the repository, if who asks may see it, and may read it if `is_read`."""
        token = self.headers.get("Authorization")
        if token is not None and token not in (f"Bearer {GOOD_TOKEN}", f"Bearer {OTHER_TOKEN}"):
            raise Refused(401, None, "Invalid credentials in Authorization header")
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and token != f"Bearer {GOOD_TOKEN}"):
            if token is None:
                raise Refused(401, None, "Invalid username or password.")
            raise Refused(404, "RepoNotFound", "Repository not found")
        if repo.disabled:
            raise Refused(403, None, "Access to this resource is disabled.")
        if repo.gated and is_read and token != f"Bearer {GOOD_TOKEN}":
            status = 401 if token is None else 403
            raise Refused(
                status, "GatedRepo", f"Access to model {name} is restricted and you are not in the authorized list."
            )
        return repo

    def at(self, repo: Repo, revision: str) -> None:
        if revision not in (*repo.revisions, repo.commit):
            raise Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")

    def info(self, name: str, repo: Repo, query: dict[str, list[str]]) -> dict[str, object]:
        siblings: list[dict[str, object]] = [{"rfilename": file} for file in repo.files]
        if "blobs" in query:
            for sibling, (file, blob) in zip(siblings, repo.files.items(), strict=True):
                sibling |= {"size": blob.size, "blobId": blob.oid}
                if file.endswith(LFS):
                    sibling["lfs"] = {"sha256": blob.sha256, "size": blob.size, "pointerSize": 135}
        said: dict[str, object] = {
            "id": name,
            "sha": repo.commit,
            "private": repo.private,
            "disabled": False,
            "tags": [],
        }
        said |= {"gated": "manual" if repo.gated else False, "siblings": siblings}
        if repo.elements is not None:
            said["safetensors"] = {"parameters": repo.elements, "total": sum(repo.elements.values())}
        return said

    def tree(self, repo: Repo) -> list[dict[str, object]]:
        entries = []
        for file, blob in repo.files.items():
            entry: dict[str, object] = {"type": "file", "path": file, "oid": blob.oid, "size": blob.size}
            if file.endswith(LFS):
                entry["lfs"] = {"oid": blob.sha256, "size": blob.size, "pointerSize": 135}
            entries.append(entry)
        return entries

    def resolve(self, repo: Repo, file: str) -> None:
        blob = repo.files.get(file)
        commit = {"X-Repo-Commit": repo.commit}
        if blob is None:
            raise Refused(404, "EntryNotFound", "Entry not found", **commit)
        if not file.endswith(LFS):
            self.send(blob, {"ETag": f'"{blob.oid}"', **commit}, file)
            return
        other = self.hub.endpoint.replace("127.0.0.1", "localhost")
        linked = {"X-Linked-Size": str(blob.size), "X-Linked-ETag": f'"{blob.sha256}"', "ETag": f'"{blob.sha256}"'}
        self.reply(302, b"", Location=f"{other}/cdn/{blob.sha256}", **linked, **commit)

    def send(self, blob: Blob, headers: dict[str, str], name: str) -> None:
        """Send a blob, or the part of it that is asked for."""
        begin, end, status = 0, blob.size, 200
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            begin, end, status = int(match[1]), min(int(match[2] or blob.size) + 1, blob.size), 206
            headers = {**headers, "Content-Range": f"bytes {begin}-{end - 1}/{blob.size}"}
        self.start(status, end - begin, {"Accept-Ranges": "bytes", **headers})
        if self.command == "GET":
            for chunk in blob.part(begin, end):
                self.wfile.write(chunk)
                self.hub.sent[name] = self.hub.sent.get(name, 0) + len(chunk)

    def reply(self, status: int, content: bytes, **headers: str) -> None:
        self.start(status, len(content), {"Content-Type": "application/json", **headers})
        if self.command == "GET":
            self.wfile.write(content)

    def start(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for header, value in {"Content-Length": str(length), "X-Request-Id": "of-a-test", **headers}.items():
            self.send_header(header, value)
        self.end_headers()


# What goes wrong.


def failing(status: int, pattern: str, times: int = 1_000, **headers: str) -> Callable[[Handler], bool]:
    """Answer with `status` what has `pattern` in its path, so many times."""
    left = [times]

    def fault(handler: Handler) -> bool:
        if not re.search(pattern, handler.path) or not left[0]:
            return False
        left[0] -= 1
        handler.reply(status, b'{"error": "no"}', **headers)
        return True

    return fault


RATE_LIMIT = {"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=500;w=300'}


def _is_download(handler: Handler, pattern: str) -> bool:
    """Tell whether this is a download, or goes on with one, of what has `pattern` in its path: no look at a header."""
    begins = handler.headers.get("Range", "").startswith("bytes=0-")
    return handler.command == "GET" and re.search(pattern, handler.path) is not None and not begins


def stalling(pattern: str, after: int = 0) -> Callable[[Handler], bool]:
    """Send `after` bytes of what has `pattern` in its path, and then nothing, for ever."""

    def fault(handler: Handler) -> bool:
        if not _is_download(handler, pattern):
            return False
        handler.start(200, 10_000_000, {})
        handler.wfile.write(bytes(after))
        handler.wfile.flush()
        time.sleep(600)
        return True

    return fault


def trickling(pattern: str, pause_s: float) -> Callable[[Handler], bool]:
    """Send a megabyte, wait, and send the next of what has `pattern` in its path."""

    def fault(handler: Handler) -> bool:
        if not _is_download(handler, pattern):
            return False
        blobs = [blob for repo in handler.hub.repos.values() for blob in repo.files.values()]
        blob = next(blob for blob in blobs if blob.sha256 in handler.path)
        handler.start(200, blob.size, {"ETag": f'"{blob.sha256}"', "Accept-Ranges": "bytes"})
        for begin in range(0, blob.size, 1_000_000):
            handler.wfile.write(b"".join(blob.part(begin, min(begin + 1_000_000, blob.size))))
            handler.wfile.flush()
            time.sleep(pause_s)
        return True

    return fault


def cutting(pattern: str, after: int) -> Callable[[Handler], bool]:
    """Cut the connection after `after` bytes, the first time that what has `pattern` in its path is asked for."""
    left = [1]

    def fault(handler: Handler) -> bool:
        if not _is_download(handler, pattern) or not left[0]:
            return False
        left[0] = 0
        blobs = [blob for repo in handler.hub.repos.values() for blob in repo.files.values()]
        blob = next(blob for blob in blobs if blob.sha256 in handler.path)
        handler.start(200, blob.size, {"ETag": f'"{blob.sha256}"', "Accept-Ranges": "bytes"})
        for chunk in blob.part(0, after):
            handler.wfile.write(chunk)
        handler.wfile.flush()
        handler.close_connection = True
        return True

    return fault
