"""Counts what a list+watch does: how its watches end, why it lists, what it tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from watchkit.core import errors
from watchkit.core.events import Added, Deleted, Modified, Updated
from watchkit.core.position import Doubted, Ended, Failed, Lacking, Restored, Signal
from watchkit.core.statistics import (
    EVENT_TYPES,
    LIST_REASONS,
    WATCH_ENDS,
    EventType,
    ListReason,
    WatchEnd,
    WatchStatistics,
)

_TYPES: Final[dict[type[object], EventType]] = {
    Added: "ADDED",
    Modified: "MODIFIED",
    Updated: "MODIFIED",
    Deleted: "DELETED",
}
_NO_WATCHES: Final[Mapping[WatchEnd, int]] = dict.fromkeys(WATCH_ENDS, 0)
_NO_LISTS: Final[Mapping[ListReason, int]] = dict.fromkeys(LIST_REASONS, 0)


class Tally:
    """Plain counters of one watcher or informer, which outlive it.

    Whoever sums up over many of them (as metrics do) keeps the tally, not the watcher. It may be
    read from another thread.
    """

    def __init__(self, resource: str) -> None:
        self.resource: str = resource
        # Shared until there is something to count: of a thousand idle watches, none has any.
        self._watches: Mapping[WatchEnd, int] = _NO_WATCHES
        self._lists: Mapping[ListReason, int] = _NO_LISTS
        self._bookmarks = 0
        self._told: defaultdict[type[object], int] = defaultdict(int)

    def watch_ended(self, end: WatchEnd) -> None:
        """Count a request for a watch that came to its end."""
        self._watches = {**self._watches, end: self._watches[end] + 1}

    def listed(self, reason: ListReason) -> None:
        """Count a list that the server answered."""
        self._lists = {**self._lists, reason: self._lists[reason] + 1}

    def told(self, batch: Sequence[object]) -> None:
        """Count the events, or changes, of a batch; markers among them are none."""
        kinds = set(map(type, batch))
        if len(kinds) == 1:
            self._told[kinds.pop()] += len(batch)
            return
        for each in batch:
            self._told[type(each)] += 1

    def bookmarked(self, count: int) -> None:
        """Count bookmarks of the server."""
        self._bookmarks += count

    def statistics(self) -> WatchStatistics:
        """Give what was counted so far."""
        events = dict.fromkeys(EVENT_TYPES, 0)
        events["BOOKMARK"] = self._bookmarks
        for kind, count in self._told.copy().items():
            if kind in _TYPES:
                events[_TYPES[kind]] += count
        return WatchStatistics(self.resource, {**self._watches}, {**self._lists}, events)

    def __repr__(self) -> str:
        counted = sum(self._watches.values()), sum(self._lists.values())
        return f"<Tally {self.resource} watches={counted[0]} lists={counted[1]}>"


def end_of(signal: Signal) -> WatchEnd:
    """Say how a watch ended, from what its driver saw then."""
    match signal:
        case Ended():
            return "ended"
        case Restored():
            return "restored"
        case Failed(error) | Lacking(_, error):
            return _failed(error)
        case _:
            return "left"


def reason_of(signal: Signal, *, gap: bool) -> ListReason:
    """Say why a list is to be made after a signal; `gap` where it is not the first one."""
    match signal:
        case _ if not gap:
            return "start"
        case Doubted():
            return "asked"
        case Restored():
            return "restored"
        case Failed(errors.ResourceExpired()):
            return "expired"
        case _:
            return "given_up"


def _failed(error: errors.WatchkitError) -> WatchEnd:
    match error:
        case errors.ResourceExpired():
            return "expired"
        case errors.IdleTimeout():
            return "idle"
        case errors.TransportError():
            return "disconnected"
        case errors.ProtocolError():
            return "garbled"
        case _:
            return "error"
