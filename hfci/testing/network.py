"""The network gate: while a case runs, nothing but this machine itself can be reached.

An audit hook sees what Python's own sockets do, whichever library uses them. It refuses, and it remembers:
code that swallows the refusal and falls back to something else still fails the case.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["NetworkRefused", "attempts_since", "close_gate", "open_gate"]

NAMES_OF_THIS_MACHINE = {"", "localhost", "localhost.localdomain", "ip6-localhost"}


class NetworkRefused(ConnectionRefusedError):
    """A case tried to leave this machine."""


class _Gate:
    """The state of the one hook of this process; an audit hook cannot be removed, only told to let pass."""

    installed = False
    closed = False
    attempts: list[str] = []  # noqa: RUF012 -- the state of the process, as the hook is


def close_gate() -> None:
    """Refuse the network from now on, and forget earlier attempts."""
    if not _Gate.installed:
        sys.addaudithook(_audit)
        _Gate.installed = True
    _Gate.attempts = []
    _Gate.closed = True


def open_gate() -> None:
    """Let everything pass again."""
    _Gate.closed = False


def attempts_since() -> list[str]:
    """Return what was attempted since the last call, or since the gate was closed."""
    attempts, _Gate.attempts = _Gate.attempts, []
    return attempts


def _socket_target(arguments: tuple[Any, ...]) -> Any:
    # (socket, address): an internet address is a tuple with text first; a path is text, netlink has numbers.
    address = arguments[1]
    return address[0] if isinstance(address, tuple) and address else None


def _first(arguments: tuple[Any, ...]) -> Any:
    return arguments[0]


# Audit events, and where their arguments name the host.
EVENTS: dict[str, tuple[str, Callable[[tuple[Any, ...]], Any]]] = {
    "socket.connect": ("connection to", _socket_target),
    "socket.sendto": ("datagram to", _socket_target),
    "socket.sendmsg": ("datagram to", _socket_target),
    "socket.getaddrinfo": ("name lookup of", _first),
    "socket.gethostbyname": ("name lookup of", _first),
    "socket.gethostbyaddr": ("name lookup of", _first),
}


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    # In this order: torch's tensors and copies ask for an `id`, which is an event, at every turn.
    if event not in EVENTS or not _Gate.closed:
        return
    act, target = EVENTS[event]
    host = target(arguments)
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("utf-8", "replace")
    if not isinstance(host, str) or _is_this_machine(host):
        return
    attempt = f"{act} {host}"
    _Gate.attempts.append(attempt)
    raise NetworkRefused(f"hfci: tests run without network: {attempt} refused")


def _is_this_machine(host: str) -> bool:
    if host.lower() in NAMES_OF_THIS_MACHINE:
        return True
    try:
        address: Any = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return bool(address.is_loopback or address.is_unspecified)
