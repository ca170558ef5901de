"""Waiting until nothing is left to do: every informer up to date, every handler and queue idle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol, TypeAlias, cast, runtime_checkable

import anyio
from kubernetes_asyncio.client import ApiClient

from watchkit.core.options import list_query
from watchkit.informer.reflector import Reflector
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing.cluster import FakeCluster
from watchkit.testing.front import Front
from watchkit.testing.hosts import front_at
from watchkit.testing.log import Kept
from watchkit.testing.requests import ApiRequest
from watchkit.testing.resources import Resource
from watchkit.testing.selection import Selection

LOOK_EVERY: Final = 0.01
"""Seconds between two looks; what is found settled twice in a row is."""

_UNFINISHED: Final = ("queued", "depth", "running", "processing")
"""What the statistics of queues, handlers and controllers call what is not done yet."""


@runtime_checkable
class Counted(Protocol):
    """Anything whose `statistics()` count what waits and what runs, under the names above.

    A registration of an informer, a work queue, a controller (whose statistics hold those of its
    `queue`).
    """

    def statistics(self) -> object:
        """Count."""
        ...


Settling: TypeAlias = FakeCluster | SharedInformer[Any] | Counted
"""What can be waited for."""


async def settled(*things: Settling, timeout: float = 5.0) -> None:
    """Wait until nothing of this has anything left to do, in the time of the loop.

    An informer: it has all that its `FakeCluster` has, and every handler of it has handled
    that. A registration, a work queue, a controller: nothing waits (what is due later does not
    count), nothing runs. A cluster: nothing waits to be sent on any watch.

    Raises:
        TimeoutError: that took longer than `timeout` seconds; it says what was left.

    """
    left: str | None = "nothing was looked at"
    quiet = 0
    with anyio.move_on_after(timeout):
        while quiet < 2:  # noqa: PLR2004 - twice in a row
            left = next((why for each in things if (why := _unsettled(each))), None)
            quiet = quiet + 1 if left is None else 0
            await anyio.sleep(LOOK_EVERY)
    if left is not None:
        raise TimeoutError(f"not settled after {timeout:g} s: {left}")


def _unsettled(thing: Settling) -> str | None:
    """Say what is left to do, None: nothing."""
    match thing:
        case FakeCluster():
            waiting = thing.front.unsent
            return f"{thing!r}: {waiting} watches have something to send" if waiting else None
        case SharedInformer():
            return _of_informer(cast("SharedInformer[object]", thing))
        case _:
            count = _unfinished(thing.statistics())
            return f"{thing!r}: {count} waiting or running" if count else None


def _unfinished(statistics: object) -> int:
    count = sum(int(getattr(statistics, name, 0)) for name in _UNFINISHED)
    queue: object = getattr(statistics, "queue", None)
    return count if queue is None else count + _unfinished(queue)


def _of_informer(informer: SharedInformer[object]) -> str | None:
    # A fake may look where nobody else has to.
    running = informer._running  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    options = running._settings.options  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    for reflector in running.reflectors:
        if not reflector.is_synced:
            return f"{informer!r}: its first list is not complete"
        if why := _behind(informer, reflector, list_query(options, limit=None)):
            return f"{informer!r}: {why}"
    busy = running.outlets.unfinished
    return f"{informer!r}: {busy} keys wait for handlers, or are handled" if busy else None


def _behind(
    informer: SharedInformer[object], reflector: Reflector[object], query: Mapping[str, str]
) -> str | None:
    """What the cluster has of one source and the cache has not (or the other way round)."""
    source = reflector.source
    front = _front(getattr(source, "client", None))
    resource = None if front is None else _served(front, source.resource)
    if front is None or resource is None:
        return None
    asked = ApiRequest("list", source.resource, source.namespace, query)
    selection = Selection.of(asked, resource)
    objects = front.state.log(resource).objects
    there = {key: kept for key, kept in objects.items() if selection.matches(kept)}
    newest = max((kept.version for kept in there.values()), default=0)
    if not newest <= int(reflector.version or 0) <= front.state.version:
        return f"it is at {reflector.version}, the cluster at {front.state.version}"
    return next(
        (f"its {key} is not the cluster's" for key in _stale(informer, source.namespace, there)),
        None,
    )


def _stale(
    informer: SharedInformer[object], namespace: str | None, there: Mapping[str, Kept]
) -> Iterator[str]:
    """The cached keys under which the cluster has nothing, or something else."""
    store = informer.store
    for key in store:
        meta = store.meta(key)
        if meta is None or namespace not in {None, meta.namespace}:
            continue
        kept = there.get(key)
        if kept is None or (kept.uid, str(kept.version)) != (meta.uid, meta.resource_version):
            yield key


def _front(client: object) -> Front | None:
    if isinstance(client, ApiClient):
        return front_at(str(client.configuration.host))
    return client if isinstance(client, Front) else None


def _served(front: Front, name: str) -> Resource | None:
    return next((each for each in front.catalogue if each.name == name), None)
