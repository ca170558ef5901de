"""How many calls a second: a token bucket as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Bucket:
    """`burst` tokens at once, and `qps` more a second: any W seconds give burst + qps * W at most.

    Raises:
        ValueError: a rate that is not above 0, or a burst below 1.

    """

    qps: float
    burst: int
    tokens: float = math.nan
    at: float = -math.inf

    def __post_init__(self) -> None:
        if not 0 < self.qps < math.inf:
            raise ValueError(f"qps is a number of calls a second, above 0, not {self.qps!r}")
        if self.burst < 1 or self.burst != int(self.burst):
            raise ValueError(f"burst is a number of calls, at least 1, not {self.burst!r}")
        if math.isnan(self.tokens):
            object.__setattr__(self, "tokens", float(self.burst))

    def wait(self, now: float) -> float:
        """Seconds until a token is there, 0.0 where one is."""
        missing = 1.0 - self._filled(now)
        if missing <= 0.0:
            return 0.0
        # The smallest step that the clock can tell, lest a rounded wait never end.
        return max(missing / self.qps, 4 * math.ulp(abs(now)))

    def take(self, now: float) -> Bucket:
        """Give the bucket without the token that `wait(now)` said is there."""
        return replace(self, tokens=self._filled(now) - 1.0, at=now)

    def _filled(self, now: float) -> float:
        if self.at == -math.inf:
            return self.tokens
        return min(float(self.burst), self.tokens + max(0.0, now - self.at) * self.qps)
