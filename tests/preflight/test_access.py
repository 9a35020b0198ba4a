"""Access says which commit is used from now on, or why there is none: by type and status of what the Hub answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.preflight.conftest import ask, failure
from tests.preflight.hub import GOOD_TOKEN, OTHER_TOKEN, RATE_LIMIT, Handler, Hub, Repo, failing


def test_a_revision_becomes_a_commit(hub: Hub, good: Repo) -> None:
    good.revisions = ("main", "v1.0")
    good.commit = "c" * 40
    result = ask("org/good", "revision=v1.0", until="access")
    assert result.exit_code == 0
    assert result.found.access is not None
    assert result.found.access.model.commit == "c" * 40
    assert result.found.access.tokenizer == result.found.access.model
    assert [each.path for each in hub.requests] == [
        "/api/models/org/good/auth-check",
        "/api/models/org/good/revision/v1.0",
    ]


def test_model_and_tokenizer_may_be_two_repositories(hub: Hub, good: Repo) -> None:
    hub.repos["org/tokenizer"] = Repo({}, commit="d" * 40)
    result = ask("org/good", "tokenizer=org/tokenizer", until="access")
    assert result.found.access is not None
    assert result.found.access.tokenizer.commit == "d" * 40
    assert result.found.access.model.commit == good.commit


@pytest.mark.parametrize(
    ("settings", "token", "asked", "code", "exit_code"),
    [
        pytest.param({}, None, "org/none", "model_not_found", 2, id="model_not_found"),
        ({}, GOOD_TOKEN, "org/none", "model_not_found", 2),
        ({"private": True}, None, "org/other", "model_not_found", 2),
        ({"private": True}, OTHER_TOKEN, "org/other", "model_not_found", 2),
        pytest.param({"gated": True}, None, "org/other", "token_missing", 4, id="token_missing"),
        pytest.param({"gated": True}, OTHER_TOKEN, "org/other", "gated", 4, id="gated"),
        pytest.param({}, "hf_expiredAndNoLongerGood", "org/other", "token_invalid", 4, id="token_invalid"),
        pytest.param({"disabled": True}, None, "org/other", "disabled", 1, id="disabled"),
        pytest.param({}, None, "org/other,revision=v9", "revision_not_found", 2, id="revision_not_found"),
        pytest.param({}, None, "a/../../b", "config_invalid", 2, id="config_invalid"),
        ({}, None, "https://huggingface.co/org/other", "config_invalid", 2),
        ({}, None, "x" * 10_000, "config_invalid", 2),
        ({}, None, "a\0b", "config_invalid", 2),
        ({}, None, "/", "config_invalid", 2),
    ],
)
def test_why_there_is_no_access_is_told(
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, bool],
    token: str | None,
    asked: str,
    code: str,
    exit_code: int,
) -> None:
    hub.repos["org/other"] = Repo({}, **settings)  # type: ignore[arg-type]
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    model, _, revision = asked.partition(",revision=")
    result = ask(model, f"revision={revision or 'main'}", until="access")
    diagnosis = failure(result, "access")
    assert (diagnosis.code, diagnosis.exit_code, result.exit_code) == (code, exit_code, exit_code)


@pytest.mark.parametrize("settings", [{"private": True}, {"gated": True}])
def test_who_may_read_it_has_access(hub: Hub, monkeypatch: pytest.MonkeyPatch, settings: dict[str, bool]) -> None:
    hub.repos["org/other"] = Repo({}, **settings)  # type: ignore[arg-type]
    monkeypatch.setenv("HF_TOKEN", GOOD_TOKEN)
    assert ask("org/other", until="access").exit_code == 0


@pytest.mark.parametrize("settings", [{"private": True}, {"gated": True}])
def test_a_token_goes_with_every_stage_and_to_the_hub_alone(
    hub: Hub, good: Repo, monkeypatch: pytest.MonkeyPatch, settings: dict[str, bool]
) -> None:
    hub.repos["org/other"] = Repo(good.files, **settings)  # type: ignore[arg-type]
    monkeypatch.setenv("HF_TOKEN", GOOD_TOKEN)
    assert ask("org/other", until="report").failures == ()
    assert {(each.host, each.has_token) for each in hub.requests} == {("127.0.0.1", True), ("localhost", False)}


@pytest.mark.usefixtures("good")
@pytest.mark.parametrize("token", ["hf_first\nhf_second", "hf_\u20ac_of_another_alphabet"])
def test_a_token_that_no_header_can_hold_is_invalid(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    assert failure(ask("org/good", until="access"), "access").code == "token_invalid"


@pytest.mark.usefixtures("good")
def test_a_rate_limit_is_told_at_once_with_the_time_until_it_ends(hub: Hub) -> None:
    hub.faults.append(failing(429, "/api/", **RATE_LIMIT))
    diagnosis = failure(ask("org/good", until="access", access=10.0), "access")
    assert diagnosis.code == "rate_limited"
    assert diagnosis.facts["seconds"] == 55
    assert "in 55 seconds" in diagnosis.remedy


@pytest.mark.usefixtures("good")
def test_a_hub_that_fails_once_is_asked_again(hub: Hub) -> None:
    hub.faults.append(failing(500, "/api/", times=1))
    assert ask("org/good", until="access").exit_code == 0
    hub.faults[:] = [failing(503, "/api/")]
    diagnosis = failure(ask("org/good", until="access"), "access")
    assert diagnosis.code == "hub_unreachable"
    assert "it answered 503" in diagnosis.cause


@pytest.mark.usefixtures("hub")
def test_a_hub_that_is_not_there_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert failure(ask("org/good", until="access"), "access").code == "hub_unreachable"


def test_a_cache_that_cannot_be_one_is_told(good: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del good
    (tmp_path / "file").touch()
    monkeypatch.setenv("HF_HOME", str(tmp_path / "file"))
    diagnosis = failure(ask("org/good", until="access"), "access")
    assert (diagnosis.code, "HF_HOME" in diagnosis.cause) == ("config_invalid", True)


@pytest.mark.parametrize("page", [b"<html>Please log in</html>", b"[]", b"{}", b'{"id": 1, "sha": "../../up"}'])
def test_what_answers_like_no_hub_is_none(hub: Hub, page: bytes) -> None:
    """A proxy answers whatever it is asked with its own page."""

    def fault(handler: Handler) -> bool:
        handler.reply(200, page)
        return True

    hub.faults.append(fault)
    diagnosis = failure(ask("org/good", until="access"), "access")
    assert (diagnosis.code, diagnosis.exit_code) == ("hub_unreachable", 4)


def test_without_a_network_what_is_cached_counts(hub: Hub, good: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    diagnosis = failure(ask("org/good", until="access"), "access")
    assert (diagnosis.code, diagnosis.exit_code) == ("offline_and_not_cached", 4)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert ask("org/good", until="size").exit_code == 0
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = len(hub.requests)
    result = ask("org/good", until="access")
    assert result.found.access is not None
    assert result.found.access.model.commit == good.commit
    assert len(hub.requests) == asked


def test_a_folder_needs_no_hub(hub: Hub, llama: Path, tmp_path: Path) -> None:
    result = ask(str(llama), until="access")
    assert result.found.access is not None
    assert result.found.access.model.commit is None
    assert result.found.access.model.file("config.json") is not None
    assert hub.requests == []
    assert failure(ask(str(tmp_path / "none"), until="access"), "access").code == "config_invalid"
