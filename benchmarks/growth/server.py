"""The API server of these benchmarks: one kind of pods on loopback, plain and TLS.

Run with the number of pods and the bytes of each; prints its ports as JSON, and lives until its
standard input ends. A line on its control port makes something happen (see `_COMMANDS`).
"""

import asyncio
import json
import ssl
import sys
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from benchmarks.growth.world import FIRST, PAGE, World

WARM: Final = "warm"
"""The namespace of a few pods, to warm up with."""

_WARM_PODS: Final = 200
_SLICE: Final = 1 << 18
_BACKLOG: Final = 4096
_STREAM: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_BODY: Final = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b"
_GONE: Final = json.dumps(
    {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410}
).encode()


class Server:
    """Lists and watches of worlds by namespace, counted; what it did to its clients, timed."""

    def __init__(self, worlds: dict[str, World]) -> None:
        self._worlds = worlds
        self._watches: dict[asyncio.StreamWriter, World] = {}
        self._counts: Counter[str] = Counter()
        self._pages: dict[tuple[World, int, int, int, bool], bytes] = {}
        self._dropped_at = 0.0
        self._reopened: list[float] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests, until it is hung up or becomes a watch's."""
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                url = urlsplit(head.split(b" ", 2)[1].decode())
                query = {name: values[-1] for name, values in parse_qs(url.query).items()}
                parts = url.path.split("/")
                world = self._worlds[parts[parts.index("namespaces") + 1]]
                if query.get("watch") == "true":
                    await self._watch(reader, writer, world, query)
                    return
                self._list(writer, world, query, is_gzip=b"gzip" in head)
                await writer.drain()
        with suppress(OSError):
            writer.close()

    def _list(
        self, writer: asyncio.StreamWriter, world: World, query: dict[str, str], *, is_gzip: bool
    ) -> None:
        start, limit = int(query.get("continue", "0")), int(query.get("limit", str(PAGE)))
        self._counts["probe" if limit == 1 else "list"] += 1
        page = (world, world.version, start, limit, is_gzip)
        body = self._pages.get(page)
        if body is None:
            body = self._pages[page] = _gzip(world.page(start, limit), wanted=is_gzip)
        encoding = b"Content-Encoding: gzip\r\n" if is_gzip else b""
        writer.write(_BODY % (200, encoding, len(body), body))

    async def _watch(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        world: World,
        query: dict[str, str],
    ) -> None:
        version = int(query.get("resourceVersion", "0"))
        if 0 < version < world.oldest:
            self._counts["refused"] += 1
            writer.write(_BODY % (410, b"", len(_GONE), _GONE))
            writer.close()
            return
        self._counts["watch"] += 1
        writer.write(_STREAM)
        if "sendInitialEvents" in query:
            await _send(writer, world.initial())
        self._watches[writer] = world
        self._reopened.append(time.monotonic() - self._dropped_at)
        try:
            await reader.read()  # nothing more comes: until it is hung up
        finally:
            self._watches.pop(writer, None)
            writer.transport.abort()

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Do what is said line by line, and answer each with a line of JSON."""
        while line := await reader.readline():
            word, *numbers = line.decode().split()
            match word:
                case "change":
                    said: object = await self._change(int(numbers[0]), int(numbers[1]))
                case "expire":
                    said = self._expire()
                case "drop":
                    said = self._drop()
                case _:
                    said = self._told()
            writer.write(json.dumps(said).encode() + b"\n")
        writer.close()

    async def _change(self, count: int, watches: int) -> int:
        """Change pods and tell those watches at least; the version after that.

        The answer goes out when all is written, which is before it is read.
        """
        while len(self._watches) < watches:  # noqa: ASYNC110 - they come as they come
            await asyncio.sleep(0.01)
        for world in {id(each): each for each in self._watches.values()}.values():
            events = [*world.change(count)]
            told = [writer for writer, its in self._watches.items() if its is world]
            await asyncio.gather(*(_send(writer, events) for writer in told))
        return max(world.version for world in self._watches.values())

    def _expire(self) -> int:
        """Reset every watch and let its version be gone; the pods stay as they are."""
        for world in self._worlds.values():
            world.version += 1
            world.oldest = world.version
        return self._drop()

    def _drop(self) -> int:
        """Reset every watch."""
        self._dropped_at, self._reopened = time.monotonic(), []
        dropped = [*self._watches]
        self._watches.clear()
        for writer in dropped:
            writer.transport.abort()
        return len(dropped)

    def _told(self) -> dict[str, object]:
        return {
            "watches": len(self._watches),
            "requests": dict(self._counts),
            "reopened": self._reopened,
        }


async def _send(writer: asyncio.StreamWriter, chunks: Iterable[bytes]) -> None:
    waiting, length = [], 0
    with suppress(OSError):
        for chunk in chunks:
            waiting.append(chunk)
            length += len(chunk)
            if length > _SLICE:
                writer.write(b"".join(waiting))
                waiting, length = [], 0
                await writer.drain()
        writer.write(b"".join(waiting))
        await writer.drain()


def _gzip(body: bytes, *, wanted: bool) -> bytes:
    if not wanted:
        return body
    packer = zlib.compressobj(level=1, wbits=31)  # the level of the API server
    return packer.compress(body) + packer.flush()


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    place = Path(__file__).parents[2] / "src" / "watchkit" / "testing" / "loopback.pem"
    context.load_cert_chain(place)
    return context


@asynccontextmanager
async def _listening(count: int, size: int) -> AsyncIterator[dict[str, int]]:
    worlds = {"default": World("default", count, size), WARM: World(WARM, _WARM_PODS, size)}
    server = Server(worlds)
    host = "127.0.0.1"
    options = {"backlog": _BACKLOG}
    plain = await asyncio.start_server(server.serve, host, 0, **options)
    tls = await asyncio.start_server(server.serve, host, 0, ssl=_tls(), **options)
    control = await asyncio.start_server(server.control, host, 0)
    ports = {"plain": plain, "tls": tls, "control": control}
    async with plain, tls, control:
        yield {name: each.sockets[0].getsockname()[1] for name, each in ports.items()} | {
            "first": FIRST + count
        }


async def main() -> None:
    """Serve until standard input ends."""
    async with _listening(int(sys.argv[1]), int(sys.argv[2])) as ports:
        print(json.dumps(ports), flush=True)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
