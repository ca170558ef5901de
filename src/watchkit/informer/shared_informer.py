"""SharedInformer: a cache that stays what the server has, and tells many handlers what changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, Self, overload

import anyio

from watchkit.core.backoff import Backoff
from watchkit.core.events import Change
from watchkit.core.health import Health
from watchkit.core.objects import Object
from watchkit.core.options import ListOptions
from watchkit.core.source import ListerWatcher
from watchkit.core.statistics import InformerStatistics
from watchkit.core.tally import Tally
from watchkit.informer.handler import Callbacks, Handler
from watchkit.informer.indexes import Indexer
from watchkit.informer.outlet import Delivery, Predicate
from watchkit.informer.preparing import Transform
from watchkit.informer.records import T
from watchkit.informer.registration import OnError, Registration
from watchkit.informer.running import Running
from watchkit.informer.settings import InitialList, Settings
from watchkit.informer.store import Store
from watchkit.informer.subscription import Subscription
from watchkit.informer.waits import awaited

_NO_OPTIONS = ListOptions()
_BACKOFF = Backoff()


class SharedInformer(anyio.AsyncContextManagerMixin, Generic[T]):
    """A cache of all objects of a resource, kept what the server has, and handlers of its changes.

    It lists once (streaming where the server can, in pages where not) and watches from there,
    through whatever happens to server and connection; what a gap hid is told as its net effect,
    unchanged objects cause no change at all. `store` is the cache: what it shows is told to
    handlers and subscriptions right afterwards, each at its own pace.

    `source` is one ListerWatcher, or several of one resource in disjoint namespaces. `indexers`
    are functions by name, each giving the values under which an object is found; `transform` is
    applied to every object before it is cached (None: it is not), then `model` decodes it.
    With `resync_period`, in seconds, handlers get all that is cached again and again, as
    `Updated(old=obj, new=obj, replayed=True)`. With `audit_period` the cache is compared with a
    fresh list of metadata as often, and a difference corrected like a gap.

    Use it in an `async with`. An error that no retry heals cancels the block and leaves it as
    itself, and so does that of a handler with `on_error="fail"`.

    Raises:
        ValueError: options that make no sense for a cache (see the message).

    """

    @overload
    def __init__(
        self: SharedInformer[Object],
        source: ListerWatcher | Sequence[ListerWatcher],
        options: ListOptions | Mapping[str, object] = ...,
        *,
        indexers: Mapping[str, Indexer[Object]] | None = ...,
        transform: Transform | None = ...,
        model: None = None,
        initial_list: InitialList = ...,
        stream_deadline: float = ...,
        backoff: Backoff = ...,
        idle_timeout: float = ...,
        resync_period: float | None = ...,
        audit_period: float | None = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        source: ListerWatcher | Sequence[ListerWatcher],
        options: ListOptions | Mapping[str, object] = ...,
        *,
        indexers: Mapping[str, Indexer[T]] | None = ...,
        transform: Transform | None = ...,
        model: type[T],
        initial_list: InitialList = ...,
        stream_deadline: float = ...,
        backoff: Backoff = ...,
        idle_timeout: float = ...,
        resync_period: float | None = ...,
        audit_period: float | None = ...,
    ) -> None: ...

    def __init__(
        self,
        source: ListerWatcher | Sequence[ListerWatcher],
        options: ListOptions | Mapping[str, object] = _NO_OPTIONS,
        *,
        indexers: Mapping[str, Indexer[Any]] | None = None,
        transform: Transform | None = None,
        model: type[T] | None = None,
        initial_list: InitialList = "auto",
        stream_deadline: float = 5.0,
        backoff: Backoff = _BACKOFF,
        idle_timeout: float = 150.0,
        resync_period: float | None = None,
        audit_period: float | None = None,
    ) -> None:
        settings = Settings(
            ListOptions.of(options),
            initial_list,
            stream_deadline,
            backoff,
            idle_timeout,
            resync_period,
            audit_period,
        )
        sources = [*source] if isinstance(source, Sequence) else [source]
        self._running = Running(
            sources, settings, indexers=indexers, transform=transform, model=model
        )

    @property
    def store(self) -> Store[T]:
        """What is cached; read only, and readable to the end and after it."""
        return self._running.cache.store

    @property
    def health(self) -> Health:
        """How the informer is, judged now: of several sources, the worst.

        `held_by` names the handler whose full buffer holds the watch back.
        """
        return self._running.health

    @property
    def tally(self) -> Tally:
        """The counters of what it has done, which outlive it."""
        return self._running.tally

    def statistics(self) -> InformerStatistics:
        """Count what it has done so far, and what it holds; may be read from any thread."""
        return self._running.statistics()

    def is_live(self, max_age: float) -> bool:
        """Whether it runs, and no source has been waited for in silence longer than `max_age` s.

        For a liveness probe. The time that a handler holds the watch back is no silence.
        """
        running = self._running
        return (
            running.life.is_begun
            and not running.life.is_ended
            and all(each.silence <= max_age for each in running.reflectors)
        )

    async def run_forever(self) -> None:
        """Wait until the informer fails or is cancelled.

        Raises:
            WatchkitError: it was ended; a fatal error is raised as itself.

        """
        await self._running.life.until(lambda: False)

    async def wait_for_sync(self, timeout: float | None = None) -> None:
        """Wait until all that was there has been listed and cached.

        Raises:
            SyncTimeout: that took longer than `timeout` seconds; `cause` is the last error.
            WatchkitError: the informer ended first; a fatal error is raised as itself.

        """
        await self._running.wait_for_sync(timeout)

    async def wait_for_version(
        self,
        version_or_object: str | Object | Mapping[str, object] | object,
        timeout: float | None = None,
    ) -> None:
        """Wait until the cache shows a write of yours: give what the server answered.

        Of an Object, dict or model: until its key is held at that version or a later one, or has
        gone. Of a version: until the cache is there; the server tells a quiet cache of that
        about once a minute. Versions that cannot be compared count at equality, or after one
        fresh list.

        Raises:
            TimeoutError: that took longer than `timeout` seconds.
            ValueError: a version alone, where there are several sources.
            WatchkitError: the informer ended first; a fatal error is raised as itself.

        """
        with anyio.fail_after(timeout):
            await self._running.wait_for_version(awaited(version_or_object))

    def add_event_handler(
        self,
        handler: Handler[T] | None = None,
        *,
        on_add: Callable[[T], object] | None = None,
        on_update: Callable[[T, T], object] | None = None,
        on_delete: Callable[[T], object] | None = None,
        on_change: Callable[[Change[T]], object] | None = None,
        name: str | None = None,
        predicate: Predicate[T] | None = None,
        delivery: Delivery = "latest",
        buffer: int = 1000,
        concurrency: int = 1,
        on_error: OnError = "log",
        replay: bool = True,
    ) -> Registration[T]:
        """Let a handler, or functions, be called for what is cached now and for every change.

        What is cached comes first, as `Added(initial=True)`, unless `replay` is False; no change
        is missed or comes twice. Plain functions run on the event loop and must not block it;
        awaitable results are awaited, up to `concurrency` at once, never two for one key.

        With delivery "latest", what has not been handled yet is merged per object: `old` is what
        this handler was shown last. With "every" nothing is merged, and when `buffer` changes
        wait, the watch is held back. `predicate` says which changes are wanted at all.

        What a handler raises is logged and counted, and it goes on; with on_error "fail" it
        ends the informer.

        Raises:
            TypeError: neither a handler nor a function, or both.
            ValueError: an unknown word, or a number below 1.
            WatchkitError: the informer has ended.

        """
        functions = (on_add, on_update, on_delete, on_change)
        if (handler is None) == all(each is None for each in functions):
            raise TypeError("add_event_handler takes either a handler or on_... functions")
        return self._running.register(
            handler or Callbacks(*functions),
            name=name,
            predicate=predicate,
            delivery=delivery,
            buffer=buffer,
            concurrency=concurrency,
            on_error=on_error,
            replay=replay,
        )

    def subscribe(
        self,
        *,
        delivery: Delivery = "latest",
        buffer: int = 1000,
        predicate: Predicate[T] | None = None,
    ) -> Subscription[T]:
        """Iterate over what is cached and every change, within an `async with` of its own.

        The words mean what they mean for handlers. It ends when the informer ends.

        Raises:
            ValueError: an unknown word, or a buffer below 1.

        """
        return self._running.subscription(delivery=delivery, buffer=buffer, predicate=predicate)

    def add_indexers(self, indexers: Mapping[str, Indexer[T]]) -> None:
        """Add indexes, which find at once what is cached already.

        Raises:
            ValueError: there is an index of such a name.

        """
        self._running.cache.add_indexers(indexers)

    def remove_indexer(self, name: str) -> None:
        """Remove an index.

        Raises:
            ValueError: there is none of that name.

        """
        self._running.cache.remove_indexer(name)

    def add_source(self, source: ListerWatcher) -> None:
        """List and watch one more namespace.

        Raises:
            ValueError: another resource, or a namespace that is watched already.
            WatchkitError: the informer has ended.

        """
        self._running.add_source(source)

    def remove_source(self, namespace: str | None) -> None:
        """Watch a namespace no longer; its objects are told of as Deleted, inferred.

        Raises:
            KeyError: it is not watched.

        """
        self._running.remove_source(namespace)

    def __repr__(self) -> str:
        running = self._running
        state = running.health.state.value
        return (
            f"<SharedInformer {running.resource} {state} at={self.store.resource_version}"
            f" objects={len(self.store)} handlers={len(running.outlets)}>"
        )

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        async with self._running.life.block():
            yield self
