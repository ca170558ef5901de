"""What runs under a SharedInformer: its tasks, and who is told when something moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, count
from typing import Final, Generic

import anyio

from watchkit.core.errors import SyncTimeout
from watchkit.core.events import Added, Change, Updated
from watchkit.core.health import Health, HealthState
from watchkit.core.source import ListerWatcher
from watchkit.core.statistics import InformerStatistics
from watchkit.core.tally import Tally
from watchkit.informer.audit import Auditor
from watchkit.informer.cache import Cache
from watchkit.informer.handler import Handler, name_of
from watchkit.informer.indexes import Indexer
from watchkit.informer.life import Life
from watchkit.informer.outlet import Delivery, Outlet, Predicate
from watchkit.informer.outlets import Outlets
from watchkit.informer.preparing import Transform
from watchkit.informer.records import T, Trouble, Undecodable
from watchkit.informer.reflector import Reflector
from watchkit.informer.registration import OnError, Registration
from watchkit.informer.settings import Settings
from watchkit.informer.subscription import Subscription
from watchkit.informer.waits import Awaited
from watchkit.observe.log import Observer

_WORST_LAST: Final = (
    HealthState.WATCHING,
    HealthState.SYNCING,
    HealthState.RETRYING,
    HealthState.STALE,
    HealthState.FORBIDDEN,
    HealthState.NOT_SERVED,
    HealthState.STOPPED,
)


class Running(Generic[T]):
    """The reflectors, outlets and tasks of one informer, in one task group."""

    def __init__(
        self,
        sources: Sequence[ListerWatcher],
        settings: Settings,
        *,
        indexers: Mapping[str, Indexer[T]] | None,
        transform: Transform | None,
        model: type[T] | None,
    ) -> None:
        if not sources:
            raise ValueError("an informer needs a source")
        self.resource: str = sources[0].resource
        self.tally: Tally = Tally(self.resource)
        self.outlets: Outlets[T] = Outlets()
        self.life: Life = Life(self.resource, self._ended)
        self._settings = settings
        self._observer = Observer(
            self.resource, sources[0].namespace if len(sources) == 1 else None
        )
        self.cache: Cache[T] = Cache(
            report=self._report, indexers=indexers, transform=transform, model=model
        )
        self._reflectors: dict[str | None, Reflector[T]] = {}
        self._is_synced = False
        for source in sources:
            self.add_source(source)
        if settings.resync_period is not None:
            self.life.start(partial(self._resync, settings.resync_period))

    # Sources.

    @property
    def reflectors(self) -> list[Reflector[T]]:
        """One for each source."""
        return [*self._reflectors.values()]

    def add_source(self, source: ListerWatcher) -> None:
        """Let one more source fill the cache."""
        self.life.check()
        if source.resource != self.resource:
            raise ValueError(f"sources of two resources: {self.resource} and {source.resource}")
        memory = self.cache.add_source(source.namespace)
        reflector = Reflector(
            source, memory, self._settings, self.outlets, self._told, tally=self.tally
        )
        self._reflectors[source.namespace] = reflector
        self.life.start(reflector.run)
        if (period := self._settings.audit_period) is not None:
            auditor = Auditor(reflector, self.cache.store, self._settings, self._observer)
            self.life.start(partial(auditor.run, period))

    def remove_source(self, namespace: str | None) -> None:
        """Let go of a source and its objects."""
        self._reflectors.pop(namespace).detach()
        self._told(self.cache.remove_source(namespace))

    # What the cache tells.

    def _told(self, changes: Sequence[Change[T]]) -> None:
        """Pass on what has changed; the cache shows it already. Never waits."""
        if changes:
            self.outlets.offer(changes)
        if not self._is_synced and all(each.is_synced for each in self.reflectors):
            self._is_synced = True
            self.outlets.seal()
        self.life.notify()

    def _flush(self) -> None:
        """Leave nothing untold of what the cache shows."""
        for reflector in self.reflectors:
            reflector.flush()

    def _ended(self, failure: BaseException | None) -> None:
        self.outlets.close(failure)

    def _report(self, trouble: Trouble) -> None:
        if isinstance(trouble, Undecodable):
            version = trouble.resource_version
            self._observer.undecodable(trouble.key, version, trouble.error)
        else:
            self._observer.index_failed(trouble.index, trouble.key, trouble.error)

    # Handlers.

    def register(
        self,
        handler: Handler[T],
        *,
        name: str | None,
        predicate: Predicate[T] | None,
        delivery: Delivery,
        buffer: int,
        concurrency: int,
        on_error: OnError,
        replay: bool,
    ) -> Registration[T]:
        """Add a handler: all that is cached first, then every change."""
        self.life.check()

        def failed(error: Exception, change: Change[T]) -> None:
            self._observer.handler_failed(outlet.name, change.key, error)
            if on_error == "fail":
                self.life.fail(error)

        outlet = Outlet(
            self._unique(name or name_of(handler)),
            delivery=delivery,
            buffer=buffer,
            predicate=predicate,
            replay=replay,
            on_error=failed,
        )
        registration = Registration(
            handler,
            outlet,
            concurrency=concurrency,
            on_error=on_error,
            on_failure=failed,
            on_removed=self.outlets.remove,
        )
        self._attach(outlet)
        self.life.start(registration.run)
        return registration

    def subscription(
        self, *, delivery: Delivery, buffer: int, predicate: Predicate[T] | None
    ) -> Subscription[T]:
        """Make a subscription; it begins when it is entered."""

        def failed(error: Exception, change: Change[T]) -> None:
            self._observer.handler_failed(outlet.name, change.key, error)

        outlet = Outlet(
            self._unique("subscription"),
            delivery=delivery,
            buffer=buffer,
            predicate=predicate,
            on_error=failed,
        )
        return Subscription(outlet, attach=self._attach, detach=self.outlets.remove)

    def _attach(self, outlet: Outlet[T]) -> None:
        self.life.check()
        self._flush()
        outlet.offer(self._cached())
        if self._is_synced:
            outlet.seal()
        self.outlets.add(outlet)

    def _cached(self) -> list[Added[T]]:
        store = self.cache.store
        shown = [(value, store.meta(key)) for key, value in store.items()]
        return [Added(value, meta, initial=True) for value, meta in shown if meta is not None]

    def _unique(self, name: str) -> str:
        """Add the first free number: names are labels, and there may not be ever more."""
        taken = self.outlets.names()
        numbered = (f"{name}-{number}" for number in count(2))
        return next(each for each in chain([name], numbered) if each not in taken)

    async def _resync(self, period: float) -> None:
        due = anyio.current_time() + period
        while True:
            await anyio.sleep_until(due)
            due += period
            self._flush()
            shown = [(each.object, each.meta) for each in self._cached()]
            self.outlets.replay(
                [Updated(it, it, meta, replayed=True, old_meta=meta) for it, meta in shown]
            )

    # Waiting.

    async def wait_for_sync(self, timeout: float | None) -> None:
        """Wait for the first list of every source."""
        with anyio.move_on_after(timeout):
            await self.life.until(lambda: self._is_synced)
            return
        cause = self.health.cause
        why = f": {cause}" if cause is not None else ""
        raise SyncTimeout(f"{self.resource}: not synced after {timeout} s{why}", cause) from cause

    async def wait_for_version(self, wanted: Awaited) -> None:
        """Wait until the cache shows a version."""
        reflector = self._reflector_for(wanted)

        def is_reached() -> bool:
            meta = None if wanted.key is None else self.cache.store.meta(wanted.key)
            return wanted.is_reached(meta, reflector.version)

        if is_reached():
            return
        if not wanted.is_opaque:
            await self.life.until(is_reached)
            return
        before = reflector.relist(f"somebody waits for version {wanted.version}")
        await self.life.until(lambda: is_reached() or reflector.lists > before)

    def _reflector_for(self, wanted: Awaited) -> Reflector[T]:
        if wanted.key is None and len(self._reflectors) != 1:
            raise ValueError("a version alone says nothing of several sources: give the object")
        reflector = self._reflectors.get(wanted.namespace) or self._reflectors.get(None)
        if wanted.key is None:
            (reflector,) = self._reflectors.values()
        if reflector is None:
            raise ValueError(f"{wanted.key}: its namespace is not watched")
        return reflector

    # Health, and what was done.

    def statistics(self) -> InformerStatistics:
        """Count over all sources."""
        so_far = self.tally.statistics()
        ages = [age for each in self.reflectors if (age := each.progress_age) is not None]
        is_ended = self.life.is_ended
        return InformerStatistics(
            so_far.resource,
            so_far.watches,
            so_far.lists,
            so_far.events,
            progress_age=None if is_ended else max(ages, default=None),
            is_ended=is_ended,
            is_synced=self._is_synced,
            objects=len(self.cache.store),
            queued=self.outlets.queued(),
        )

    @property
    def health(self) -> Health:
        """The worst of the sources."""
        each = [reflector.health for reflector in self.reflectors]
        version = self.cache.store.resource_version
        if not each:
            state = HealthState.STOPPED if self.life.is_ended else HealthState.SYNCING
            return Health(state, None, 0, None, None, 0)
        worst = max(each, key=lambda health: _WORST_LAST.index(health.state))
        heard = [at for health in each if (at := health.last_progress) is not None]
        return replace(
            worst,
            state=HealthState.STOPPED if self.life.is_ended else worst.state,
            cause=worst.cause if self.life.failure is None else _shown(self.life.failure),
            last_progress=min(heard) if len(heard) == len(each) else None,
            resource_version=version,
            epoch=max(health.epoch for health in each),
            held_by=None if self.life.is_ended else self.outlets.held_by,
        )


def _shown(failure: BaseException) -> Exception | None:
    return failure if isinstance(failure, Exception) else None
