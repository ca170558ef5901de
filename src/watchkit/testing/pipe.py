"""A connection without a socket: two transports, each of which feeds the other one's protocol."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

HIGH_WATER: Final = 64 * 1024
"""Bytes under way from which on a writer is asked to wait (asyncio's own number)."""


class MemoryTransport(asyncio.Transport):
    """One end. What is written here arrives at the other end in a later turn of the loop, in order.

    `close()` lets what was written arrive first; `abort()` is a reset, which the other end
    notices after what arrived before it.
    """

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._other: MemoryTransport = self
        self._inbox: deque[bytes] = deque()
        self._under_way = 0
        self._end: list[Exception | None] = []
        self._delivering = False
        self._reading = True
        self._held = False
        self._closing = False
        self._lost = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as declared
        """Tell of the peer; there is no socket and no TLS to tell of."""
        return ("127.0.0.1", 0) if name in {"peername", "sockname"} else default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand what arrives to another protocol."""
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Give the protocol that gets what arrives."""
        return self._protocol

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._closing

    def is_reading(self) -> bool:
        """Whether what arrives is handed on."""
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        """Keep what arrives."""
        self._reading = False

    def resume_reading(self) -> None:
        """Hand on what was kept, and what arrives."""
        self._reading = True
        self._wake()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send."""
        if self._closing or not data:
            return
        other = self._other
        other._inbox.append(bytes(data))  # noqa: SLF001 - the other half of the pair
        self._under_way += len(data)
        if self._under_way > HIGH_WATER and not self._held:
            self._held = True
            self._protocol.pause_writing()
        other._wake()  # noqa: SLF001

    def can_write_eof(self) -> bool:
        """Say no: a half-closed connection is not imitated."""
        return False

    def get_write_buffer_size(self) -> int:
        """Bytes that have not arrived yet."""
        return self._under_way

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Give the marks between which a writer is asked to wait."""
        return 0, HIGH_WATER

    def close(self) -> None:
        """End the connection once everything has arrived."""
        self._hang_up(None)

    def abort(self) -> None:
        """Reset the connection."""
        self._hang_up(ConnectionResetError("Connection reset by peer"))

    def _hang_up(self, said: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._other._end.append(said)  # noqa: SLF001
        self._other._wake()  # noqa: SLF001
        self._loop.call_soon(self._lose, None)

    def _wake(self) -> None:
        if not self._delivering and not self._lost:
            self._delivering = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._delivering = False
        while self._inbox and self._reading and not self._closing:
            data = self._inbox.popleft()
            self._other._arrived(len(data))  # noqa: SLF001
            self._protocol.data_received(data)
        if self._end and self._reading and not self._closing:
            self._closing = True
            self._lose(self._end[0])

    def _arrived(self, size: int) -> None:
        self._under_way -= size
        if self._held and self._under_way == 0:
            self._held = False
            if not self._lost:
                self._protocol.resume_writing()

    def _lose(self, said: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._inbox.clear()
            self._protocol.connection_lost(said)

    def pair(self, other: MemoryTransport) -> None:
        """Make these two the ends of one connection."""
        self._other, other._other = other, self


def join(one: asyncio.Protocol, other: asyncio.Protocol) -> None:
    """Connect two protocols, as if over loopback."""
    mine, theirs = MemoryTransport(one), MemoryTransport(other)
    mine.pair(theirs)
    other.connection_made(theirs)
    one.connection_made(mine)
