"""One of our readers of a real API server, in a process of its own: prints what it cost, as JSON.

`floor` only reads and splits, by aiohttp; the other modes are informers.

It is a peer as README.md says, with --kubeconfig and --resource for --server. Once its list is
whole it prints {"listed": N}; with --arrivals it writes, for each event of the watch, the version
and when its handler was called, in nanoseconds.
"""

import argparse
import faulthandler
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import aiohttp
import anyio
from peers.meter import Moment, figures, resident
from real_writers import GROUP, PATHS, VERSION, session

from watchkit import ClientConfig, ListWatch, Object, SharedInformer, connect

_PATIENCE: Final = 120
"""Seconds after which it ends unfinished: an informer that finds no server tries for ever."""

_PACKAGES: Final = ("watchkit", "aiohttp", "msgspec", "kubernetes_asyncio", "anyio")


@dataclass(frozen=True)
class Mode:
    """How the informer and its source are set up, and on which loop they run."""

    informer: dict[str, Any] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    uvloop: bool = False


_STREAM: Final = {
    "watch": "true",
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "allowWatchBookmarks": "true",
    "timeoutSeconds": str(_PATIENCE),
}
_PAGES: Final = {"initial_list": "list"}
_COALESCED: Final = {"coalesce": 0.02}
MODES: Final = {
    "floor": Mode(),
    "informer": Mode(),
    "uvloop": Mode(uvloop=True),
    "coalesced": Mode(source=_COALESCED),
    "uvloop-coalesced": Mode(source=_COALESCED, uvloop=True),
    "pages": Mode(_PAGES),
    "pages-uvloop-coalesced": Mode(_PAGES, _COALESCED, uvloop=True),
}


@dataclass
class _Options:
    kubeconfig: Path
    resource: Literal["pods", "gadgets"]
    mode: str
    objects: int
    events: int
    arrivals: Path


class Versioned(Protocol):
    """What the meter wants of an object."""

    @property
    def resource_version(self) -> str:
        """Its version."""
        ...


class Meter:
    """Is called as the handlers of an informer, and takes the times of list and watch."""

    def __init__(self, options: _Options) -> None:
        self._options = options
        self._warm = options.objects + options.events // 10
        self._end = self._warm + options.events
        self._handled = 0
        self.over = anyio.Event()
        self.versions: list[str] = []
        self.arrived: list[int] = []
        self.cached = options.objects
        self.moments: list[Moment] = []
        self._base = 0
        self.begin()

    def begin(self) -> None:
        """Begin to measure the list: now, not when this was made."""
        self._base = resident() >> 10
        self.moments = [Moment.now()]

    def added(self, _: object) -> None:
        """Take an object of the first list."""
        self._handled += 1
        if self._handled == self._options.objects:
            self._mark()
            print(json.dumps({"listed": self._handled}), flush=True)

    def updated(self, _: object, new: Versioned) -> None:
        """Take an event of the watch."""
        if self._handled == self._end:
            return
        self._handled += 1
        self.versions.append(new.resource_version)
        self.arrived.append(time.monotonic_ns())
        if self._handled == self._warm:
            self._mark()
        elif self._handled == self._end:
            self._mark()
            self.over.set()

    def _mark(self) -> None:
        self.moments.append(Moment.now())

    def report(self) -> dict[str, object]:
        """Say what it came to; there are four moments only if all of it happened."""
        options, cached = self._options, self.cached
        if cached != options.objects:
            raise SystemExit(f"{cached} of {options.objects} objects are cached")
        counts = {"handled": self._handled, "cached": cached, "touched": 0}
        costs = figures(options.objects, options.events, self.moments, self._base, _PACKAGES)
        return {**counts, **costs}


class _Line(bytes):
    """An event, of which nothing is decoded."""

    @property
    def resource_version(self) -> str:
        """Find it in the text."""
        found = VERSION.search(self)
        assert found is not None, self  # noqa: S101 - every object has one
        return found[1].decode()


async def read_and_split(options: _Options, meter: Meter) -> None:
    """Take lines as they come, over one watch after the other: a busy server ends some early."""
    plain, query = {"Accept-Encoding": "identity"}, _STREAM
    path = PATHS[options.resource]
    async with session(options.kubeconfig) as opened:
        while not meter.over.is_set():
            async with opened.get(path, params=query, headers=plain) as answer:
                await _split(answer.content, meter)
            query = {"watch": "true", "resourceVersion": meter.versions[-1]}


async def _split(content: aiohttp.StreamReader, meter: Meter) -> None:
    """What a line is matters only as far as the meter needs it."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b'{"type":"ADDED"'):
                meter.added(None)
            elif line.startswith(b'{"type":"MODIFIED"'):
                meter.updated(None, _Line(line))
        if meter.over.is_set():
            return


async def inform(options: _Options, meter: Meter) -> None:
    """Run an informer until the last event was handled."""
    version = "v1" if options.resource == "pods" else f"{GROUP}/v1"
    mode = MODES[options.mode]
    async with connect(ClientConfig(kubeconfig=options.kubeconfig)) as api:
        source = ListWatch.for_resource(api, version, options.resource, **mode.source)
        informer: SharedInformer[Object] = SharedInformer(source, **mode.informer)
        meter.begin()
        async with informer:
            informer.add_event_handler(on_add=meter.added, on_update=meter.updated)
            await meter.over.wait()
            meter.cached = len(informer.store)


async def follow(options: _Options) -> None:
    """Read as the mode says, and tell what it came to."""
    meter = Meter(options)
    await (read_and_split if options.mode == "floor" else inform)(options, meter)
    told = zip(meter.versions, meter.arrived, strict=True)
    options.arrivals.write_text("".join(f"{version} {at}\n" for version, at in told))
    print(json.dumps(meter.report()), flush=True)


def main() -> None:
    """Read the command line, and follow."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--resource", choices=["pods", "gadgets"], required=True)
    parser.add_argument("--mode", choices=[*MODES], required=True)
    parser.add_argument("--objects", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--arrivals", type=Path, required=True)
    options = _Options(**vars(parser.parse_args()))
    faulthandler.dump_traceback_later(_PATIENCE, exit=True, file=sys.stderr)
    anyio.run(follow, options, backend_options={"use_uvloop": MODES[options.mode].uvloop})


if __name__ == "__main__":
    main()
