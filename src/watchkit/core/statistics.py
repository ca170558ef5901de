"""What watchers and informers have done so far, as values that can be compared and measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

WatchEnd: TypeAlias = Literal[
    "ended", "expired", "idle", "disconnected", "garbled", "error", "restored", "left"
]
"""How a request for a watch came to its end.

`ended`: the server closed it, as it does every few minutes. `expired`: it no longer has the
version. `idle`: nothing came for too long. `disconnected`: refused, reset or broken off.
`garbled`: a frame could not be read. `error`: the server answered, or sent, another error.
`restored`: the store turned out to be an older one. `left`: nobody here wanted it any more.
"""

ListReason: TypeAlias = Literal["start", "expired", "given_up", "restored", "asked", "audit"]
"""Why a list was made.

`start`: nothing was known yet. `expired`: the server no longer had the version. `given_up`: it
did, but went wrong over it again and again. `restored`: the store turned out to be an older one.
`asked`: an audit found a difference, or somebody waits for a version that says nothing.
`audit`: to compare the cache with it.
"""

EventType: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]

WATCH_ENDS: Final[tuple[WatchEnd, ...]] = get_args(WatchEnd)
LIST_REASONS: Final[tuple[ListReason, ...]] = get_args(ListReason)
EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)


@dataclass(frozen=True, slots=True)
class WatchStatistics:
    """What a watcher has done so far; all numbers but `progress_age` only grow.

    `watches` that came to an end are counted by how, `lists` that the server answered by why (a
    streamed one too), `events` by their type: those told, so neither stale ones nor what had not
    changed, but initial and inferred ones; bookmarks as they came.

    `progress_age` is for how many seconds the server has not been heard of, from the first
    request on; None before that and once it `is_ended`.
    """

    resource: str
    watches: Mapping[WatchEnd, int]
    lists: Mapping[ListReason, int]
    events: Mapping[EventType, int]
    progress_age: float | None = None
    is_ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InformerStatistics(WatchStatistics):
    """What an informer has done so far, all its sources together, and what it holds now.

    `progress_age` is that of the source that has been silent for longest. `objects` are cached;
    `queued` changes wait, by the name of the handler or subscription that they wait for.
    """

    objects: int
    queued: Mapping[str, int]
