"""How these tests read a watcher, and what they write of it: short words for events."""

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any

import anyio
from trio.testing import MockClock

from watchkit import Added, Bookmark, Deleted, Event, Modified, Relisted, RetryWatcher, Synced
from watchkit.testing import VirtualBackend, VirtualClockEventLoop

Manifest = dict[str, Any]

_SIGNS = {Added: "+", Modified: "~", Deleted: "-"}


class _BlockableLoop(VirtualClockEventLoop):
    def block(self, seconds: float) -> None:
        self._jump(seconds)


class Clock:
    """A virtual clock of one backend, which can also be moved while nothing else runs."""

    def __init__(self, name: VirtualBackend) -> None:
        self._trio = MockClock(autojump_threshold=0)
        self._loop: _BlockableLoop | None = None
        self.backend: tuple[str, dict[str, object]] = ("trio", {"clock": self._trio})
        if name == "asyncio":
            self.backend = ("asyncio", {"loop_factory": self._make})

    def block(self, seconds: float) -> None:
        """Let time pass as a blocked event loop does: nobody gets to run meanwhile."""
        if self._loop is not None:
            self._loop.block(seconds)
        else:
            self._trio.jump(seconds)

    def _make(self) -> _BlockableLoop:
        self._loop = _BlockableLoop()
        return self._loop


def pod(name: str, **labels: str) -> Manifest:
    """A pod of namespace shop."""
    metadata = {"name": name, "namespace": "shop", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}}


async def take(events: AsyncIterator[Event[Any]], count: int, within: float = 600) -> list[str]:
    """Give the next `count` events as words; fails if they take longer than `within` seconds."""
    with anyio.fail_after(within):
        return [word(await anext(events)) for _ in range(count)]


async def drain(events: AsyncIterator[Event[Any]], seconds: float) -> list[str]:
    """Give what comes within so many seconds, as words; then the watcher is only paused."""
    words: list[str] = []
    with anyio.move_on_after(seconds):
        async for event in events:
            words.append(word(event))  # noqa: PERF401 - what came before the end of time counts
    return words


def word(event: Event[Any]) -> str:
    """Say an event in a word: "+a", "~a", "-a"; with "!" where initial, with "?" where inferred."""
    match event:
        case Relisted(version):
            return f"relisted {version}"
        case Synced(version):
            return f"synced {version}"
        case Bookmark(version):
            return f"bookmark {version}"
        case _:
            flags = "!" * event.initial + "?" * event.inferred
            return f"{_SIGNS[type(event)]}{event.name}{flags}"


def names(words: Sequence[str]) -> list[str]:
    """Leave the markers out."""
    return [each for each in words if each[0] in "+~-"]


def gaps(times: Sequence[float]) -> list[float]:
    """How long after each of these times the next one was."""
    return [later - earlier for earlier, later in pairwise(times)]


async def started(watcher: RetryWatcher[Any]) -> None:
    """Let a watcher take its first list (or open its first watch) and wait in its watch."""
    assert await drain(watcher, 0.01) == []
