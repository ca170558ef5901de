"""RateLimiter: callers wait for their turn, first come, first served."""

from __future__ import annotations

import anyio

from watchkit.core.limits import Bucket
from watchkit.observe import calls


class RateLimiter:
    """Lets `burst` calls through at once, and `qps` more a second.

    Any W seconds see at most burst + qps * W calls begin.

    Raises:
        ValueError: a rate that is not above 0, or a burst below 1.

    """

    def __init__(self, qps: float, burst: int) -> None:
        self._bucket = Bucket(qps, burst)
        self._turn = anyio.Lock()
        self._acquired = 0

    async def acquire(self) -> None:
        """Wait for this caller's turn. Cancelled while waiting, it has taken nothing."""
        async with self._turn:  # fair: anyio's lock is handed on in the order of asking
            delay = self._bucket.wait(anyio.current_time())
            if delay:
                calls.limited(delay)
            while delay:
                await anyio.sleep(delay)
                delay = self._bucket.wait(anyio.current_time())
            self._bucket = self._bucket.take(anyio.current_time())
            self._acquired += 1

    @property
    def statistics(self) -> dict[str, int]:
        """How many were let through, and how many wait."""
        return {"acquired": self._acquired, "waiting": self._turn.statistics().tasks_waiting}

    def __repr__(self) -> str:
        bucket = self._bucket
        return f"<RateLimiter {bucket.qps:g}/s, burst {bucket.burst}, {self._acquired} acquired>"
