"""What every Python program of the benchmark shares: its options, its handlers, what it measures.

../README.md says what is owed; a program says how its library is used.
"""

import argparse
import faulthandler
import importlib.metadata
import json
import os
import resource
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

_PATIENCE: Final = 120
"""Seconds after which a program ends unfinished: some watch for ever, whatever happens."""


@dataclass(frozen=True)
class Options:
    """How much there is to do, and how."""

    server: str
    mode: str
    objects: int
    events: int
    touch: bool
    handlers: int


@dataclass(frozen=True)
class Moment:
    """The CPU time of this process and the time on the wall, in seconds."""

    cpu: float
    wall: float

    @classmethod
    def now(cls) -> "Moment":
        """Look at both."""
        return cls(time.process_time(), time.perf_counter())

    def until(self, end: "Moment", count: int) -> tuple[float, float]:
        """Give CPU and wall time in microseconds for each."""
        return (end.cpu - self.cpu) / count * 1e6, (end.wall - self.wall) / count * 1e6


class Meter:
    """Counts the calls of handlers, and takes the times of both phases at the right ones.

    `is_over` turns True at the last, when `on_end` is called too.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.is_over = False
        self.on_end: Callable[[], object] = lambda: None
        self.cached: Callable[[], int] = lambda: 0
        self._handled = 0
        self._touched = 0
        self._turn = options.handlers * options.objects
        self._moments: list[Moment] = []
        self._base = 0

    def start(self, cached: Callable[[], int]) -> None:
        """Begin the list phase; `cached` tells how many objects the cache has."""
        self.cached = cached
        self._base = resident() >> 10
        self._moments = [Moment.now()]

    def handlers(self, is_running: Callable[[T], bool]) -> list[Callable[[T], None]]:
        """Give what is called for each object and event."""

        def plain(_: T) -> None:
            self._handled += 1
            if self._handled == self._turn:
                self._turned()

        def touching(pod: T) -> None:
            if is_running(pod):
                self._touched += 1
            plain(pod)

        return [touching if self.options.touch else plain] * self.options.handlers

    def handler(self, is_running: Callable[[T], bool]) -> Callable[[T], None]:
        """Give one that calls them all, for a library that has no handlers of its own."""
        handlers = self.handlers(is_running)
        if len(handlers) == 1:
            return handlers[0]

        def all_of_them(pod: T) -> None:
            for each in handlers:
                each(pod)

        return all_of_them

    def _turned(self) -> None:
        """Note the end of the list, of the warm-up, or of it all."""
        options = self.options
        self._moments.append(Moment.now())
        match len(self._moments):
            case 2:
                if self.cached() != options.objects:
                    self._fail(f"{self.cached()} objects are cached after the list")
                _go(options.server)
                self._turn += options.handlers * (options.events // 10)
            case 3:
                self._turn += options.handlers * options.events
            case _:
                self.is_over = True
                self.on_end()

    def report(self, *packages: str) -> None:
        """Check the counts, and print all as the last line."""
        options, wanted = self.options, self._turn
        if not self.is_over or self._handled < wanted:
            self._fail(f"{self._handled} calls of {wanted}")
        if self.cached() != options.objects:
            self._fail(f"{self.cached()} of {options.objects} objects are cached at the end")
        if options.touch and self._touched != self._handled:
            self._fail(f"{self._touched} of {self._handled} pods were running")
        counts = {"handled": self._handled, "cached": self.cached(), "touched": self._touched}
        costs = figures(options.objects, options.events, self._moments, self._base, packages)
        print(json.dumps({**counts, **costs}), flush=True)

    def _fail(self, reason: str) -> None:
        print(f"{self.options.mode}: {reason}", file=sys.stderr, flush=True)
        os._exit(1)  # from whatever thread, through whatever catches exceptions


def figures(
    objects: int, events: int, moments: Sequence[Moment], base: int, packages: Sequence[str]
) -> dict[str, object]:
    """Give what it cost: `moments` are those of start, list, warm-up and end, `base` is in KiB."""
    start, listed, began, ended = moments
    list_cpu, list_wall = start.until(listed, objects)
    watch_cpu, watch_wall = began.until(ended, events)
    return {
        "objects": objects,
        "events": events,
        "list_cpu_us": list_cpu,
        "list_wall_us": list_wall,
        "watch_cpu_us": watch_cpu,
        "watch_wall_us": watch_wall,
        "rss_base_kib": base,
        "rss_after_kib": resident() >> 10,
        "rss_peak_kib": _peak() >> 10,
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }


def options(*modes: str) -> Options:
    """Read the command line of a program that knows these modes; it has two minutes from now."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--mode", choices=modes, required=True)
    parser.add_argument("--objects", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--touch", action="store_true")
    parser.add_argument("--handlers", type=int, default=1)
    found = Options(**vars(parser.parse_args()))
    if found.objects < 1 or found.events < 10 or found.handlers < 1:  # noqa: PLR2004
        parser.error("it takes 1 object, 10 events and 1 handler at least")
    faulthandler.dump_traceback_later(_PATIENCE, exit=True)
    return found


def done() -> None:
    """End at once: what a library does on its way out is no part of this, and may take long."""
    sys.stdout.flush()
    os._exit(0)


def resident() -> int:
    """Give the memory that this process holds, in bytes; its peak where no more is known."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        pages = int(statm.read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGESIZE")
    return _peak()


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _go(server: str) -> None:
    """Let the events come; a server that holds none back answers just the same."""
    parts = urlsplit(server)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=10) as go:
        go.sendall(b"POST /go HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        go.recv(1024)
