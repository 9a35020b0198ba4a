"""How much model types are used: asked of a Hub on this machine, by real commands."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest

from hfci.cases.manifest import Manifest
from hfci.errors import UsageError
from hfci.planning.popularity import SCHEMA_FILE, Popularity, Use, load_popularity
from hfci.testing.process_setup import OFFLINE
from tests.warm import COLD

from .test_select import row

TOKEN = "hf_" + "s3cr3t" * 5

# What the Hub has, the most downloaded first: some say no configuration, or none that makes sense.
MODELS: list[dict[str, Any]] = [
    {"id": "e", "downloads": 988, "likes": 9, "config": {"model_type": "gpt2"}},
    {"id": "d", "downloads": 986, "likes": 1, "config": {"model_type": "vit"}},
    {"id": "a", "downloads": 900, "likes": 5, "config": {"model_type": "bert"}},
    {"id": "b", "downloads": 80, "likes": 4, "config": {"model_type": "bert"}},
    {"id": "other", "downloads": 70, "likes": 9, "config": {"model_type": "no-such"}},
    {"id": "c", "downloads": 7, "likes": 0, "config": {"model_type": "bert"}},
    {"id": "unsaid", "downloads": 1, "likes": 1},
    {"id": "odd", "downloads": 1, "likes": 1, "config": {"model_type": ["bert"]}},
    {"id": "none", "downloads": 0, "likes": 0, "config": None},
]


class Hub(ThreadingHTTPServer):
    """Lists models, `most` a page, or answers something else; of a second it answers `patience` requests."""

    def __init__(
        self, status: int = 200, body: bytes | None = None, patience: int | None = None, most: int = 2
    ) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body, self.patience, self.most = status, body, patience, most
        self.times: list[float] = []
        self.asked: list[dict[str, list[str]]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        self.server.headers.append(dict(self.headers))
        if split.path != "/api/models":  # the client may ask for more, about itself
            self.send_error(404)
            return
        query = parse_qs(split.query)
        self.server.asked.append(query)
        now = time.monotonic()
        lately = [one for one in self.server.times if one > now - 1]
        refused = self.server.patience is not None and len(lately) >= self.server.patience
        if not refused:
            self.server.times.append(now)
        status = 429 if refused else self.server.status
        start = int(query.get("cursor", ["0"])[0])
        end = start + self.server.most
        answer = {"error": "no"} if status >= 400 else MODELS[start:end]
        body = self.server.body if self.server.body is not None else json.dumps(answer).encode()
        self.send_response(status)
        if end < len(MODELS):
            self.send_header("Link", f'<{self.server.endpoint}{split.path}?cursor={end}>; rel="next"')
        if status == 429:
            self.send_header("RateLimit", '"api";r=0;t=0')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hub(*answer: Any) -> Iterator[Hub]:
    server = Hub(*answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = (row(name, f"{name}Model", "text") for name in ("vit", "bert", "gpt2", "rare", "rarer"))
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated" / "manifest.json").write_text(json.dumps(Manifest("5.23.0", tuple(rows)).to_json()))
    return tmp_path


def ask(folder: Path, endpoint: str, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Ask with a token in the environment, which must not be sent, nor shown."""
    left_out = (*OFFLINE, "HF_", "HUGGING", "GITHUB_", "HTTP", "http", "ALL_PROXY", "all_proxy")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return subprocess.run(
        [COLD, "-m", "hfci", "catalog", "--popularity", "use.json", *arguments],
        cwd=folder,
        env={**kept, "HF_ENDPOINT": endpoint, "HF_TOKEN": TOKEN, "HF_HOME": str(folder), **extra},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("most", [1, 2, 1000])
def test_all_pages_are_counted_and_the_most_used_come_first(folder: Path, most: int) -> None:
    """Whatever the Hub takes for a page."""
    with hub(200, None, None, most) as server:
        done = ask(folder, server.endpoint)
    assert done.returncode == 0, done.stderr
    found = load_popularity(folder / "use.json")
    assert found.model_types == {
        "bert": Use(987, 9, 3),
        "gpt2": Use(988, 9, 1),
        "vit": Use(986, 1, 1),
        "rare": Use(0, 0, 0),
        "rarer": Use(0, 0, 0),
    }
    assert list(found.model_types) == ["gpt2", "bert", "vit", "rare", "rarer"]
    (first,) = [query for query in server.asked if "cursor" not in query]
    assert first["sort"] == ["downloads"]
    assert len(server.asked) == -(-len(MODELS) // most)  # the pages of the list, however many model types there are
    data = json.loads((folder / "use.json").read_text())
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema)
    data["model_types"]["bert"]["likes"] = -1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema)


