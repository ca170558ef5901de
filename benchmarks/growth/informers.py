"""Measures of one SharedInformer: its lists, its events, its memory, how long it blocks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from kubernetes_asyncio.client import ApiClient, CoreV1Api

from benchmarks.growth.control import Control
from benchmarks.growth.probes import Meter, Watched, collection_ms
from benchmarks.peers.meter import resident
from watchkit import ListWatch, Object, SharedInformer
from watchkit.informer.registration import Registration
from watchkit.informer.transforms import strip_managed_fields

Figures = dict[str, float]

_TRANSFORMS: Final = {"strip": strip_managed_fields, "none": None}
_WARM: Final = 200
_WARM_NAMESPACE: Final = "warm"


def _by_label(pod: Object) -> Iterable[str]:
    return filter(None, [pod.labels.get("team")])


def _by_node(pod: Object) -> Iterable[str]:
    return filter(None, [pod["spec"].get("nodeName")])


_INDEXERS: Final[dict[str, Callable[[Object], Iterable[str]]]] = {
    "label": _by_label,
    "node": _by_node,
}


class _Crowd:
    """Handlers that count, and the informer that calls them."""

    def __init__(self, informer: SharedInformer, handlers: int) -> None:
        self.informer = informer
        self.calls = 0
        added = informer.add_event_handler
        self._all: list[Registration] = [
            added(on_add=self._one, on_update=self._two, on_delete=self._one)
            for _ in range(handlers)
        ]

    def _one(self, _: Object) -> None:
        self.calls += 1

    def _two(self, _: Object, __: Object) -> None:
        self.calls += 1

    async def synced(self) -> None:
        """Wait until the first list is cached, and handled by all."""
        await self.informer.wait_for_sync()
        for each in self._all:
            await each.wait_for_sync()

    async def reached(self, version: int, received: int) -> None:
        """Wait until a version is cached, so much was told, and all of that handled."""
        await self.informer.wait_for_version(str(version))
        while self.received < received:  # noqa: ASYNC110 - soon over
            await asyncio.sleep(0)
        while any(each.statistics().queued for each in self._all):  # noqa: ASYNC110 - soon over
            await asyncio.sleep(0)

    @property
    def received(self) -> int:
        """Changes that were told, over all handlers."""
        return sum(each.statistics().received for each in self._all)

    @property
    def not_handled(self) -> int:
        """Calls that failed, or that handlers say they had and did not count."""
        counted = [each.statistics() for each in self._all]
        handled = sum(each.handled for each in counted)
        return abs(handled - self.calls) + sum(each.failed for each in counted)


@asynccontextmanager
async def _crowd(
    api: ApiClient,
    namespace: str,
    *,
    handlers: int = 1,
    indexers: int = 0,
    index: str = "label",
    transform: str = "none",
    **options: Any,  # noqa: ANN401 - those of the informer
) -> AsyncIterator[_Crowd]:
    source = ListWatch(CoreV1Api(api).list_namespaced_pod, namespace)
    function = _INDEXERS[index]
    indexes = {f"{index}-{number}": function for number in range(indexers)}
    informer = SharedInformer(source, indexers=indexes, transform=_TRANSFORMS[transform], **options)
    async with informer:
        yield _Crowd(informer, handlers)


async def _warm_up(api: ApiClient, control: Control, **options: Any) -> None:  # noqa: ANN401
    async with _crowd(api, _WARM_NAMESPACE, **options) as crowd:
        await crowd.synced()
        received = crowd.received + _WARM * options.get("handlers", 1)
        await crowd.reached(await control.ask("change", _WARM, 1), received)


async def _fresh() -> None:
    """Begin a stretch: what came before is none of the next one's."""
    await asyncio.sleep(0)
    _blocked("")


def _blocked(what: str) -> Figures:
    loop = asyncio.get_running_loop()
    if not isinstance(loop, Watched):
        return {}
    return {f"{what}_{name}": figure for name, figure in loop.stretches.take().items()}


async def flow(
    api: ApiClient,
    control: Control,
    *,
    first: int,
    events: int,
    **options: Any,  # noqa: ANN401 - those of the informer, and how many of what
) -> Figures:
    """Measure a first list, then events, then what it has come to."""
    await _warm_up(api, control, **options)
    bare = collection_ms()
    before, meter = resident(), Meter()
    await _fresh()
    async with _crowd(api, "default", **options) as crowd:
        await crowd.synced()
        objects = len(crowd.informer.store)
        figures = {"list_us": meter.us(objects), "list_s": meter.wall(), **_blocked("list")}
        rss = (resident() - before) / objects
        warm = max(20, events // 10)
        handlers = options.get("handlers", 1)
        received = crowd.received + warm * handlers
        await crowd.reached(await control.ask("change", warm, 1), received)
        meter = Meter()
        control.say("change", events, 1)
        # The server answers when all is written, most of it has been read by then.
        await crowd.reached(first + warm + events, received + events * handlers)
        figures |= {"event_us": meter.us(events), **_blocked("events")}
        await control.heard()
        figures |= {"received": crowd.received - received, "objects": objects}
        figures |= {"not_handled": crowd.not_handled}
        values = crowd.informer.store.values()
        json_bytes = sum(len(each.raw) for each in values) / objects
        del values
        figures |= {"rss_bytes": rss, "json_bytes": json_bytes, **collection_ms()}
    return figures | {f"bare_{name}": figure for name, figure in bare.items()}


async def relist(
    api: ApiClient,
    control: Control,
    *,
    first: int,
    changed: int = 0,
    **options: Any,  # noqa: ANN401 - those of the informer, and how many of what
) -> Figures:
    """Measure a relist of unchanged objects, after the watch's version has expired."""
    await _warm_up(api, control, **options)
    await _fresh()
    async with _crowd(api, "default", **options) as crowd:
        meter = Meter()
        await crowd.synced()
        objects = len(crowd.informer.store)
        figures = {"list_us": meter.us(objects), "list_s": meter.wall(), **_blocked("list")}
        await control.ask("change", changed, 1)
        await crowd.reached(first + changed, objects + changed)
        lists = crowd.informer.statistics().lists
        received, before = crowd.received, resident()
        await _fresh()
        meter = Meter()
        await control.ask("expire")
        await _listed_again(crowd.informer, lists)
        figures |= {"relist_us": meter.us(objects), "relist_s": meter.wall(), **_blocked("relist")}
        grown = (resident() - before) / objects
        return figures | {
            "objects": objects,
            "received": crowd.received - received,
            "not_handled": crowd.not_handled,
            "grown_bytes": grown,
        }


async def _listed_again(informer: SharedInformer, lists: object) -> None:
    while informer.statistics().lists == lists or informer.health.state.name != "WATCHING":  # noqa: ASYNC110
        await asyncio.sleep(0.05)  # nothing tells of a list that changes nothing
