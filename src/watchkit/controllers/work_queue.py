"""WorkQueue: keys that are to be worked on, each by one worker at a time, soon or later."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager, suppress
from typing import Generic, TypeVar

import anyio
import anyio.lowlevel

from watchkit.controllers.clock import Clock
from watchkit.core.counting import QueueTally
from watchkit.core.limiters import ItemExponential, Limiter, MaxOf, TokenBucket
from watchkit.core.queueing import Keys
from watchkit.core.statistics import QueueStatistics

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Gives out keys: none twice at once, the most urgent first, of these the longest waiting.

    A key that is added while it waits is given out once; one that is added while it is worked
    on, once more after that. What `get` gave is worked on until `done`; `processing` sees to it.
    There is no task behind it: who waits in `get` sees to the keys that are due later.
    To be used within one event loop, whichever it is.

    `rate_limiter` says how long a key that failed waits (`add_rate_limited`); the default is
    `MaxOf(ItemExponential(), TokenBucket())`, as in client-go. It belongs to this queue alone.
    By its `name` it is measured; a controller gives its own to a queue that has none.
    """

    def __init__(self, rate_limiter: Limiter[K] | None = None, *, name: str = "") -> None:
        if rate_limiter is None:
            rate_limiter = MaxOf(ItemExponential(), TokenBucket())
        self._limiter: Limiter[K] = rate_limiter
        self._tally = QueueTally(name)
        self._keys: Keys[K] = Keys(self._tally)
        self._clock = Clock()
        self._getters: dict[anyio.Event, None] = {}
        self._drained: anyio.Event | None = None
        self._is_aborted = False

    # Adding.

    def add(self, key: K, priority: int = 0) -> None:
        """Let a key wait to be given out; a closed queue ignores it.

        A key that waits already keeps its place. A higher priority lifts it, behind those that
        wait at that priority; a lower one changes nothing.
        """
        if self._keys.add(key, priority, anyio.current_time()):
            self._wake_one()

    def add_after(self, key: K, delay: float, priority: int | None = None) -> None:
        """Add a key in `delay` seconds; of several such times of one key, the earliest counts.

        It is added then whatever became of the key meanwhile. Without a delay it is added now.
        Without a priority it comes with that at which it is worked on, else with 0.

        Raises:
            ValueError: a delay that is not finite.

        """
        if not math.isfinite(delay):
            raise ValueError(f"delay is in seconds, not {delay!r}")
        if priority is None:
            priority = self._keys.priority_of(key)
        if delay <= 0:
            self.add(key, priority)
        elif self._keys.add_later(key, anyio.current_time() + delay, priority):
            self._wake_one()

    def add_rate_limited(self, key: K, priority: int | None = None) -> float:
        """Add a key that failed after as many seconds as the rate limiter says, and give these.

        The priority is that of `add_after`. A closed queue ignores it.
        """
        if self._keys.is_closed:
            return 0.0
        luck = random.random()  # noqa: S311 - jitter, no secret
        delay = self._limiter.delay(key, anyio.current_time(), luck)
        self._tally.retries += 1
        self.add_after(key, delay, priority)
        return delay

    def forget(self, key: K) -> None:
        """Let the rate limiter forget the failures of a key; what waits of it still waits."""
        self._limiter.forget(key)

    def failures(self, key: K) -> int:
        """How often a key was added by `add_rate_limited` since it was forgotten."""
        return self._limiter.failures(key)

    # Taking.

    async def get(self) -> K:
        """Wait for a key and take it; `done(key)` must follow. Cancelled, it has taken nothing.

        Raises:
            anyio.EndOfStream: the queue was closed, and nothing is left to be given out.

        """
        await anyio.lowlevel.checkpoint()
        while True:
            try:
                return self.get_nowait()
            except anyio.WouldBlock:
                await self._more()

    def get_nowait(self) -> K:
        """Take the next key; `done(key)` must follow.

        Raises:
            anyio.WouldBlock: there is none now.
            anyio.EndOfStream: the queue was closed, and nothing is left to be given out.

        """
        taken = self._keys.take(self._clock.read())
        if taken is None:
            raise anyio.EndOfStream if self._is_over else anyio.WouldBlock
        self._tally.queued.observe(taken.waited)
        self._pass_on()
        return taken.key

    def done(self, key: K) -> None:
        """End the work on a key: if it was added meanwhile, it waits to be given out again.

        Raises:
            ValueError: nobody works on it.

        """
        began = self._keys.done(key)
        self._tally.worked.observe(max(0.0, anyio.current_time() - began))
        self._pass_on()
        if self._drained is not None and self._keys.is_idle:
            self._drained.set()

    @asynccontextmanager
    async def processing(self) -> AsyncGenerator[K]:
        """Take a key as `get` does, for the time of the block; it is done however that ends."""
        key = await self.get()
        try:
            yield key
        finally:
            self.done(key)

    # Ending.

    def close(self) -> None:
        """Ignore what is added from now on; once all that waits was given out, `get` raises.

        A key that was added while it is worked on is still given out again. Those that were to
        come later don't come.
        """
        self._keys.close()
        self._pass_on()

    async def drain(self) -> None:
        """Close, and wait until all that waited has been worked on, or until `abort`."""
        self.close()
        if self._drained is None:
            self._drained = anyio.Event()
        if self._keys.is_idle or self._is_aborted:
            self._drained.set()
        await self._drained.wait()

    def abort(self) -> None:
        """Close, and drop all that waits: `get` raises at once, and `drain` waits no more."""
        self._is_aborted = True
        self._keys.abort()
        self._pass_on()
        if self._drained is not None:
            self._drained.set()

    # Looking.

    def __len__(self) -> int:
        """How many keys wait to be given out now."""
        with suppress(anyio.NoEventLoopError):  # nothing gets due where no time passes
            self._keys.promote(anyio.current_time())
        return len(self._keys)

    @property
    def name(self) -> str:
        """What it is called, "" for a queue that was not given a name."""
        return self._tally.name

    @name.setter
    def name(self, name: str) -> None:
        self._tally.name = name

    @property
    def tally(self) -> QueueTally:
        """The counters of what it has done, which outlive it."""
        return self._tally

    def statistics(self) -> QueueStatistics:
        """Count what it has done so far, and what it holds; may be read from any thread."""
        now = self._clock.seen()
        if self._clock.is_here:
            self._keys.promote(now)
        running = [max(0.0, now - began) for began in self._keys.began()]
        depth, later = self._keys.waiting(now)
        done = self._tally.statistics()
        return QueueStatistics(
            done.name,
            done.adds,
            done.retries,
            done.queue_duration,
            done.work_duration,
            depth=depth,
            later=later,
            processing=len(running),
            longest_running=max(running, default=0.0),
            unfinished_work=sum(running),
        )

    def __repr__(self) -> str:
        keys = self._keys
        name = f"{self.name} " if self.name else ""
        counts = f"ready={len(keys)} later={keys.later} processing={keys.running}"
        return f"<WorkQueue {name}{counts}{' closed' if keys.is_closed else ''}>"

    # Waiting. Whoever looks and finds nothing sleeps until the next key is due, or until woken;
    # whoever goes, with a key or cancelled, lets the next one look: so there is always one who
    # knows when to wake up.

    @property
    def _is_over(self) -> bool:
        return self._keys.is_closed and self._keys.is_drained

    async def _more(self) -> None:
        wake = anyio.Event()
        self._getters[wake] = None
        due = self._keys.due
        try:
            with anyio.CancelScope(deadline=math.inf if due is None else due):
                await wake.wait()
            await anyio.lowlevel.checkpoint_if_cancelled()  # woken, and cancelled at once
        except BaseException:
            self._getters.pop(wake, None)
            self._pass_on()
            raise
        self._getters.pop(wake, None)

    def _pass_on(self) -> None:
        if self._is_over:
            while self._getters:
                self._wake_one()
        elif len(self._keys) or self._keys.later:
            self._wake_one()

    def _wake_one(self) -> None:
        for wake in self._getters:
            del self._getters[wake]
            wake.set()
            return
