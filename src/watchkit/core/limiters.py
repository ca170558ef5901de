"""How long a key that failed waits: rate limiters, told what time it is and how lucky they are."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, Literal, Protocol, TypeAlias, TypeVar

from watchkit.core.backoff import Backoff
from watchkit.core.limits import Bucket

K_contra = TypeVar("K_contra", bound=Hashable, contravariant=True)

Jitter: TypeAlias = Literal["full", "equal", "none"]

_IDLE: Final = 3600.0
"""Seconds after which a key that failed, and was never heard of again, is forgotten at the least.

A queue cannot know that nobody will forget a key for it: without this, every object that failed
once and was deleted then would be remembered for good.
"""


class Limiter(Protocol[K_contra]):
    """What a work queue asks how long a key that failed is to wait.

    Times are seconds of one clock that never goes back; luck is in [0, 1).
    """

    def delay(self, key: K_contra, now: float, luck: float) -> float:
        """Count a failure of the key, and give the seconds until it is tried again."""
        ...

    def forget(self, key: K_contra) -> None:
        """Count from nothing again: the key is in trouble no more."""
        ...

    def failures(self, key: K_contra) -> int:
        """How often the key has failed since it was forgotten."""
        ...


class ItemExponential:
    """Waits that double with each failure of a key: 5 ms, 10 ms, ..., 1000 s (client-go's).

    Jitter, which client-go lacks, is that of `Backoff`: by default between half a wait and all
    of it. A key that does not fail for an hour, or for twice the cap, is forgotten.

    Raises:
        ValueError: a time below 0, or an unknown jitter.

    """

    def __init__(
        self, initial: float = 0.005, cap: float = 1000.0, *, jitter: Jitter = "equal"
    ) -> None:
        self._backoff = Backoff(initial, 2.0, cap, jitter)
        self._failures = _Failures(max(_IDLE, 2 * cap))

    def delay(self, key: Hashable, now: float, luck: float) -> float:
        """Count a failure of the key, and give the seconds until it is tried again."""
        return self._backoff.delay(self._failures.count(key, now) - 1, luck)

    def forget(self, key: Hashable) -> None:
        """Count from nothing again."""
        self._failures.forget(key)

    def failures(self, key: Hashable) -> int:
        """How often the key has failed since it was forgotten."""
        return self._failures.of(key)

    def __repr__(self) -> str:
        waits = f"{self._backoff.initial:g}..{self._backoff.cap:g} s"
        return f"<ItemExponential {waits}, {len(self._failures)} failing>"


class ItemFastSlow:
    """The first `attempts` failures of a key wait `fast` seconds each, all further ones `slow`.

    With jitter and forgetting as `ItemExponential` has them.

    Raises:
        ValueError: a time or a number below 0, or an unknown jitter.

    """

    def __init__(
        self, fast: float, slow: float, attempts: int, *, jitter: Jitter = "equal"
    ) -> None:
        if attempts < 0:
            raise ValueError(f"attempts is a number of failures, at least 0, not {attempts!r}")
        self._fast = Backoff(fast, 1.0, max(fast, slow), jitter)
        self._slow = Backoff(slow, 1.0, max(fast, slow), jitter)
        self._attempts = attempts
        self._failures = _Failures(max(_IDLE, 2 * fast, 2 * slow))

    def delay(self, key: Hashable, now: float, luck: float) -> float:
        """Count a failure of the key, and give the seconds until it is tried again."""
        is_fast = self._failures.count(key, now) <= self._attempts
        return (self._fast if is_fast else self._slow).delay(0, luck)

    def forget(self, key: Hashable) -> None:
        """Count from nothing again."""
        self._failures.forget(key)

    def failures(self, key: Hashable) -> int:
        """How often the key has failed since it was forgotten."""
        return self._failures.of(key)

    def __repr__(self) -> str:
        waits = f"{self._attempts} x {self._fast.initial:g} s, then {self._slow.initial:g} s"
        return f"<ItemFastSlow {waits}, {len(self._failures)} failing>"


class TokenBucket:
    """`burst` retries at once, and `qps` more a second, whichever keys they are of.

    Each takes a token, at need one that is still to come: the wait is until then.

    Raises:
        ValueError: a rate that is not above 0, or a burst below 1.

    """

    def __init__(self, qps: float = 10.0, burst: int = 100) -> None:
        self._bucket = Bucket(qps, burst)

    def delay(self, key: Hashable, now: float, luck: float) -> float:  # noqa: ARG002
        """Take a token, and give the seconds until it is there."""
        wait = self._bucket.wait(now)
        self._bucket = self._bucket.take(now)
        return wait

    def forget(self, key: Hashable) -> None:
        """Nothing is known of any key."""

    def failures(self, key: Hashable) -> int:  # noqa: ARG002
        """0: nothing is known of any key."""
        return 0

    def __repr__(self) -> str:
        return f"<TokenBucket {self._bucket.qps:g}/s, burst {self._bucket.burst}>"


class MaxOf(Generic[K_contra]):
    """The longest of the waits of several limiters, each of which counts every failure.

    Raises:
        ValueError: there are none.

    """

    def __init__(self, *limiters: Limiter[K_contra]) -> None:
        if not limiters:
            raise ValueError("MaxOf takes at least one limiter")
        self._limiters = limiters

    def delay(self, key: K_contra, now: float, luck: float) -> float:
        """Count a failure of the key, and give the seconds until it is tried again."""
        return max(each.delay(key, now, luck) for each in self._limiters)

    def forget(self, key: K_contra) -> None:
        """Let every limiter count from nothing again."""
        for each in self._limiters:
            each.forget(key)

    def failures(self, key: K_contra) -> int:
        """How often the key has failed since it was forgotten."""
        return max(each.failures(key) for each in self._limiters)

    def __repr__(self) -> str:
        return f"<MaxOf {' '.join(map(repr, self._limiters))}>"


class WithMaxWait(Generic[K_contra]):
    """The waits of another limiter, but never longer than `longest` seconds.

    Raises:
        ValueError: a time below 0.

    """

    def __init__(self, limiter: Limiter[K_contra], longest: float) -> None:
        if not 0 <= longest < math.inf:
            raise ValueError(f"longest is in seconds >= 0, not {longest!r}")
        self._limiter = limiter
        self._longest = longest

    def delay(self, key: K_contra, now: float, luck: float) -> float:
        """Count a failure of the key, and give the seconds until it is tried again."""
        return min(self._longest, self._limiter.delay(key, now, luck))

    def forget(self, key: K_contra) -> None:
        """Count from nothing again."""
        self._limiter.forget(key)

    def failures(self, key: K_contra) -> int:
        """How often the key has failed since it was forgotten."""
        return self._limiter.failures(key)

    def __repr__(self) -> str:
        return f"<WithMaxWait {self._longest:g} s of {self._limiter!r}>"


class _Failures:
    """How often each key has failed: those in trouble only, the one that failed last at the end."""

    def __init__(self, idle: float) -> None:
        self._idle = idle
        self._counts: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, key: Hashable, now: float) -> int:
        """Count a failure, and give how many that makes; forget what has been idle."""
        self._sweep(now)
        count = self.of(key) + 1
        self._counts[key] = (count, now)
        self._counts.move_to_end(key)
        return count

    def forget(self, key: Hashable) -> None:
        self._counts.pop(key, None)

    def of(self, key: Hashable) -> int:
        count, _ = self._counts.get(key, (0, 0.0))
        return count

    def _sweep(self, now: float) -> None:
        while self._counts:
            key, (_, last) = next(iter(self._counts.items()))
            if last + self._idle >= now:
                return
            del self._counts[key]
