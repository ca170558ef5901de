"""The consumers of a run: each watches through its own tap, and writes down what it is told."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import anyio
import anyio.lowlevel

from tests.simulation.history import Held
from tests.simulation.reactions import AFTER_AN_ERROR
from tests.simulation.schedule import LEFT_OUT, NAMESPACES, Consumer, Interruption
from tests.simulation.tap import Tap
from tests.simulation.trace import Began, Diary, Marked, Raised, Sampled, Told
from watchkit import (
    Added,
    Bookmark,
    Change,
    Deleted,
    Event,
    ListerWatcher,
    Modified,
    Registration,
    Relisted,
    ResourceExpired,
    RetryWatcher,
    SharedInformer,
    Synced,
    Updated,
    WatchkitError,
)
from watchkit.core.metadata import ObjectMeta


@lru_cache(maxsize=512)
def held(meta: ObjectMeta) -> Held:
    """Read off what a view holds of an object; each is told of and looked at many times."""
    content = (meta.annotations or {}).get("n", "")
    app = (meta.labels or {}).get("app", "")
    return Held(meta.key, meta.uid, meta.resource_version, app, content)


def told(event: Added | Modified | Updated | Deleted, now: float) -> Told:
    """Write an event or a change down."""
    old = held(event.old.meta) if isinstance(event, Updated) else None
    return Told(
        now,
        event.type,
        held(event.meta),
        old,
        event.initial,
        event.inferred,
        event.replayed,
        event.resume_version,
    )


class WatcherConsumer:
    """Reads a RetryWatcher; stores where it is, and begins there again after a restart."""

    def __init__(self, consumer: Consumer, source: Sourced, diary: Diary) -> None:
        self._consumer = consumer
        self._source = source(consumer.namespace)
        self._tap: Tap | None = None
        self._diary = diary
        self._records = diary.of("watcher")
        self._ahead = list(consumer.interruptions)
        self._stored: str | None = None
        self._waiting_since = 0.0
        self._watcher: RetryWatcher | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            options = self._consumer.options
            if self._stored is not None:
                options = replace(options, resource_version=self._stored)
            self._records.append(Began(anyio.current_time(), self._stored))
            self._tap = Tap(self._source, self._diary)
            watcher = RetryWatcher(
                self._tap,
                options,
                replay_existing=self._consumer.replay and self._stored is None,
                on_expired=self._consumer.on_expired,
                backoff=self._consumer.backoff,
                idle_timeout=self._consumer.idle_timeout,
            )
            async with watcher:
                self._watcher = watcher
                await self._read(watcher)

    @property
    def position(self) -> int:
        """The last version that it has finished, 0 at none."""
        version = self._watcher.resource_version if self._watcher else None
        return int(version or 0)

    def sample(self) -> None:
        """Look at it."""
        if self._watcher is None or self._tap is None:
            return
        tap, state = self._tap, self._watcher.health.state.value
        self._diary.samples.append(
            Sampled(
                anyio.current_time(),
                state,
                tap.heard,
                tap.served,
                self._waiting_since,
                tap.bookmarked,
                None,
                None,
            )
        )

    async def _read(self, watcher: RetryWatcher) -> None:
        markers = watcher.with_markers()
        while True:
            until = self._ahead[0].at if self._ahead else float("inf")
            rest = 0.0
            with anyio.CancelScope(deadline=until) as scope:
                try:
                    await self._note(await anext(markers))
                except ResourceExpired as error:
                    self._raised(error)
                    with contextlib.suppress(ResourceExpired):
                        await anext(markers)
                        self._records.append(Raised(anyio.current_time(), "only once"))
                    self._stored = None
                    return
                except WatchkitError as error:
                    self._raised(error)
                    rest = AFTER_AN_ERROR
            await anyio.sleep(rest)
            if scope.cancelled_caught or anyio.current_time() >= until:
                interruption = self._ahead.pop(0)
                if await self._interrupted(interruption):
                    return

    def _raised(self, error: WatchkitError) -> None:
        self._records.append(Raised(anyio.current_time(), type(error).__name__))

    async def _interrupted(self, interruption: Interruption) -> bool:
        if interruption.how == "slow":
            self._waiting_since = float("inf")
            await anyio.sleep(interruption.seconds)
            self._waiting_since = anyio.current_time()
        return interruption.how == "restart"

    async def _note(self, event: Event) -> None:
        now = anyio.current_time()
        match event:
            case Relisted(version):
                self._records.append(Marked(now, "relisted", version))
            case Synced(version):
                self._records.append(Marked(now, "synced", version))
                self._stored = version
            case Bookmark(version):
                self._records.append(Marked(now, "bookmark", version))
                self._stored = version
            case _:
                self._records.append(told(event, now))
                self._stored = event.resume_version or self._stored


class InformerConsumer:
    """Runs a SharedInformer with handlers of every pace and temper, and a subscription."""

    def __init__(self, consumer: Consumer, source: Sourced, diary: Diary) -> None:
        self._consumer = consumer
        spaces = NAMESPACES if consumer.is_split else [consumer.namespace]
        self._sources = [source(space) for space in spaces]
        self._taps: list[Tap] = []
        self._diary = diary
        self._ahead = [each for each in consumer.interruptions if each.how == "restart"]
        self._paces = random.Random(consumer.late_at)  # noqa: S311 - no secret
        self._informer: SharedInformer | None = None
        self._busy = False

    async def run(self) -> None:
        """Run informers, one after the other, until cancelled."""
        life = 0
        while True:
            until = self._ahead.pop(0).at if self._ahead else float("inf")
            with anyio.CancelScope(deadline=until):
                try:
                    await self._live(life)
                except WatchkitError as error:
                    name = type(error).__name__
                    self._diary.of("informer").append(Raised(anyio.current_time(), name))
                    await anyio.sleep(AFTER_AN_ERROR)
            self._informer = None
            life += 1
            await anyio.lowlevel.checkpoint()

    @property
    def position(self) -> int:
        """The version of its cache, 0 at none."""
        version = self._informer.store.resource_version if self._informer else None
        return int(version or 0)

    def sample(self) -> None:
        """Look at it: its cache at its version, if it has any."""
        informer = self._informer
        if informer is None:
            return
        health = informer.health
        version = informer.store.resource_version
        cached = {key: held(meta) for key in informer.store if (meta := informer.store.meta(key))}
        now = anyio.current_time()
        self._diary.samples.append(
            Sampled(
                now,
                health.state.value,
                min(tap.heard for tap in self._taps),
                min(tap.served for tap in self._taps),
                now - max(tap.waited for tap in self._taps),
                all(tap.bookmarked for tap in self._taps),
                version,
                cached,
            )
        )

    async def _live(self, life: int) -> None:
        consumer = self._consumer
        self._taps = [Tap(source, self._diary) for source in self._sources]
        informer = SharedInformer(
            self._taps,
            consumer.options,
            initial_list=consumer.initial_list,
            backoff=consumer.backoff,
            idle_timeout=consumer.idle_timeout,
            audit_period=consumer.audit_period,
            resync_period=consumer.resync_period,
        )
        async with informer:
            self._informer = informer
            early = self._add_handlers(informer, life)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._late, informer, early, life)
                async with informer.subscribe() as changes:
                    records = self._diary.of(f"subscription {life}")
                    async for change in changes:
                        records.append(told(change, anyio.current_time()))

    def _add_handlers(self, informer: SharedInformer, life: int) -> Sequence[Registration]:
        return [
            informer.add_event_handler(on_change=self._noting(f"quick {life}")),
            informer.add_event_handler(
                on_change=self._slowly(f"slow {life}"),
                concurrency=2,
                predicate=_is_picked if self._consumer.picky else None,
            ),
            informer.add_event_handler(
                on_change=self._noting(f"every {life}"), delivery="every", buffer=50
            ),
            informer.add_event_handler(on_change=self._raising(f"raising {life}")),
        ]

    async def _late(
        self, informer: SharedInformer, early: Sequence[Registration], life: int
    ) -> None:
        await anyio.sleep_until(max(self._consumer.late_at, anyio.current_time()))
        early[3].remove()
        informer.add_event_handler(
            on_change=self._slowly(f"late {life}"), delivery="every", buffer=3
        )

    def _noting(self, name: str) -> Callable[[Change], None]:
        records = self._diary.of(name)

        def note(change: Change) -> None:
            records.append(told(change, anyio.current_time()))

        return note

    def _raising(self, name: str) -> Callable[[Change], None]:
        records = self._diary.of(name)

        def note(change: Change) -> None:
            records.append(told(change, anyio.current_time()))
            raise RuntimeError(change.key)

        return note

    def _slowly(self, name: str) -> Callable[[Change], Awaitable[None]]:
        records = self._diary.of(name)
        running: set[str] = set()

        async def note(change: Change) -> None:
            assert change.key not in running, f"two calls at once for {change.key}"
            running.add(change.key)
            try:
                records.append(told(change, anyio.current_time()))
                await anyio.sleep(self._paces.choice([0.0, 0.0, 0.3, 4.0]))
            finally:
                running.discard(change.key)

        return note


Sourced = Callable[[str | None], ListerWatcher]
"""Gives the source of a namespace, None for all of them."""

Consuming = WatcherConsumer | InformerConsumer


def _is_picked(change: Change) -> bool:
    return change.name != LEFT_OUT


def consuming(consumer: Consumer, source: Sourced, diary: Diary) -> Consuming:
    """Make a consumer of a schedule."""
    if consumer.kind == "watcher":
        return WatcherConsumer(consumer, source, diary)
    return InformerConsumer(consumer, source, diary)


def is_wanted(consumer: Consumer, each: Held) -> bool:
    """Whether an object is one that the consumer asks for."""
    in_namespace = consumer.namespace is None or each.key.startswith(f"{consumer.namespace}/")
    return in_namespace and (consumer.app is None or each.app == consumer.app)
