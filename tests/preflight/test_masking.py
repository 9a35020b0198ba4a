"""Secrets are taken out of what is written; what is none stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfci.preflight.masking import Masking, known_secrets


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("token=secretvalue,dtype=auto", "token=***,dtype=auto"),
        ("{'hf_token': 'secretvalue'}", "{'hf_token': '***'}"),
        ("https://user:pass@host/x", "https://***@host/x"),
        ("hf_AbCdEfGhIjKlMn is one", "*** is one"),
        ("my own 1+1=/secret", "my own ***"),
        (
            "eos_token: </s>, max_tokens=4096, add_bos_token=True",
            "eos_token: </s>, max_tokens=4096, add_bos_token=True",
        ),
        ("hf_hub_download, hf_transfer, HF_ENDPOINT", "hf_hub_download, hf_transfer, HF_ENDPOINT"),
        ("HF_TOKEN, https://host:80/a@b", "HF_TOKEN, https://host:80/a@b"),
    ],
)
def test_what_is_or_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    masking = Masking(["1+1=/secret"])
    assert masking.text(text) == masked
    assert masking.data({text: [text, 3, None]}) == {masked: [masked, 3, None]}


def test_the_secrets_of_the_environment_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_TOKEN_PATH", raising=False)
    monkeypatch.setenv("HF_TOKEN", " of-the-variable ")
    monkeypatch.setenv("SOME_API_KEY", "of-the-other")
    monkeypatch.setenv("OTHER_TOKEN", "short")
    (tmp_path / "token").write_text("of-the-file\n", encoding="utf-8")
    (tmp_path / "stored_tokens").write_text("[first]\nhf_token = of-the-first\n", encoding="utf-8")
    known = known_secrets()
    assert {"of-the-variable", "of-the-other", "of-the-file", "of-the-first"} <= known
    assert not {"short", "hf_token", "[first]"} & known
