"""Which keys wait, which are worked on, which come later: a work queue without the waiting.

Three rules, which are client-go's: a key waits once, however often it is added; a key that is
worked on is not given out again before that is done; one that was added meanwhile is given out
once more then. Time comes in as numbers of one clock that never goes back, in seconds.
"""

from __future__ import annotations

import heapq
import math
from bisect import insort
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from watchkit.core.counting import QueueTally

K = TypeVar("K", bound=Hashable)

_SLACK: Final = 64
"""Entries of the heap that may be out of date before it is made anew."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A key that is to be given out: since when that is so, and how urgent it is."""

    since: float
    priority: int


@dataclass(frozen=True, slots=True)
class Taken(Generic[K]):
    """A key that was given out, and how long it had waited."""

    key: K
    waited: float


class Keys(Generic[K]):
    """Gives out the most urgent key, of these the one that waits longest, each key once at a time.

    Of a key that nobody has to do with any more, nothing is kept. The tally counts the times that
    a key began to wait.
    """

    def __init__(self, tally: QueueTally | None = None) -> None:
        self.tally: QueueTally = QueueTally() if tally is None else tally
        self.is_closed: bool = False
        self._ready: dict[K, int] = {}  # its priority
        self._order: dict[int, OrderedDict[K, float]] = {}  # since when, by priority
        self._priorities: list[int] = []  # of those that wait, ascending
        self._running: dict[K, Waiting] = {}
        self._again: dict[K, Waiting] = {}  # they are running, too
        self._later: dict[K, Waiting] = {}
        self._heap: list[tuple[float, int, K]] = []  # of _later; some entries are out of date
        self._pushes = 0  # keys need not compare: an earlier push comes first

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def running(self) -> int:
        """How many keys are worked on."""
        return len(self._running)

    @property
    def later(self) -> int:
        """How many keys wait for their time."""
        return len(self._later)

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits, and nothing that is worked on is to be given out again."""
        return not self._ready and not self._again

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits, and nothing is worked on."""
        return not self._ready and not self._running

    def began(self) -> list[float]:
        """When the work on each key that is worked on began."""
        return [each.since for each in self._running.copy().values()]

    def waiting(self, now: float) -> tuple[int, int]:
        """Give how many keys wait, those whose time has come too, and how many wait for theirs.

        Unlike `promote` this moves nothing, so another thread may ask.
        """
        later = self._later.copy()
        due = [key for key, each in later.items() if each.since <= now]
        new = sum(key not in self._ready and key not in self._running for key in due)
        return len(self._ready) + new, len(later) - len(due)

    def priority_of(self, key: K) -> int:
        """With what priority the key was given out; 0 if it is not worked on."""
        running = self._running.get(key)
        return 0 if running is None else running.priority

    def add(self, key: K, priority: int, now: float) -> bool:
        """Let a key wait from now on; whether there is one more to give out.

        One that waits already keeps its place, or takes the last one of a higher priority.
        """
        if self.is_closed:
            return False
        if key in self._running:
            self._run_again(key, priority, now)
            return False
        held = self._ready.get(key)
        if held is None:
            self.tally.adds += 1
            self._put(key, Waiting(now, priority))
            return True
        if priority > held:
            self._put(key, Waiting(self._drop(key), priority))
        return False

    def add_later(self, key: K, at: float, priority: int) -> bool:
        """Add a key when its time has come: the earliest of those said; whether it is the next.

        Of the priorities said, the highest counts.

        Raises:
            ValueError: that is no time.

        """
        if not math.isfinite(at):
            raise ValueError(f"a key is added at a time, not at {at!r}")
        if self.is_closed:
            return False
        held = self._later.get(key)
        if held is not None:
            priority = max(priority, held.priority)
            if held.since <= at:
                self._later[key] = Waiting(held.since, priority)
                return False
        due = self.due
        self._later[key] = Waiting(at, priority)
        self._push(key, at)
        return due is None or at < due

    @property
    def due(self) -> float | None:
        """When the time of the next of the later keys has come; None: there is none."""
        while self._heap:
            at, _, key = self._heap[0]
            held = self._later.get(key)
            if held is not None and held.since == at:
                return at
            heapq.heappop(self._heap)
        return None

    def promote(self, now: float) -> bool:
        """Let those later keys wait whose time has come; whether there are any."""
        any_came = False
        while (due := self.due) is not None and due <= now:
            _, _, key = heapq.heappop(self._heap)
            waiting = self._later.pop(key)
            any_came |= self.add(key, waiting.priority, waiting.since)
        return any_came

    def take(self, now: float) -> Taken[K] | None:
        """Give out a key, None where none is to be had; `done` must follow it."""
        self.promote(now)
        if not self._priorities:
            return None
        priority = self._priorities[-1]
        key = next(iter(self._order[priority]))
        waited = max(0.0, now - self._drop(key))
        self._running[key] = Waiting(now, priority)
        return Taken(key, waited)

    def done(self, key: K) -> float:
        """End the work on a key, and give when that began; if it was added meanwhile, it waits.

        Raises:
            ValueError: it is not worked on.

        """
        if key not in self._running:
            raise ValueError(f"done with {key!r}, which nobody works on")
        began = self._running.pop(key).since
        again = self._again.pop(key, None)
        if again is not None:
            self._put(key, again)
        return began

    def close(self) -> None:
        """Take nothing in any more; what was to come later does not come."""
        self.is_closed = True
        self._later.clear()
        self._heap.clear()

    def abort(self) -> None:
        """Close, and let go of all that waits; what is worked on is not given out again."""
        self.close()
        self._ready.clear()
        self._order.clear()
        self._priorities.clear()
        self._again.clear()

    def _run_again(self, key: K, priority: int, now: float) -> None:
        held = self._again.get(key)
        if held is None:
            self.tally.adds += 1
            self._again[key] = Waiting(now, priority)
        elif priority > held.priority:
            self._again[key] = Waiting(held.since, priority)

    def _put(self, key: K, waiting: Waiting) -> None:
        priority = waiting.priority
        if priority not in self._order:
            insort(self._priorities, priority)
            self._order[priority] = OrderedDict()
        self._ready[key] = priority
        self._order[priority][key] = waiting.since

    def _drop(self, key: K) -> float:
        priority = self._ready.pop(key)
        line = self._order[priority]
        since = line.pop(key)
        if not line:
            del self._order[priority]
            self._priorities.remove(priority)
        return since

    def _push(self, key: K, at: float) -> None:
        if len(self._heap) > 2 * len(self._later) + _SLACK:
            self._heap = [entry for entry in self._heap if self._is_current(entry)]
            heapq.heapify(self._heap)
        self._pushes += 1
        heapq.heappush(self._heap, (at, self._pushes, key))

    def _is_current(self, entry: tuple[float, int, K]) -> bool:
        at, _, key = entry
        held = self._later.get(key)
        return held is not None and held.since == at
