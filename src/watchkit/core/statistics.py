"""What has been done so far, as values to compare and measure: watches, queues, reconciles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from watchkit.core.histogram import Distribution

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

ReconcileResult: TypeAlias = Literal[
    "success", "requeue_after", "error", "timeout", "terminal", "cancelled"
]
"""What came of a reconcile.

`success`: all is well. `requeue_after`: likewise, and it asked to come again. `error`: it raised.
`timeout`: it took too long. `terminal`: it raised `TerminalError`, so it is not tried again.
`cancelled`: it was still at work at the end of the grace period.
"""

ControllerState: TypeAlias = Literal["stopped", "waiting", "working", "draining"]
"""What a controller is doing.

`stopped`: it is not run, as in a replica that waits for its turn. `waiting`: what it watches has
not synced yet. `working`: it reconciles. `draining`: it takes no key any more, and lets the
reconciles that are at work end.
"""

RECONCILE_RESULTS: Final[tuple[ReconcileResult, ...]] = get_args(ReconcileResult)
FAILURES: Final[tuple[ReconcileResult, ...]] = ("error", "timeout", "terminal")

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
    `queued` changes wait, by the name of the handler or subscription that they wait for. Once it
    `is_synced` it stays so: all that was there has been listed.
    """

    objects: int
    queued: Mapping[str, int]
    is_synced: bool = False


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """What a work queue has done so far; all of it only grows, times are in seconds.

    `name` is the queue's, "" where it has none. `adds` counts the times that a key began to wait,
    `retries` those that were rate-limited. `queue_duration` is how long keys waited from when
    they were due, `work_duration` how long they were worked on.
    """

    name: str
    adds: int
    retries: int
    queue_duration: Distribution
    work_duration: Distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatistics(QueueCounts):
    """What a work queue has done so far, and what it holds now.

    `depth` keys wait to be given out, `later` ones wait for their time, `processing` are worked
    on: the longest for `longest_running`, all together for `unfinished_work`.
    """

    depth: int
    later: int
    processing: int
    longest_running: float
    unfinished_work: float


@dataclass(frozen=True, slots=True)
class ReconcileCounts:
    """What came of the reconciles of a controller so far; all of it only grows.

    `results` counts those that ended, by outcome; what did not occur may be missing. `duration`
    is how long they took, in seconds.
    """

    controller: str
    results: Mapping[ReconcileResult, int]
    duration: Distribution

    @property
    def errors(self) -> int:
        """How many reconciles failed, however."""
        return sum(self.results.get(each, 0) for each in FAILURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerStatistics(ReconcileCounts):
    """What a controller has done so far, over all its runs, and what it is doing.

    `running` reconciles are at work, on at most `workers` at once.
    """

    state: ControllerState
    workers: int
    running: int
    queue: QueueStatistics
