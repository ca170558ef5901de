"""How many values were how large: a histogram with fixed bounds, and what it shows at a moment."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate, pairwise


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a histogram had counted at one moment.

    `cumulative` has one number for each of `bounds`, of the values that were at most as large,
    and a last one of all of them. So it is what Prometheus calls buckets, with `+Inf` at the end.
    """

    bounds: tuple[float, ...]
    cumulative: tuple[int, ...]
    sum: float

    @property
    def count(self) -> int:
        """How many values there were."""
        return self.cumulative[-1]

    def __add__(self, other: Distribution) -> Distribution:
        """Give the distribution of the values of both.

        Raises:
            ValueError: their bounds differ.

        """
        if self.bounds != other.bounds:
            raise ValueError(f"histograms of other bounds: {self.bounds} and {other.bounds}")
        counts = zip(self.cumulative, other.cumulative, strict=True)
        return Distribution(self.bounds, tuple(map(sum, counts)), self.sum + other.sum)


class Histogram:
    """Counts values by the smallest of `bounds` that is not below them.

    Counting takes no memory and never waits; `snapshot()` may be read from another thread.

    Raises:
        ValueError: bounds that do not rise, or are not finite.

    """

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        if not all(map(math.isfinite, bounds)) or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"the bounds of a histogram are finite and rise, unlike {bounds}")
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def snapshot(self) -> Distribution:
        """Give what was counted so far, as a value."""
        return Distribution(self._bounds, tuple(accumulate(self._counts)), self._sum)

    def __repr__(self) -> str:
        return f"<Histogram count={sum(self._counts)} sum={self._sum:g}>"
