"""How long to wait after the n-th failure: a value that the caller names, compares, replaces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

_MOST_ATTEMPTS = 1024.0
"""Beyond it factor**attempt says no more than the cap does, and floats overflow."""


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
        whole = self._whole(attempt)
        match self.jitter:
            case "full":
                return luck * whole
            case "equal":
                return whole / 2 + luck * whole / 2
            case "none":
                return whole

    def delay_at_cap(self, luck: float) -> float:
        """Seconds to wait where only somebody else's act can help: the cap, with jitter."""
        return self.delay(int(_MOST_ATTEMPTS), luck) if self.initial else 0.0

    def _whole(self, attempt: int) -> float:
        if self.initial == 0:
            return 0.0
        room = math.log(self.cap / self.initial) if self.cap else -math.inf
        growth = min(float(attempt), _MOST_ATTEMPTS) * math.log(self.factor)
        return self.cap if growth >= room else min(self.cap, self.initial * self.factor**attempt)
