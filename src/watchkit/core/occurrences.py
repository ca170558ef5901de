"""What is to be said of which object, and what of that has been said: events before they leave."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Final, Generic, Literal, TypeAlias, TypeVar, assert_never

from watchkit.core.limits import Bucket

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED: Final = 4096
"""Objects and series kept in mind, as in client-go's event correlator."""

SERIES_ENDS: Final = 360.0
"""Seconds without a repetition after which the next one is a new event: client-go's finishTime."""

SIMILAR: Final = 10
SIMILAR_FOR: Final = 600.0
"""So many notes that differ, each within so many seconds of the last, are told one by one; the
rest as one series (client-go's aggregator)."""

SPAM_BURST: Final = 25
SPAM_QPS: Final = 1 / 300
"""What may be sent of one object: 25 at once, then one each five minutes (client-go's filter)."""

COMBINED: Final = "(combined from similar events): "


@dataclass(frozen=True, slots=True)
class Reference:
    """The object that an event is about (v1.ObjectReference)."""

    api_version: str
    kind: str
    name: str
    namespace: str | None = None
    uid: str = ""
    resource_version: str = ""

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes it the same object: not its version."""
        return (self.api_version, self.kind, self.namespace or "", self.name, self.uid)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened to an object."""

    regarding: Reference
    type: str
    reason: str
    action: str
    note: str

    @property
    def likeness(self) -> tuple[object, ...]:
        """What events have in common that differ in their notes."""
        return (self.regarding.identity, self.type, self.reason, self.action)


@dataclass(slots=True)
class Series:
    """One event at the server, or to be: `count` times it happened, `told` of them it knows."""

    occurrence: Occurrence
    suffix: str
    first: datetime
    last: datetime
    last_at: float
    count: int = 1
    told: int = 0
    attempts: int = 0
    retry_at: float = 0.0
    waits: bool = False
    key: tuple[object, ...] = field(default=())


class Dropped(Enum):
    """Why an event was not taken in."""

    FULL = "full"
    SPAM = "spam"


@dataclass(frozen=True, slots=True)
class Sending:
    """What to send next: a new event, or the count of one that is there."""

    series: Series
    what: Literal["create", "update"]
    count: int
    last: datetime


class Outcome(Enum):
    """What came of it."""

    DONE = "done"
    GONE = "gone"
    """The event to update is not there any more."""
    REFUSED = "refused"


Key: TypeAlias = tuple[object, ...]

_NO_NOTES: Final[tuple[frozenset[int], float]] = (frozenset(), -math.inf)


class _Recent(OrderedDict[K, V], Generic[K, V]):
    """The last few, by use."""

    def use(self, key: K) -> V | None:
        found = self.get(key)
        if found is not None:
            self.move_to_end(key)
        return found

    def keep(self, key: K, value: V) -> None:
        self[key] = value
        self.move_to_end(key)
        if len(self) > REMEMBERED:
            self.popitem(last=False)


class Outbox:
    """Events that wait to be sent, at most `capacity`; repetitions are counted, not queued.

    Pure: times are given, of one monotonic clock, in seconds; `wall` is only written down.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._series: _Recent[Key, Series] = _Recent()
        self._notes: _Recent[Key, tuple[frozenset[int], float]] = _Recent()
        self._buckets: _Recent[Key, Bucket] = _Recent()
        self._heap: list[tuple[float, int, Series]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        """How many events wait."""
        return len(self._heap)

    def add(
        self, occurrence: Occurrence, now: float, wall: datetime, suffix: str
    ) -> Dropped | None:
        """Take an event in; `suffix` makes a new one's name its own."""
        key, occurrence = self._combined(occurrence, now)
        series = self._series.use(key)
        if series is not None and now - series.last_at <= SERIES_ENDS:
            series.count += 1
            series.last, series.last_at = wall, now
            self._push(series, now)
            return None
        if len(self._heap) >= self._capacity:
            return Dropped.FULL
        if not self._take(occurrence, now):
            return Dropped.SPAM
        series = Series(occurrence, suffix, wall, wall, now, key=key)
        self._series.keep(key, series)
        self._push(series, now)
        return None

    def next(self, now: float) -> Sending | float | None:
        """Give what to send now, or the seconds until there is something; None: nothing waits."""
        while self._heap:
            at, _, series = self._heap[0]
            if at > now:
                return at - now
            heapq.heappop(self._heap)
            series.waits = False
            if not series.told:
                return Sending(series, "create", series.count, series.last)
            wait = self._wait(series.occurrence, now)
            if not wait:
                self._take(series.occurrence, now)
                return Sending(series, "update", series.count, series.last)
            self._push(series, now + wait)
        return None

    def hurry(self) -> None:
        """Let all that waits for its turn have it at once: there is no later."""
        waiting = [series for _, _, series in self._heap]
        self._heap.clear()
        self._buckets.clear()
        for series in waiting:
            series.waits = False
            self._push(series, series.retry_at)

    def settle(self, sent: Sending, outcome: Outcome, now: float) -> None:
        """Take in what came of it."""
        series = sent.series
        series.attempts = 0
        match outcome:
            case Outcome.DONE:
                series.told = sent.count
                if series.count > series.told:
                    self._push(series, now)
            case Outcome.GONE:
                # What happened since is told anew: an event lives for an hour at the server.
                series.count = max(1, series.count - series.told)
                series.told = 0
                series.first = series.last
                self._push(series, now)
            case Outcome.REFUSED:
                self._forget(series)
            case _:
                assert_never(outcome)

    def again(self, sent: Sending, now: float, delay: float) -> None:
        """Send it again after `delay` seconds."""
        series = sent.series
        series.attempts += 1
        series.retry_at = now + delay
        self._push(series, series.retry_at)

    def _push(self, series: Series, at: float) -> None:
        if not series.waits:
            series.waits = True
            heapq.heappush(self._heap, (at, next(self._order), series))

    def _forget(self, series: Series) -> None:
        if self._series.get(series.key) is series:
            del self._series[series.key]

    def _combined(self, occurrence: Occurrence, now: float) -> tuple[Key, Occurrence]:
        likeness, note = occurrence.likeness, occurrence.note
        notes, last = self._notes.use(likeness) or _NO_NOTES
        if now - last > SIMILAR_FOR:
            notes = _NO_NOTES[0]
        is_one_more = hash(note) not in notes and len(notes) >= SIMILAR
        self._notes.keep(likeness, (notes if is_one_more else notes | {hash(note)}, now))
        if is_one_more:
            return (*likeness, None), replace(occurrence, note=COMBINED + note)
        return (*likeness, note), occurrence

    def _wait(self, occurrence: Occurrence, now: float) -> float:
        return self._bucket(occurrence).wait(now)

    def _take(self, occurrence: Occurrence, now: float) -> bool:
        bucket = self._bucket(occurrence)
        if bucket.wait(now):
            return False
        self._buckets.keep(occurrence.regarding.identity, bucket.take(now))
        return True

    def _bucket(self, occurrence: Occurrence) -> Bucket:
        bucket = self._buckets.use(occurrence.regarding.identity)
        return bucket if bucket is not None else Bucket(SPAM_QPS, SPAM_BURST)
