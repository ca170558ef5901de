"""How long to wait after the n-th failure: a value that the caller names, compares, replaces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits: `initial * factor**attempt` seconds, at most `cap`, with jitter.

    Jitter "full" takes a random part of the wait (it spreads clients best), "equal" at least
    half of it, "none" all of it. The defaults are client-go's reflector (0.8 s doubling to
    30 s), with full jitter for its [1, 2).

    Raises:
        ValueError: a negative time, a factor below 1, or an unknown jitter.

    """

    initial: float = 0.8
    factor: float = 2.0
    cap: float = 30.0
    jitter: Literal["full", "equal", "none"] = "full"

    def __post_init__(self) -> None:
        times_are_right = 0 <= self.initial < math.inf and 0 <= self.cap < math.inf
        if not times_are_right or not 1 <= self.factor < math.inf:
            msg = f"initial and cap are seconds >= 0, factor is >= 1: {self!r}"
            raise ValueError(msg)
        if self.jitter not in {"full", "equal", "none"}:
            msg = f"jitter is full, equal or none, not {self.jitter!r}"
            raise ValueError(msg)

    def delay(self, attempt: int, luck: float) -> float:
        """Seconds to wait after failure number `attempt` (from 0), with `luck` in [0, 1)."""
        return self._jittered(self._grown(attempt), luck)

    def delay_at_cap(self, luck: float) -> float:
        """Seconds to wait where only somebody else's act can help: the longest, with jitter."""
        grows = self.initial > 0 and self.factor > 1
        return self._jittered(self.cap if grows else min(self.cap, self.initial), luck)

    def _jittered(self, whole: float, luck: float) -> float:
        if self.jitter == "full":
            return luck * whole
        return whole / 2 + luck * whole / 2 if self.jitter == "equal" else whole

    def _grown(self, attempt: int) -> float:
        """Compare in logarithms first: factor**attempt overflows where the cap is far below."""
        if self.initial == 0 or self.factor == 1 or self.initial >= self.cap:
            return min(self.cap, self.initial)
        room = math.log(self.cap) - math.log(self.initial)
        if attempt >= room / math.log(self.factor):
            return self.cap
        return min(self.cap, self.initial * self.factor**attempt)
