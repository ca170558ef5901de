"""Where the time of a watched event and of a listed object goes, stage by stage: CPU time each.

Nothing here touches a socket save the first row: bytes as they come from one are given to more
and more of the library, and what a stage adds is its cost. Prints tables and asserts no time;
`--quick` is small, and checks only that each stage has seen every event.
"""

import argparse
import asyncio
import gc
import gzip
import json
import logging
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import pods
import stages_wire as wire
import structlog

from watchkit import ListOptions, RetryWatcher, SharedInformer
from watchkit.core.decoding import decode_frame, decode_page
from watchkit.core.framing import LineBuffer
from watchkit.core.listing import Listing
from watchkit.informer.cache import Cache
from watchkit.watching.intake import take_in

_PAGE: Final = 500
Run = Callable[[], Awaitable[float]]
"""Measures something: CPU seconds."""

Row = tuple[str, Run, str]
"""What is measured, how, and the row that it adds to ("": none)."""


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
        self.reads = [body[at : at + wire.READ] for at in range(0, len(body), wire.READ)]
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
        source = wire.Source(self.pages, self.reads)
        seen = 0
        options = ListOptions(resource_version=self.version)
        async with RetryWatcher(source, options) as watcher:
            source.go()
            async for _ in watcher:
                seen += 1
                if seen == self.events:
                    break
        return self._took(source.started, seen, self.events)

    def informed(self, *, handlers: int = 0, indexers: int = 0, touch: bool = False) -> Run:
        """Run a whole SharedInformer, with so many handlers and indexers."""

        async def run() -> float:
            async with self._informer(handlers, indexers, touch=touch) as (_, source, done):
                source.go()
                await done()
                return time.process_time() - source.started

        return run

    @asynccontextmanager
    async def _informer(
        self, handlers: int, indexers: int, *, touch: bool = False
    ) -> AsyncIterator[tuple[float, wire.Source, Callable[[], Awaitable[None]]]]:
        """Give what its first list took, its source, and how to wait for the events."""
        source, seen, whole = wire.Source(self.pages, self.reads), 0, anyio.Event()

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

    async def inflated(self) -> float:
        """Undo the gzip that a server puts lists in, as fast as it can pack."""
        packed = [gzip.compress(page, 1) for page in self.pages]
        began = time.process_time()
        size = sum(len(gzip.decompress(each)) for each in packed)
        took = time.process_time() - began
        if size != sum(map(len, self.pages)):
            raise SystemExit("the pages are not what they were")
        return took

    async def replaced(self) -> float:
        """Collect them as one list, and take that into a cache."""
        cache: Cache[Any] = Cache(report=print)
        memory = cache.add_source(None)
        began = time.process_time()
        listing = Listing(memory.keep)
        for page in self.pages:
            listing.add(decode_page(page))
        changes = memory.replace(listing, initial=True)
        return self._took(began, len(changes), self.objects)

    def listed(self, handlers: int) -> Run:
        """Let a whole SharedInformer take its first list."""

        async def run() -> float:
            async with self._informer(handlers, 0) as (took, _, _):
                return took

        return run

    def _took(self, began: float, seen: int, expected: int) -> float:
        """End a measurement, and check that it was whole."""
        took = time.process_time() - began
        if seen != expected:
            raise SystemExit(f"saw {seen} instead of {expected}")
        return took


# The tables.


def _table(title: str, rows: Sequence[Row], count: int, rounds: int) -> dict[str, float]:
    """Run all in turn, round after round, and print the medians: microseconds each."""
    taken: dict[str, list[float]] = {label: [] for label, _, _ in rows}
    for _ in range(rounds):
        for label, run, _ in rows:
            gc.collect()
            taken[label].append(asyncio.run(_run(run)) / count * 1e6)
    medians = {label: statistics.median(each) for label, each in taken.items()}
    print(f"\n{title}\n{'':40}{'us':>8}{'adds':>8}  to")
    for label, _, base in rows:
        adds = f"{medians[label] - medians[base]:8.2f}  {base}" if base else ""
        print(f"{label:40}{medians[label]:8.2f}{adds}")
    return medians


async def _run(run: Run) -> float:
    return await run()


def _watched(bench: Bench, title: str, rounds: int) -> dict[str, float]:
    rows: list[Row] = [
        ("read by aiohttp", lambda: wire.read(bench.reads), ""),
        ("frames", bench.frames, ""),
        ("decoded", bench.decoded, "frames"),
        ("stored", bench.stored, "decoded"),
        ("RetryWatcher", bench.watched, "decoded"),
        ("SharedInformer", bench.informed(), "stored"),
        ("1 handler", bench.informed(handlers=1), "SharedInformer"),
        ("10 handlers", bench.informed(handlers=10), "1 handler"),
        ("1 handler, 4 indexers", bench.informed(handlers=1, indexers=4), "1 handler"),
        ("1 handler, status.phase read", bench.informed(handlers=1, touch=True), "1 handler"),
    ]
    return _table(f"A watched event, {title}", rows, bench.events, rounds)


def _listed(bench: Bench, rounds: int) -> dict[str, float]:
    rows: list[Row] = [
        ("read by aiohttp", lambda: wire.read(bench.pages), ""),
        ("gzip undone", bench.inflated, ""),
        ("decoded", bench.paged, ""),
        ("stored", bench.replaced, "decoded"),
        ("SharedInformer", bench.listed(0), "stored"),
        ("1 handler", bench.listed(1), "SharedInformer"),
    ]
    return _table("A listed object, pages of 500", rows, bench.objects, rounds)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small, for the counts alone")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, too")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    objects, events, rounds = options.objects, options.events, options.rounds
    if options.quick:
        objects, events, rounds = 1_000, 1_000, 1
    full = Bench(objects, events, per_read=None)
    figures = {"full": _watched(full, "reads of 256 KiB", rounds)}
    lone = Bench(objects, events, per_read=1)
    figures["lone"] = _watched(lone, "one a read", rounds)
    figures["listed"] = _listed(full, rounds)
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
