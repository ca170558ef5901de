"""One reader of the stream, in a process of its own: prints what its events cost, as JSON.

Run with the reader's name, the port, and the numbers of events to warm up with and to measure.
All imports are made by every reader, so that the garbage collector has the same heap to walk.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any, Final

import aiohttp
import msgspec
import pods
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api, CustomObjectsApi
from kubernetes_asyncio.watch import Watch

from watchkit import ListWatch, Object, RetryWatcher

_VERSION: Final = str(pods.FIRST_VERSION)
_PATIENCE: Final = 120.0
"""Seconds after which it ends unfinished: a watcher that finds no server tries for ever."""


class Meter:
    """Takes the CPU time of this process, user and system, over the events after the warm-up.

    A reader compares what it has seen with `turn`, and calls `turned` once that is reached.
    """

    def __init__(self, warm_up: int, events: int) -> None:
        self.turn = warm_up
        self._events = events
        self._began: tuple[int, float, float] | None = None
        self.result: dict[str, float] = {}

    def turned(self, seen: int) -> bool:
        """Begin to measure, or, the second time, end it: True once there is nothing more to do."""
        cpu, wall = time.process_time(), time.perf_counter()
        if self._began is None:
            self._began = (seen, cpu, wall)
            self.turn = seen + self._events
            return False
        seen_before, cpu_before, wall_before = self._began
        events = seen - seen_before
        self.result = {
            "events": events,
            "cpu_us": (cpu - cpu_before) / events * 1e6,
            "wall_us": (wall - wall_before) / events * 1e6,
        }
        return True


class _Metadata(msgspec.Struct):
    name: str


class _Spec(msgspec.Struct):
    nodeName: str = ""  # noqa: N815 - the name on the wire


class _Status(msgspec.Struct):
    phase: str = ""


class _Pod(msgspec.Struct):
    """The fields that a small controller wants of a pod."""

    metadata: _Metadata
    spec: _Spec
    status: _Status


async def _read_and_split(url: str, meter: Meter) -> None:
    seen, rest = 0, b""
    query = {"watch": "true", "resourceVersion": _VERSION}
    async with aiohttp.ClientSession() as session, session.get(url, params=query) as response:
        async for chunk in response.content.iter_any():
            lines = chunk.split(b"\n")
            lines[0] = rest + lines[0]
            rest = lines.pop()
            seen += len(lines)
            if seen >= meter.turn and meter.turned(seen):
                response.close()
                return


async def _objects(url: str, meter: Meter) -> None:
    async with ApiClient(Configuration(host=url)) as api, _watcher(api) as watcher:
        await _drain(watcher, lambda _: None, meter)


async def _one_field(url: str, meter: Meter) -> None:
    async with ApiClient(Configuration(host=url)) as api, _watcher(api) as watcher:
        await _drain(watcher, lambda event: event.object["status"]["phase"], meter)


async def _structs(url: str, meter: Meter) -> None:
    async with ApiClient(Configuration(host=url)) as api:
        source = ListWatch(CoreV1Api(api).list_namespaced_pod, "default")
        async with RetryWatcher(source, {"resource_version": _VERSION}, model=_Pod) as watcher:
            await _drain(watcher, lambda event: event.object.status.phase, meter)


def _watcher(api: ApiClient) -> RetryWatcher[Object]:
    source = ListWatch(CoreV1Api(api).list_namespaced_pod, "default")
    return RetryWatcher(source, {"resource_version": _VERSION})


async def _peer_typed(url: str, meter: Meter) -> None:
    async with ApiClient(Configuration(host=url)) as api:
        pods_of = CoreV1Api(api).list_namespaced_pod
        async with Watch() as watch:
            stream = watch.stream(pods_of, "default", resource_version=_VERSION)
            await _drain(stream, lambda event: event["object"].status.phase, meter)


async def _peer_dict(url: str, meter: Meter) -> None:
    """Read the same events as a custom resource's: they come as dicts."""
    async with ApiClient(Configuration(host=url)) as api:
        method = CustomObjectsApi(api).list_namespaced_custom_object
        async with Watch() as watch:
            stream = watch.stream(
                method, "example.com", "v1", "default", "pods", resource_version=_VERSION
            )
            await _drain(stream, lambda event: event["object"]["status"]["phase"], meter)


async def _drain(events: AsyncIterable[Any], look: Callable[[Any], object], meter: Meter) -> None:
    seen = 0
    async for event in events:
        look(event)
        seen += 1
        if seen == meter.turn and meter.turned(seen):
            return


READERS: Final[dict[str, Callable[[str, Meter], Awaitable[None]]]] = {
    "split": _read_and_split,
    "objects": _objects,
    "field": _one_field,
    "structs": _structs,
    "peer-dict": _peer_dict,
    "peer-typed": _peer_typed,
}


async def main() -> None:
    """Read until enough is seen, and say what it took."""
    name, port, warm_up, events = sys.argv[1:]
    meter = Meter(int(warm_up), int(events))
    async with asyncio.timeout(_PATIENCE):
        await READERS[name](f"http://127.0.0.1:{port}", meter)
    print(json.dumps(meter.result))


if __name__ == "__main__":
    asyncio.run(main())
