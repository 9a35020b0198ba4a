from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from hfci.testing.network import NetworkRefused, attempts_since, close_gate, open_gate


@pytest.fixture
def _gate() -> Iterator[None]:
    close_gate()
    yield
    open_gate()


@pytest.mark.usefixtures("_gate")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "0.0.0.0"])
def test_this_machine_is_let_through(host: str) -> None:
    socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)
    assert attempts_since() == []


@pytest.mark.usefixtures("_gate")
@pytest.mark.parametrize("host", ["huggingface.co", "192.0.2.1", "2001:db8::1", "localhost.example", b"example.com"])
def test_the_rest_is_refused_and_remembered(host: str) -> None:
    with pytest.raises(NetworkRefused):
        socket.getaddrinfo(host, 80)
    (attempt,) = attempts_since()
    assert (host.decode() if isinstance(host, bytes) else host) in attempt
    assert attempts_since() == []


@pytest.mark.usefixtures("_gate")
def test_datagrams_are_refused() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        with pytest.raises(NetworkRefused):
            sender.sendto(b"x", ("192.0.2.1", 9))
        sender.sendto(b"x", ("127.0.0.1", 9))
    assert attempts_since() == ["datagram to 192.0.2.1"]


@pytest.mark.usefixtures("_gate")
def test_a_local_socket_is_let_through() -> None:
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(FileNotFoundError):
        client.connect("/nowhere/at/all")
    assert attempts_since() == []
