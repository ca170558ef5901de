"""Where the time of a watched event and of a listed object goes, stage by stage: CPU time each.

Nothing here touches a socket save the first row: bytes as they come from one are given to more
and more of the library, and what a stage adds is its cost. Prints tables and asserts no time;
`--quick` is small, and checks only that each stage has seen every event.
"""

import argparse
import asyncio
import gc
import json
import logging
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import anyio
import anyio.lowlevel
import pods
import structlog

from watchkit import ListOptions, RetryWatcher, SharedInformer
from watchkit.core.decoding import decode_frame, decode_page
from watchkit.core.framing import LineBuffer
from watchkit.core.listing import Listing
from watchkit.informer.cache import Cache
from watchkit.watching.intake import take_in

_PAGE: Final = 500
_READ: Final = 256 * 1024
"""Bytes of one read of asyncio's, where there are so many."""

Stage = tuple[str, Callable[[], Awaitable[float]]]
"""What is measured, and how: CPU seconds."""


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


class Bench:
    """The bytes of one run, and what is done with them."""

    def __init__(self, objects: int, events: int, *, per_read: int | None) -> None:
        """Render; `per_read` events come in one read, None: as many as a full one holds."""
        lines = list(pods.lines(objects + events, objects))
        self.objects, self.events = objects, events
        self.version = str(pods.FIRST_VERSION + objects)
        head, typed = b'{"type":"ADDED","object":', b'"kind":"Pod","apiVersion":"v1",'
        items = [line[len(head) : -2].replace(typed, b"", 1) for line in lines[:objects]]
        self.pages = [*self._render(items)]
        self.existing = [line[:-1] for line in lines[:objects]]
        body = b"".join(lines[objects:])
        self.reads = [body[at : at + _READ] for at in range(0, len(body), _READ)]
        if per_read is not None:
            news = lines[objects:]
            self.reads = [b"".join(news[at : at + per_read]) for at in range(0, events, per_read)]

    def _render(self, items: list[bytes]) -> Iterator[bytes]:
        for at in range(0, len(items), _PAGE):
            end = at + _PAGE
            token = f'"continue":"{end // _PAGE}",' if end < len(items) else ""
            head = f'{{"kind":"PodList","apiVersion":"v1","metadata":{{{token}'
            version = f'"resourceVersion":"{self.version}"}},"items":['
            yield f"{head}{version}".encode() + b",".join(items[at:end]) + b"]}\n"

    # Of a watched event.

    async def frames(self) -> float:
        """Cut reads into frames, and drop them."""
        lines, seen, began = LineBuffer(), 0, time.process_time()
        for read in self.reads:
            seen += len(lines.feed(read))
        return self._took(began, seen, self.events)

    async def decoded(self) -> float:
        """Decode each frame, and drop what it says."""
        lines, seen, began = LineBuffer(), 0, time.process_time()
        for read in self.reads:
            for frame in lines.feed(read):
                decode_frame(frame)
                seen += 1
        return self._took(began, seen, self.events)

    async def stored(self) -> float:
        """Take all of it into a cache without indexes."""
        cache: Cache[Any] = Cache(report=print)
        memory = cache.add_source(None)
        take_in(self.existing, memory, version="1", asked="1", initial=None)
        lines, seen, began = LineBuffer(), 0, time.process_time()
        for read in self.reads:
            intake = take_in(
                lines.feed(read), memory, version=self.version, asked=self.version, initial=None
            )
            seen += len(intake.events)
        return self._took(began, seen, self.events)

    async def watched(self) -> float:
        """Iterate over a RetryWatcher."""
        source = Source(self.pages, self.reads)
        seen = 0
        options = ListOptions(resource_version=self.version)
        async with RetryWatcher(source, options) as watcher:
            source.go()
            async for _ in watcher:
                seen += 1
                if seen == self.events:
                    break
        return self._took(source.started, seen, self.events)

    def informed(self, *, handlers: int = 0, indexers: int = 0, touch: bool = False) -> Stage:
        """Run a whole SharedInformer, with so many handlers and indexers."""

        async def run() -> float:
            async with self._informer(handlers, indexers, touch=touch) as (_, source, done):
                source.go()
                await done()
                return time.process_time() - source.started

        return f"SharedInformer, {handlers} handlers, {indexers} indexers", run

    @asynccontextmanager
    async def _informer(
        self, handlers: int, indexers: int, *, touch: bool = False
    ) -> AsyncIterator[tuple[float, Source, Callable[[], Awaitable[None]]]]:
        """Give what its first list took, its source, and how to wait for the events."""
        source, seen, whole = Source(self.pages, self.reads), 0, anyio.Event()

        def handle(*shown: Any) -> None:  # noqa: ANN401 - one object, or two
            nonlocal seen
            seen += 1
            if touch:
                shown[-1]["status"]["phase"]
            if seen == (self.objects + self.events) * handlers:
                whole.set()

        indexes = {f"index-{number}": lambda pod: [pod.name[-2:]] for number in range(indexers)}
        began = time.process_time()
        async with SharedInformer(source, indexers=indexes, initial_list="list") as informer:
            added = [
                informer.add_event_handler(on_add=handle, on_update=handle, name=f"{number}")
                for number in range(handlers)
            ]
            await informer.wait_for_sync()
            for each in added:
                await each.wait_for_sync()
            took = self._took(began, len(informer.store), self.objects)

            async def done() -> None:
                await informer.wait_for_version(str(int(self.version) + self.events))
                if handlers:
                    await whole.wait()

            yield took, source, done

    # Of a listed object.

    async def paged(self) -> float:
        """Decode the pages, keeping their objects."""
        began = time.process_time()
        kept = [decode_page(page) for page in self.pages]
        return self._took(began, sum(len(page.objects) for page in kept), self.objects)

    async def replaced(self) -> float:
        """Collect them as one list, and take that into a cache."""
        cache: Cache[Any] = Cache(report=print)
        memory = cache.add_source(None)
        began = time.process_time()
        listing = Listing(lambda each: not memory.holds(each))
        for page in self.pages:
            listing.add(decode_page(page))
        changes = memory.replace(listing, initial=True)
        return self._took(began, len(changes), self.objects)

    def listed(self, handlers: int) -> Stage:
        """Let a whole SharedInformer take its first list."""

        async def run() -> float:
            async with self._informer(handlers, 0) as (took, _, _):
                return took

        return f"SharedInformer, {handlers} handlers", run

    def _took(self, began: float, seen: int, expected: int) -> float:
        """End a measurement, and check that it was whole."""
        took = time.process_time() - began
        if seen != expected:
            raise SystemExit(f"saw {seen} instead of {expected}")
        return took


