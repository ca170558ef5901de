"""Measures of many RetryWatchers in one process: idle, busy, and all reset at once."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from kubernetes_asyncio.client import ApiClient, CoreV1Api

from benchmarks.growth.control import Control
from benchmarks.growth.probes import Meter
from benchmarks.peers.meter import resident
from watchkit import ListOptions, ListWatch, RetryWatcher

Figures = dict[str, float]

_AT_ONCE: Final = 25
"""Watches that are opened together."""


class _Watches:
    """So many watchers of the same pods, each in a task of its own; what they see is counted."""

    def __init__(self, api: ApiClient, version: int) -> None:
        self.seen = 0
        self._pods = CoreV1Api(api).list_namespaced_pod
        self._options = ListOptions(resource_version=str(version))
        self._wanted = 0
        self._reached = asyncio.Event()

    async def watch(self) -> None:
        """Watch until cancelled."""
        source = ListWatch(self._pods, "default")
        async with RetryWatcher(source, self._options) as watcher:
            async for _ in watcher:
                self.seen += 1
                if self.seen >= self._wanted:
                    self._reached.set()

    async def until(self, seen: int) -> None:
        """Wait until so many events were seen over all."""
        self._wanted, self._reached = seen, asyncio.Event()
        if self.seen < seen:
            await self._reached.wait()


@asynccontextmanager
async def _tasks() -> AsyncIterator[Callable[[Coroutine[Any, Any, None]], object]]:
    """Start tasks that end with the block: asyncio's own, which take the least memory."""
    async with asyncio.TaskGroup() as group:
        started: list[asyncio.Task[None]] = []
        try:
            yield lambda each: started.append(group.create_task(each))
        finally:
            for task in started:
                task.cancel()


async def _open(control: Control, count: int) -> dict[str, Any]:
    """Wait until so many watches are open, as the server sees it."""
    while True:
        told: dict[str, Any] = await control.ask("tell")
        if told["watches"] >= count:
            return told
        await asyncio.sleep(0.01)


async def watches(
    api: ApiClient, control: Control, *, first: int, count: int, events: int
) -> Figures:
    """Measure so many watches: opening, holding them idle, and events to each."""
    crowd = _Watches(api, first)
    async with _tasks() as start:
        start(crowd.watch())
        await _open(control, 1)
        crowd_size = max(1, count - 1)
        gc.collect()
        before, meter = resident(), Meter()
        # All at once, they would leave what opening takes for so many, which is used no more.
        told = await _open(control, 1)
        for opened in range(1, count, _AT_ONCE):
            for _ in range(min(_AT_ONCE, count - opened)):
                start(crowd.watch())
            told = await _open(control, min(count, opened + _AT_ONCE))
        figures = {"open_us": meter.us(crowd_size), "open_s": meter.wall()}
        await asyncio.sleep(1)
        gc.collect()
        figures["requests"] = _sum(told)
        if count > _AT_ONCE:  # of fewer, it is what the process needs once
            figures["idle_bytes"] = (resident() - before) / crowd_size
        await control.ask("change", max(1, events // 10), count)
        await crowd.until(max(1, events // 10) * count)
        meter = Meter()
        control.say("change", events, count)
        await crowd.until((max(1, events // 10) + events) * count)
        figures |= {"event_us": meter.us(events * count), "seen": crowd.seen}
        await control.heard()
    return figures


async def storm(api: ApiClient, control: Control, *, first: int, count: int) -> Figures:
    """Reset so many watches at once; measure until all are open again."""
    crowd = _Watches(api, first)
    async with _tasks() as start:
        for _ in range(count):
            start(crowd.watch())
        before = _sum(await _open(control, count))
        await asyncio.sleep(1.5)  # a shorter life is a failure, after which it waits for longer
        meter = Meter()
        await control.ask("drop")
        await asyncio.sleep(0)
        told = await _open(control, count)
        figures = {"reconnect_us": meter.us(count), "storm_s": meter.wall()}
        figures["reopened"] = told["watches"]
    times = sorted(told["reopened"])
    told = await control.ask("tell")
    tenths = [sum(at <= each < at + 0.1 for each in times) for at in times]
    return figures | {
        "last_s": times[-1],
        "median_s": times[len(times) // 2],
        "busiest_tenth": max(tenths),
        "requests": _sum(told) - before,
        **{f"decile_{n}": times[max(0, len(times) * n // 10 - 1)] for n in range(11)},
    }


def _sum(told: dict[str, Any]) -> int:
    return sum(told["requests"].values())
