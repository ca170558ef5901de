"""The socket options by which a dead peer is noticed although nothing is being sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Final, Protocol

KEEPALIVE_IDLE: Final = 15
"""Seconds of silence before the kernel asks the peer whether it lives (client-go asks after 30)."""

KEEPALIVE_INTERVAL: Final = 5
KEEPALIVE_PROBES: Final = 3
"""15 s + 3 x 5 s: a dead peer is noticed within 30 s."""

USER_TIMEOUT_MS: Final = 30_000
"""Linux: sent bytes that stay unacknowledged for so long end the connection."""


class _Socket(Protocol):
    """What both asyncio's TransportSocket and uvloop's PseudoSocket can do."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None: ...


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Have the kernel look after this connection, with the options that this system has.

    Where a socket or an option is missing (a pipe, a fake, another system) it stays as it was:
    the idle bounds above notice the same, only later.
    """
    sock: _Socket | None = transport.get_extra_info("socket")
    if sock is None:
        return
    for level, option, value in _options():
        with contextlib.suppress(OSError):
            sock.setsockopt(level, option, value)


def _options() -> list[tuple[int, int, int]]:
    tcp = socket.IPPROTO_TCP
    # macOS calls the idle time TCP_KEEPALIVE; Python names it since 3.10.
    idle = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
    wanted = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (tcp, idle, KEEPALIVE_IDLE),
        (tcp, getattr(socket, "TCP_KEEPINTVL", None), KEEPALIVE_INTERVAL),
        (tcp, getattr(socket, "TCP_KEEPCNT", None), KEEPALIVE_PROBES),
        (tcp, getattr(socket, "TCP_USER_TIMEOUT", None), USER_TIMEOUT_MS),
    ]
    return [(level, option, value) for level, option, value in wanted if option is not None]
