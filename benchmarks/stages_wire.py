"""What the stages are fed with: reads out of memory, or a socket that another process fills."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Final

import aiohttp
import anyio
import anyio.lowlevel

from watchkit.core.framing import LineBuffer

READ: Final = 256 * 1024
"""Bytes of one read of asyncio's, where there are so many."""


class Source:
    """Serves pages and a watch out of memory: what a socket would have given, read by read."""

    resource = "pods"
    namespace = None

    def __init__(self, pages: Sequence[bytes], reads: Sequence[bytes]) -> None:
        self.started: float = 0.0
        self._pages = pages
        self._reads = reads
        self._go = anyio.Event()

    def go(self) -> None:
        """Let the watch's bytes come."""
        self.started = time.process_time()
        self._go.set()

    async def list(self, query: Mapping[str, str], *, idle_timeout: float) -> bytes:
        """Give a page."""
        await anyio.lowlevel.checkpoint()
        assert idle_timeout  # noqa: S101 - the protocol's, of no use here
        return self._pages[int(query.get("continue", "0"))]

    async def watch(self, query: Mapping[str, str], *, idle_timeout: float) -> "Stream":
        """Open the watch."""
        await anyio.lowlevel.checkpoint()
        assert query  # noqa: S101
        assert idle_timeout  # noqa: S101
        return Stream(self._reads, self._go)


class Stream:
    """One open watch: a read at a time, then silence."""

    def __init__(self, reads: Sequence[bytes], go: anyio.Event) -> None:
        self._reads = iter(reads)
        self._go = go
        self._lines = LineBuffer()

    @property
    def partial(self) -> bool:
        """Whether a line has begun."""
        return self._lines.partial

    async def receive(self) -> list[bytes] | None:
        """Give what the next read completes."""
        await self._go.wait()
        for read in self._reads:
            return self._lines.feed(read)
        await anyio.sleep_forever()
        return None

    def close(self) -> None:
        """Nothing is open."""


async def read(reads: Sequence[bytes]) -> float:
    """Read with aiohttp, and nothing more: what the API server would have sent, as chunks."""
    with _served(reads) as port:
        return await _fetch(port, sum(map(len, reads)))


@contextmanager
def _served(reads: Sequence[bytes]) -> Iterator[int]:
    """Give the port where a process of its own answers one request with all of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = [sys.executable, __file__, str(listener.fileno())]
        with subprocess.Popen(sender, stdin=subprocess.PIPE, pass_fds=[listener.fileno()]) as child:
            assert child.stdin is not None  # noqa: S101 - it is a pipe
            _hand_over(child.stdin, reads)
            yield listener.getsockname()[1]


def _hand_over(pipe: IO[bytes], reads: Sequence[bytes]) -> None:
    for line in b"".join(reads).splitlines(keepends=True):
        pipe.write(b"%x\r\n%b\r\n" % (len(line), line))
    pipe.close()


async def _fetch(port: int, expected: int) -> float:
    seen = 0
    async with (
        aiohttp.ClientSession(read_bufsize=READ // 2) as session,
        session.get(f"http://127.0.0.1:{port}/") as response,
    ):
        began = time.process_time()
        async for chunk in response.content.iter_any():
            seen += len(chunk)
        took = time.process_time() - began
    if seen != expected:
        raise SystemExit(f"read {seen} bytes instead of {expected}")
    return took


def send(descriptor: int) -> None:
    """Answer one request with what standard input holds."""
    body = sys.stdin.buffer.read() + b"0\r\n\r\n"
    with socket.socket(fileno=descriptor) as listener:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)


if __name__ == "__main__":
    send(int(sys.argv[1]))
