"""An outlet: one handler's or subscription's own way out of the cache, at its own pace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Literal, TypeAlias

import anyio

from watchkit.core.errors import WatchkitError
from watchkit.core.events import Change, Updated
from watchkit.informer.queues import Every, Latest, Queue
from watchkit.informer.records import T

Delivery: TypeAlias = Literal["latest", "every"]
Predicate: TypeAlias = Callable[[Change[T]], bool]


class Outlet(Generic[T]):
    """Takes in what the cache tells, without waiting; gives it out when its reader asks.

    `initial` changes are counted: once all have been handled, the outlet is `synced`.
    `on_error` is told of a predicate that raises; its change is left out.
    """

    def __init__(
        self,
        name: str,
        *,
        delivery: Delivery,
        buffer: int,
        predicate: Predicate[T] | None,
        replay: bool = True,
        on_error: Callable[[Exception, Change[T]], None],
    ) -> None:
        if delivery not in {"latest", "every"}:
            raise ValueError(f"delivery is 'latest' or 'every', not {delivery!r}")
        if buffer < 1:
            raise ValueError(f"buffer must be at least 1 change, not {buffer}")
        self.name = name
        self.queue: Queue[T] = Every(buffer)
        if delivery == "latest":
            self.queue = Latest(remembers=predicate is not None)
        self.is_open: bool = True
        self.error: BaseException | None = None
        self.synced: anyio.Event = anyio.Event()
        self.peak: int = 0
        self.received: int = 0
        self._predicate = predicate
        self._replay = replay
        self._on_error = on_error
        self.on_room: Callable[[], None] | None = None
        self._initial: set[str] = set()
        self._is_sealed = False
        self._is_synced = False
        self._wake: anyio.Event | None = None

    def offer(self, changes: Sequence[Change[T]], *, distinct: bool = False) -> None:
        """Take changes in, those that are wanted; `distinct`: no two are of one key."""
        if not self.is_open:
            return
        if self._predicate is not None or not self._replay:
            changes = [change for change in changes if self._wants(change)]
        if not self._is_synced:
            self._put_unsynced(changes)
        else:
            self.queue.put_all(changes, distinct=distinct)
        self.received += len(changes)
        self.peak = max(self.peak, len(self.queue))
        self.notify()

    def replay(self, changes: Sequence[Updated[T]]) -> None:
        """Take the cache in once more, save the keys of which something waits anyway."""
        keys = self.queue.keys()
        self.offer([change for change in changes if change.key not in keys])

    def seal(self) -> None:
        """No more initial changes come: the first list has been told of."""
        self._is_sealed = True
        self._check_synced()

    def take(self) -> Change[T] | None:
        """Give the next change, None where there is none now; `done` must follow it."""
        if not self.is_open:
            return None
        change = self.queue.take()
        if self.on_room is not None:
            self.on_room()
        return change

    def done(self, change: Change[T]) -> None:
        """Count a change as handled, whatever came of it."""
        key = change.meta.key
        self.queue.done(key)
        if not self._is_synced:
            self._initial.discard(key)
            self._check_synced()

    def each(self, most: int) -> Iterator[Change[T]]:
        """Give what there is now, `most` changes at most; each is done when the next is asked for.

        Fewer than that mean that there is nothing to take any more.
        """
        left = most - (yield from self.queue.run(most))
        while left and (change := self.take()) is not None:
            left -= 1
            yield change
            self.done(change)

    async def more(self) -> None:
        """Wait until there may be something to take, or never will be."""
        if self._wake is None:
            self._wake = anyio.Event()
        await self._wake.wait()

    def notify(self) -> None:
        """Wake whoever waits for more."""
        if self._wake is not None:
            self._wake.set()
            self._wake = None

    def close(self, error: BaseException | None = None) -> None:
        """End: what waits is dropped, and nothing is taken in any more."""
        if not self.is_open:
            return
        self.is_open = False
        self.error = error
        self.queue.clear()
        self.notify()
        if self.on_room is not None:
            self.on_room()
        if not self._is_synced:
            self.error = error or WatchkitError(f"{self.name} ended before it had synced")
            self._is_synced = True
            self.synced.set()

    def _put_unsynced(self, changes: Sequence[Change[T]]) -> None:
        put, initial = self.queue.put, self._initial
        for change in changes:
            if change.initial:
                put(change)
                initial.add(change.meta.key)
                continue
            before = len(self.queue)
            put(change)
            if len(self.queue) < before:  # came, and went before it was handled
                initial.discard(change.meta.key)
        self._check_synced()

    def _wants(self, change: Change[T]) -> bool:
        if change.initial and not self._replay:
            return False
        if self._predicate is None:
            return True
        try:
            return bool(self._predicate(change))
        except Exception as error:  # noqa: BLE001 - a caller's function
            self._on_error(error, change)
            return False

    def _check_synced(self) -> None:
        if self._is_sealed and not self._initial:
            self._is_synced = True
            self.synced.set()
