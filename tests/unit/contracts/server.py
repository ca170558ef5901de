"""A server on loopback that answers lists and watches each from a script of its own."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import TracebackType
from typing import Literal, Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from kubernetes_asyncio.client import CoreV1Api

from tests.unit.api.pushed import PATIENCE
from tests.unit.api.wire import ages_pass, chunk, client_of, head, open_watch, whole
from watchkit import Backoff, Event, ListOptions, ListWatch, RetryWatcher

FAST = Backoff(initial=0.01, cap=0.02, jitter="none")
"""A back-off that no test waits for."""

Json: TypeAlias = dict[str, object]
Then: TypeAlias = Literal["hang", "ages", "end", "reset", "close"]


@dataclass(frozen=True)
class Seen:
    """One request: `pairs` is its query as sent, `at` the loop's time in seconds."""

    connection: int
    path: str
    pairs: list[tuple[str, str]]
    headers: dict[str, str]
    at: float

    @property
    def query(self) -> dict[str, str]:
        """The query by name."""
        return dict(self.pairs)


@dataclass
class Reply:
    """One request, and the way to answer it."""

    seen: Seen
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Send the parts, each by a write of its own."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def over(self, then: Then) -> None:
        """End the answer so."""
        if then == "end":
            return await self.send(chunk(b""))
        if then == "hang":
            await self.reader.read()
        if then == "ages":
            await ages_pass(self.reader, 1)  # what comes next finds the clock just past a bound
        if then == "reset":
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError


Script: TypeAlias = Callable[[Reply], Awaitable[None]]


@dataclass
class Scripted:
    """Answers with the scripts in their order, the last of each kind for ever; `probe` apart."""

    lists: Sequence[Script]
    watches: Sequence[Script]
    probe: Script
    url: str = ""
    open_watches: int = 0
    all: list[Seen] = field(default_factory=list)
    listed: list[Seen] = field(default_factory=list)
    watched: list[Seen] = field(default_factory=list)
    probed: list[Seen] = field(default_factory=list)
    _writers: dict[asyncio.StreamWriter, int] = field(default_factory=dict)
    _connections: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self.until(lambda: not self._writers)

    async def until(self, holds: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(within):
            while not holds():  # noqa: ASYNC110 - of what another end of a socket does
                await asyncio.sleep(0.005)

    def versions(self) -> list[str]:
        """The version that each watch asked for."""
        return [each.query["resourceVersion"] for each in self.watched]

    def gaps(self) -> list[float]:
        """Seconds between the starts of the watches."""
        times = [each.at for each in self.watched]
        return [after - before for before, after in pairwise(times)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        self._writers[writer] = self._connections
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await self._answer(Reply(await self._seen(reader, writer), reader, writer))
        del self._writers[writer]
        writer.transport.abort()

    async def _seen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Seen:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        url = urlsplit(first.split(" ")[1])
        named = (line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in named}
        now = asyncio.get_running_loop().time()
        seen = Seen(self._writers[writer], url.path, parse_qsl(url.query), headers, now)
        self.all.append(seen)
        return seen

    async def _answer(self, reply: Reply) -> None:
        query = reply.seen.query
        if query.get("watch") == "true":
            self.watched.append(reply.seen)
            self.open_watches += 1
            try:
                await self.watches[min(len(self.watched), len(self.watches)) - 1](reply)
            finally:
                self.open_watches -= 1
        elif query.get("limit") == "1":
            self.probed.append(reply.seen)
            await self.probe(reply)
        else:
            self.listed.append(reply.seen)
            await self.lists[min(len(self.listed), len(self.lists)) - 1](reply)


def pod(name: str, version: object, uid: str = "", **more: object) -> Json:
    """Make a Pod of the namespace `shop`."""
    metadata = {"name": name, "namespace": "shop", "uid": uid or f"u-{name}"}
    metadata["resourceVersion"] = str(version)
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, **more}


def line(kind: str, obj: object) -> bytes:
    """Make one watch event."""
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


def added(name: str, version: object, uid: str = "", **more: object) -> bytes:
    """Make an ADDED event."""
    return line("ADDED", pod(name, version, uid, **more))


def bookmark(version: object) -> bytes:
    """Make a BOOKMARK event."""
    return line("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}})


def status(code: int, reason: str = "", message: str = "no", **more: object) -> Json:
    """Make a Status of a failure."""
    said: Json = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    return {**said, "reason": reason, "message": message, **more}


def expired() -> bytes:
    """Make the ERROR event of a version that is gone."""
    return line("ERROR", status(410, "Expired", "too old resource version"))


def listing(*pods: Json, version: object = 10, token: str = "") -> Script:
    """Answer with one page, its items without kind and apiVersion, as the API server's are."""
    items = [{"metadata": each["metadata"]} for each in pods]
    metadata = {"resourceVersion": str(version), **({"continue": token} if token else {})}
    page: Json = {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items}
    return answer(page)


def answer(body: Json | bytes, code: int = 200, *lines: str) -> Script:
    """Answer with one whole body."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def script(reply: Reply) -> None:
        await reply.send(whole(raw, code, *lines))

    return script


def refusal(code: int, reason: str = "", *lines: str) -> Script:
    """Answer with an HTTP error and its Status."""
    return answer(status(code, reason), code, *lines)


def stream(*parts: bytes, then: Then = "hang", after: float = 0.0, gap: float = 0.0) -> Script:
    """Answer a watch with these parts, each a chunk, and end it so after so many seconds."""

    async def script(reply: Reply) -> None:
        await reply.send(open_watch())
        for part in parts:
            await reply.send(chunk(part))
            await asyncio.sleep(gap)
        await asyncio.sleep(after)
        await reply.over(then)

    return script


async def silence(reply: Reply) -> None:
    """Answer nothing."""
    await reply.over("hang")


async def silence_for_ages(reply: Reply) -> None:
    """Answer nothing until nobody waits any more."""
    await reply.over("ages")


async def half_a_list(reply: Reply) -> None:
    """Answer with the head of a list and its first byte, and nothing more for ages."""
    await reply.send(head(200, "Content-Type: application/json", "Content-Length: 99") + b"{")
    await reply.over("ages")


@contextlib.asynccontextmanager
async def following(
    lists: Sequence[Script],
    watches: Sequence[Script],
    options: ListOptions | Mapping[str, object] = ListOptions(),  # noqa: B008 - frozen
    *,
    probe: Script | None = None,
    max_frame: int = 8 << 20,
    **settings: object,
) -> AsyncIterator[tuple[Scripted, RetryWatcher]]:
    """Open a watcher of the Pods in `shop` on a scripted server."""
    async with (
        Scripted(lists, watches, probe or listing(version=10**9)) as server,
        client_of(server.url) as client,
    ):
        source = ListWatch(CoreV1Api(client).list_namespaced_pod, "shop", max_frame=max_frame)
        chosen = {"backoff": FAST, **settings}
        async with RetryWatcher(source, options, **chosen) as watcher:  # type: ignore[call-overload]
            yield server, watcher


async def take(events: AsyncIterator[Event], count: int, within: float = PATIENCE) -> list[Event]:
    """Take so many events, and pause there."""
    taken: list[Event] = []
    async with asyncio.timeout(within):
        async for event in events:
            taken.append(event)
            if len(taken) == count:
                break
    return taken


def told(event: Event) -> str:
    """Write an event in short: `ADDED a`, `Synced 10`."""
    name = getattr(event, "name", None)
    kind = getattr(event, "type", type(event).__name__)
    return f"{kind} {event.resource_version if name is None else name}"
