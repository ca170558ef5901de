"""Promise C7 as arithmetic: how many requests a watcher may start in a window of time."""

from bisect import bisect_right
from collections.abc import Sequence

from watchkit.core.backoff import Backoff

HAIR = 1e-6
"""Sums of floats do not come out even."""


def endless_failure(backoff: Backoff, hours: float = 1.1) -> list[float]:
    """When a watcher starts requests whose server always fails at once; no jitter."""
    times = [0.0]
    while times[-1] < hours * 3600 and len(times) < 20_000:
        times.append(times[-1] + backoff.delay(len(times) - 1, 0.0))
    return times


def excess(starts: Sequence[float], backoff: Backoff, longest: float = float("inf")) -> float:
    """By how much the worst window (up to `longest` seconds) passes the envelope; <= 0 if none."""
    failing = endless_failure(backoff)
    worst = float("-inf")
    for first, begin in enumerate(starts):
        for last in range(first, len(starts)):
            window = starts[last] - begin
            if window > longest:
                break
            allowed = 2 + bisect_right(failing, window + HAIR) + window
            worst = max(worst, last - first + 1 - allowed - HAIR)
    return worst
