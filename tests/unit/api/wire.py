"""A server of raw bytes on loopback: it answers each request with the steps written for it."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from kubernetes_asyncio.client import ApiClient, Configuration

from tests.unit.api.pushed import PATIENCE, TICK, push

LOOPBACK = str(Path(__file__).with_name("loopback.pem"))
"""A certificate for 127.0.0.1 that signs itself, with its key: worth nothing anywhere else."""

TOKEN = "canary-b1f6e0"
"""The bearer token of every client here: it must never show up in a text."""


class End(Enum):
    """What becomes of a connection after the bytes of an answer."""

    CLOSE = auto()
    RESET = auto()
    HANG = auto()
    AGES = auto()
    """Stay open and let time fly, until the peer has lost its patience."""
    DEAF = auto()
    """Stay open and never read again, as a stopped process does."""


@dataclass(frozen=True)
class Push:
    """Let so many seconds have passed on the loop's clock."""

    seconds: float


Before: TypeAlias = bytes | float | Push | asyncio.Event
Step: TypeAlias = Before | End
"""Send these bytes, wait so many seconds, push the clock, wait for the test, or end so."""


@dataclass(frozen=True)
class Seen:
    """One request as it arrived: `connection` counts from 1."""

    connection: int
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    method: str = "GET"
    body: bytes = b""


@dataclass
class WireServer:
    """Answers requests in the order of `answers`, the last one for ever; notes what it saw."""

    answers: Sequence[Sequence[Step]]
    tls: ssl.SSLContext | None = None
    seen: list[Seen] = field(default_factory=list)
    closed: int = 0
    url: str = ""
    _connections: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self.until_closed(self._connections)

    async def until_closed(self, connections: int) -> None:
        """Wait until so many connections have ended on this side, too."""
        async with asyncio.timeout(PATIENCE):
            while self.closed < connections:
                self._changed.clear()
                await self._changed.wait()

    async def until_seen(self, requests: int) -> None:
        """Wait until so many requests have arrived."""
        async with asyncio.timeout(PATIENCE):
            while len(self.seen) < requests:
                self._changed.clear()
                await self._changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = self._connections
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while await self._answer(connection, reader, writer):
                    pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            self.closed += 1
            self._changed.set()

    async def _answer(
        self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        seen = _parse(connection, await reader.readuntil(b"\r\n\r\n"))
        body = await reader.readexactly(int(seen.headers.get("content-length", 0)))
        self.seen.append(replace(seen, body=body))
        self._changed.set()
        for step in self.answers[min(len(self.seen), len(self.answers)) - 1]:
            if isinstance(step, End):
                await self._end(step, reader, writer)
                return False
            await _take(step, writer)
        return True

    async def _end(
        self, end: End, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        match end:
            case End.HANG:
                await reader.read()
            case End.AGES:
                await ages_pass(reader)
            case End.DEAF:
                writer.transport.pause_reading()  # type: ignore[attr-defined] # it reads
                await self._over.wait()
            case End.RESET:
                _linger_not(writer)
            case End.CLOSE:
                writer.close()
                await writer.wait_closed()


async def _take(step: Before, writer: asyncio.StreamWriter) -> None:
    match step:
        case bytes():
            writer.write(step)
            await writer.drain()
        case float():
            await asyncio.sleep(step)
        case Push(seconds):
            push(seconds)
        case asyncio.Event():
            await step.wait()


async def ages_pass(reader: asyncio.StreamReader, step: float = 10) -> None:
    """Let time fly, `step` seconds in each moment, until the peer hangs up."""
    hung_up = asyncio.ensure_future(reader.read())  # noqa: TID251 - time flies beside it
    while not hung_up.done():
        await asyncio.wait([hung_up], timeout=TICK)
        push(0 if hung_up.done() else step)


def head(status: int = 200, *lines: str) -> bytes:
    """Make the head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, "", ""]).encode()


def whole(body: bytes, status: int = 200, *lines: str) -> bytes:
    """Make a whole answer of known length."""
    length = f"Content-Length: {len(body)}"
    return head(status, "Content-Type: application/json", length, *lines) + body


def open_watch(*lines: str) -> bytes:
    """Make the head of a watch as the API server sends it."""
    return head(200, "Content-Type: application/json", "Transfer-Encoding: chunked", *lines)


def chunk(data: bytes) -> bytes:
    """Make one HTTP chunk; of nothing, it ends the body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@contextlib.asynccontextmanager
async def client_of(url: str, **settings: object) -> AsyncIterator[ApiClient]:
    """Open a client of kubernetes_asyncio's as its users do, with a token."""
    configuration = Configuration(host=url, api_key={"BearerToken": f"Bearer {TOKEN}"})
    if url.startswith("http:"):
        configuration.ssl_ca_cert = LOOPBACK  # unused, and quicker to load than the system's
    for name, value in settings.items():
        setattr(configuration, name, value)
    async with ApiClient(configuration) as client:
        yield client


def _parse(connection: int, raw: bytes) -> Seen:
    first, *lines = raw.decode().strip().split("\r\n")
    method, target, _ = first.split(" ")
    url = urlsplit(target)
    headers = dict(line.split(": ", 1) for line in lines)
    lowered = {name.lower(): value for name, value in headers.items()}
    return Seen(connection, url.path, dict(parse_qsl(url.query)), lowered, method)


def _linger_not(writer: asyncio.StreamWriter) -> None:
    """Have the coming close send a reset instead of a goodbye."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
