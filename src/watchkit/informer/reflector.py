"""Reflector: keeps one source's part of a cache what the server has, and tells of the changes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Generic, cast

import anyio
import anyio.lowlevel

from watchkit.core.decoding import Verb
from watchkit.core.events import Added, Began, Bookmark, Change, Deleted, Relisted, Synced, Updated
from watchkit.core.health import Health, HealthState
from watchkit.core.listing import Listing
from watchkit.core.objects import Object
from watchkit.core.source import ListerWatcher
from watchkit.core.tally import Tally
from watchkit.informer.cache import SourceMemory
from watchkit.informer.outlets import Outlets
from watchkit.informer.records import T
from watchkit.informer.settings import Settings
from watchkit.watching.feed import Feed
from watchkit.watching.gathering import Marker

_AT_ONCE: Final = 4_000
"""Changes that are told before others run, over all handlers: two to four milliseconds."""

_CHANGES: Final[frozenset[type[object]]] = frozenset({Added, Updated, Deleted})


class Reflector(Generic[T]):
    """One list+watch under an informer; `on_news` is called after whatever moved the cache.

    `lists` counts the lists that were taken whole; `tally` counts for the whole informer.
    """

    def __init__(
        self,
        source: ListerWatcher,
        memory: SourceMemory[T],
        settings: Settings,
        outlets: Outlets[T],
        on_news: Callable[[Sequence[Change[T]]], None],
        *,
        tally: Tally,
    ) -> None:
        self.source = source
        self.tally: Tally = tally
        self.lists: int = 0
        self._memory = _Part(memory)
        self._feed: Feed[Change[T]] = settings.feed(source, self._memory, tally)
        self._outlets = outlets
        self._on_news = on_news
        self._pulls: anyio.CancelScope | None = None
        """The scope of many pulls: to make one for each lone event costs as much as the event."""
        self._is_pulling = False
        self._doubt: str | None = None
        self._scope: anyio.CancelScope | None = None

    @property
    def is_synced(self) -> bool:
        """Whether the first list has been taken, and told of."""
        return self.lists > 0

    @property
    def is_attached(self) -> bool:
        """Whether it still fills the cache."""
        return self._memory.is_attached

    @property
    def version(self) -> str | None:
        """The last version taken."""
        return self._feed.version

    @property
    def silence(self) -> float:
        """Seconds of waiting for the server since it was last heard of."""
        return self._feed.pulse.silence

    @property
    def progress_age(self) -> float | None:
        """Seconds since the server was last heard of, or first asked; None: not asked yet."""
        return self._feed.pulse.age

    @property
    def health(self) -> Health:
        """How this source is, judged now; an open watch whose first list is not whole syncs."""
        health = self._feed.health(self._feed.version)
        if health.state is HealthState.WATCHING and not self.is_synced:
            return replace(health, state=HealthState.SYNCING)
        return health

    async def run(self) -> None:
        """List and watch until cancelled.

        Raises:
            ApiError, ProtocolError: what no retry can heal (see `Feed.pull`).

        """
        with anyio.CancelScope() as self._scope:
            try:
                while self._memory.is_attached:
                    await self._pull_until_cancelled()
            finally:
                self._feed.close()

    def relist(self, why: str) -> int:
        """List anew, beginning after this call; what differs is told of as inferred.

        Returns how many lists there were before: once `lists` is more, this one is whole.
        """
        self.flush()
        self._doubt = why
        if self._is_pulling and self._pulls is not None:
            self._pulls.cancel()
        return self.lists

    @contextmanager
    def noting(self) -> Generator[set[str]]:
        """Note the keys of all events meanwhile, also of those that change nothing."""
        touched: set[str] = set()
        self._memory.touched = touched
        try:
            yield touched
        finally:
            self._memory.touched = None

    def flush(self) -> None:
        """Tell of everything that the cache shows already. Never waits."""
        self._take(self._feed.drain())

    def detach(self) -> None:
        """Stop, and touch the cache no more, whatever still comes."""
        self.flush()
        self._memory.is_attached = False
        if self._scope is not None:
            self._scope.cancel()  # first: a read that waits is to be left, not to break off
        self._feed.close()

    async def _pull_until_cancelled(self) -> None:
        with anyio.CancelScope() as self._pulls:
            while self._memory.is_attached:
                await self._pull()

    async def _pull(self) -> None:
        if self._feed.is_behind:  # of a long list: handlers, and all else, have their turn
            await anyio.lowlevel.checkpoint()
        else:
            await self._outlets.room()
        if self._doubt is not None:
            why, self._doubt = self._doubt, None
            self._feed.relist(why)
        most = max(1, _AT_ONCE // max(1, len(self._outlets)))
        self._is_pulling = True
        try:
            batch = await self._feed.pull(self._outlets.free, most)
        finally:
            self._is_pulling = False
        self._take(batch)

    def _take(self, batch: Sequence[Change[T] | Marker]) -> None:
        if not batch:
            return
        if _CHANGES.issuperset(map(type, batch)):
            self._on_news(cast("Sequence[Change[T]]", batch))
            return
        changes: list[Change[T]] = []
        for each in batch:
            if isinstance(each, Bookmark):
                self._memory.advance(each.resource_version)
            elif isinstance(each, Synced):
                self.lists += 1
            elif not isinstance(each, Relisted | Began):
                changes.append(each)
        self._on_news(changes)


class _Part(Generic[T]):
    """A source's memory that can be taken away from under a read which is still going on.

    `touched`, where there is one, gets the keys of all events.
    """

    def __init__(self, memory: SourceMemory[T]) -> None:
        self.is_attached = True
        self.touched: set[str] | None = None
        self._memory = memory

    def keep(self, subject: Object) -> object:
        return self._memory.keep(subject) if self.is_attached else None

    def apply(
        self, verb: Verb, subject: Object, asked: str | None
    ) -> Sequence[Change[T] | Bookmark]:
        if not self.is_attached:
            return ()
        changes = self._memory.apply(verb, subject, asked)
        if changes and self.touched is not None:
            self.touched.add(subject.key)
        return changes

    def replace(self, listing: Listing, *, initial: bool) -> Sequence[Change[T]]:
        return self._memory.replace(listing, initial=initial) if self.is_attached else ()

    def advance(self, version: str) -> None:
        if self.is_attached:
            self._memory.advance(version)

    def forget_versions(self) -> None:
        if self.is_attached:
            self._memory.forget_versions()