# What the sockets cost.


async def _read(reads: Sequence[bytes]) -> float:
    """Read with aiohttp, and nothing more: what the API server would have sent, as chunks."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = [sys.executable, __file__, "--send", str(listener.fileno())]
        with subprocess.Popen(sender, stdin=subprocess.PIPE, pass_fds=[listener.fileno()]) as child:
            assert child.stdin is not None  # noqa: S101 - it is a pipe
            writer = threading.Thread(target=_hand_over, args=(child.stdin, reads))
            writer.start()
            writer.join()
            return await _fetch(listener.getsockname()[1], sum(map(len, reads)))


def _hand_over(pipe: Any, reads: Sequence[bytes]) -> None:  # noqa: ANN401 - a pipe of bytes
    lines = b"".join(reads).splitlines(keepends=True)
    for line in lines:
        pipe.write(b"%x\r\n%b\r\n" % (len(line), line))
    pipe.close()


async def _fetch(port: int, expected: int) -> float:
    seen = 0
    async with aiohttp.ClientSession(read_bufsize=_READ // 2) as session:
        async with session.get(f"http://127.0.0.1:{port}/") as response:
            began = time.process_time()
            async for chunk in response.content.iter_any():
                seen += len(chunk)
            took = time.process_time() - began
    if seen != expected:
        raise SystemExit(f"read {seen} bytes instead of {expected}")
    return took


def _send(descriptor: int) -> None:
    """Answer one request with what standard input holds."""
    body = sys.stdin.buffer.read() + b"0\r\n\r\n"
    with socket.socket(fileno=descriptor) as listener:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)


# The tables.


def _table(stages: Sequence[Stage], count: int, rounds: int) -> list[float]:
    """Run all in turn, round after round; the medians in microseconds per event or object."""
    taken: list[list[float]] = [[] for _ in stages]
    for _ in range(rounds):
        for (_, run), row in zip(stages, taken, strict=True):
            gc.collect()
            row.append(asyncio.run(_run(run)) / count * 1e6)
    return [statistics.median(row) for row in taken]


async def _run(run: Callable[[], Awaitable[float]]) -> float:
    return await run()


def _print(title: str, stages: Sequence[Stage], medians: Sequence[float], base: int = 0) -> None:
    """Print each stage with what it adds to the one before; those before `base` stand alone."""
    print(f"\n{title}\n{'':52}{'us':>8}{'adds':>8}")
    before = 0.0
    for number, ((label, _), median) in enumerate(zip(stages, medians, strict=True)):
        print(f"{label:52}{median:8.2f}{median - before:8.2f}")
        before = median if number >= base else 0.0


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small, for the counts alone")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--send", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send is not None:
        _send(options.send)
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    objects, events, rounds = options.objects, options.events, options.rounds
    if options.quick:
        objects, events, rounds = 1_000, 1_000, 1
    figures: dict[str, dict[str, float]] = {}
    for title, per_read in (("reads full", None), ("one event a read", 1)):
        figures[title] = _watch(Bench(objects, events, per_read=per_read), title, rounds)
    bench = Bench(objects, 1, per_read=None)
    stages = [("pages decoded", bench.paged), ("+ list, store", bench.replaced)]
    stages += [bench.listed(0), bench.listed(1)]
    medians = _table(stages, objects, rounds)
    _print("A listed object (no socket)", stages, medians)
    if options.json:
        print(json.dumps(figures))


def _watch(bench: Bench, title: str, rounds: int) -> dict[str, float]:
    read: Stage = ("aiohttp: read (alone)", lambda: _read(bench.reads))
    watcher: Stage = ("RetryWatcher (alone)", bench.watched)
    stages = [
        read,
        watcher,
        ("frames cut", bench.frames),
        ("+ decoded", bench.decoded),
        ("+ stored", bench.stored),
        bench.informed(),
        bench.informed(handlers=1),
        bench.informed(handlers=10),
        bench.informed(handlers=1, indexers=4),
        bench.informed(handlers=1, touch=True),
    ]
    medians = _table(stages, bench.events, rounds)
    _print(f"A watched event, {title}", stages, medians, base=2)
    return {label: median for (label, _), median in zip(stages, medians, strict=True)}


if __name__ == "__main__":
    main()