def test_a_hub_that_wants_to_be_asked_more_slowly_is(folder: Path) -> None:
    with hub(200, None, 2) as server:
        done = ask(folder, server.endpoint)
    assert done.returncode == 0, done.stderr
    assert load_popularity(folder / "use.json").model_types["bert"] == Use(987, 9, 3)
    assert len(server.times) == 5
    assert len(server.asked) > 5


def test_no_token_is_sent_or_shown(folder: Path) -> None:
    with hub() as server:
        done = ask(folder, server.endpoint, "bert")
    assert done.returncode == 0, done.stderr
    assert server.asked
    assert not any("authorization" in {name.lower() for name in headers} for headers in server.headers)
    assert TOKEN not in done.stdout + done.stderr


def test_what_is_asked_again_leaves_the_rest(folder: Path) -> None:
    Popularity(fetched="2026-01-01", model_types={"bert": Use(1, 1, 1), "old": Use(5, 0, 1)}).write(folder / "use.json")
    with hub() as server:
        done = ask(folder, server.endpoint, "bert", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["model_types"] == {
        "bert": {"downloads": 987, "likes": 9, "checkpoints": 3},
        "old": {"downloads": 5, "likes": 0, "checkpoints": 1},
    }
    assert shown == json.loads((folder / "use.json").read_text())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((429,), "answers 429 to the list of its models; too many requests: wait some minutes"),
        ((501,), "answers 501 to the list of its models; the Hub is out of order: ask again later"),
        ((404,), "answers 404 to the list of its models; is HF_ENDPOINT a Hub?"),
        ((200, b"<html>"), "is there a network?"),
        ((200, b'{"models": 3}'), "is there a network?"),
    ],
)
def test_a_hub_that_does_not_answer_leaves_the_file_as_it_was(folder: Path, answer: Any, said: str) -> None:
    before = Popularity(fetched="2026-01-01", model_types={"bert": Use(1, 1, 1)})
    before.write(folder / "use.json")
    with hub(*answer) as server:
        done = ask(folder, server.endpoint, "bert")
    assert (done.returncode, done.stdout) == (4, "")
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stderr
    assert load_popularity(folder / "use.json") == before


def test_no_network_is_said_and_so_is_offline(folder: Path) -> None:
    with hub() as server:
        closed = server.endpoint
        done = ask(folder, closed, "bert", HF_HUB_OFFLINE="1")
    assert done.returncode == 4
    assert done.stderr == "hfci: popularity is fetched from the Hub, and HF_HUB_OFFLINE is set: unset it\n"
    assert not (folder / "use.json").exists()


def test_order_is_by_downloads_then_likes_then_name() -> None:
    known = {"a": Use(1, 9, 1), "b": Use(2, 1, 1), "c": Use(2, 3, 1), "d": Use(2, 3, 1), "zero": Use(0, 0, 0)}
    found = Popularity(fetched="2026-01-01", model_types=known)
    assert sorted(["x", *known], key=found.priority) == ["c", "d", "b", "a", "zero", "x"]


def test_the_same_use_is_the_same_file(tmp_path: Path) -> None:
    known = {"b": Use(2, 1, 1), 'a"\n': Use(2, 1, 1)}
    Popularity(fetched="2026-01-01", model_types=known).write(tmp_path / "1.json")
    Popularity(fetched="2026-01-01", model_types=dict(reversed(known.items()))).write(tmp_path / "2.json")
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()
    assert load_popularity(tmp_path / "1.json").model_types == known


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no file of popularity"),
        ("[]", "Expected `object`, got `array`"),
        ('{"schema": 3, "fetched": "x", "model_types": {}}', "popularity of schema 3, this hfci reads 1, 2"),
        (
            '{"schema": 1, "fetched": "x", "model_types": {"a": {"downloads": "1", "likes": 1, "checkpoints": 1}}}',
            "Expected `int`",
        ),
        ('{"schema": 1, "fetched": "x", "model_types": {}, "more": 1}', "is no file of popularity: unknown key 'more'"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "use.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        load_popularity(path)
    with pytest.raises(UsageError, match=r"none\.json: No such file or directory; `hfci catalog --popularity FILE`"):
        load_popularity(tmp_path / "none.json")
