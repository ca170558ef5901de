"""All outlets of one informer: told of the same changes; one may hold the watch back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Generic

import anyio

from watchkit.core.events import Change, Updated
from watchkit.informer.outlet import Outlet
from watchkit.informer.records import T


class Outlets(Generic[T]):
    """The outlets of handlers and subscriptions; an outlet never waits for another."""

    def __init__(self) -> None:
        self._all: dict[Outlet[T], None] = {}
        self._bounded: dict[Outlet[T], None] = {}
        self._room: anyio.Event | None = None

    def __len__(self) -> int:
        return len(self._all)

    def names(self) -> set[str]:
        """The names in use."""
        return {each.name for each in self._all}

    def queued(self) -> Counter[str]:
        """Count the changes that wait, by the name of whom they wait for."""
        waiting: Counter[str] = Counter()
        for outlet in tuple(self._all):
            waiting[outlet.name] += len(outlet.queue)
        return waiting

    def add(self, outlet: Outlet[T]) -> None:
        """Tell one more of all that comes from now on."""
        self._all[outlet] = None
        if outlet.queue.free is not None:
            self._bounded[outlet] = None
            outlet.on_room = self._check_room

    def remove(self, outlet: Outlet[T]) -> None:
        """Tell one no more."""
        self._all.pop(outlet, None)
        self._bounded.pop(outlet, None)
        self._check_room()

    def offer(self, changes: Sequence[Change[T]]) -> None:
        """Tell all of them."""
        if self._all:
            distinct = _are_distinct(changes)
            for outlet in tuple(self._all):
                outlet.offer(changes, distinct=distinct)

    def replay(self, changes: Sequence[Updated[T]]) -> None:
        """Let all of them handle the cache once more."""
        for outlet in tuple(self._all):
            outlet.replay(changes)

    def seal(self) -> None:
        """Tell all of them that the first list is complete."""
        for outlet in tuple(self._all):
            outlet.seal()

    def close(self, error: BaseException | None) -> None:
        """End all of them."""
        for outlet in tuple(self._all):
            outlet.close(error)

    @property
    def unfinished(self) -> int:
        """How many keys wait for a reader, or are with one."""
        return sum(len(each.queue.keys()) for each in self._all)

    @property
    def held_by(self) -> str | None:
        """The name of an outlet whose full buffer holds the watch back now."""
        if self._room is None:
            return None
        return next((each.name for each in self._bounded if each.queue.free == 0), None)

    async def room(self) -> None:
        """Wait until every buffer has room."""
        while self.free() == 0:
            self._room = self._room or anyio.Event()
            await self._room.wait()

    def free(self) -> int | None:
        """For how many changes every buffer has room now; None: for all that come."""
        bounds = [free for each in self._bounded if (free := each.queue.free) is not None]
        return min(bounds, default=None)

    def _check_room(self) -> None:
        if self._room is not None and self.free() != 0:
            self._room.set()
            self._room = None


def _are_distinct(changes: Sequence[Change[T]]) -> bool:
    """Whether no two are of one key; names alone tell in most cases, and need not be joined."""
    count = len(changes)
    return len({it.meta.name for it in changes}) == count or (
        len({it.meta.key for it in changes}) == count
    )
