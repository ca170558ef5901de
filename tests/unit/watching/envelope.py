"""Promise C7 as a function: how many requests a watcher may send in any window of time."""

from bisect import bisect_right
from collections.abc import Sequence

from watchkit import Backoff
from watchkit.testing import ApiRequest

HAIR = 1e-6
"""Sums of floats do not come out even."""


def starts(requests: Sequence[ApiRequest]) -> list[float]:
    """When lists and watches began; later pages and probes are not counted."""
    return [each.time for each in requests if "continue" not in each.query and not is_probe(each)]


def is_probe(request: ApiRequest) -> bool:
    """Whether this is the list beside a watch."""
    return request.verb == "list" and request.query.get("limit") == "1"


def of_endless_failure(backoff: Backoff, window: float, luck: float) -> int:
    """How many requests a watcher sends in `window` seconds to a server that always fails."""
    return bisect_right(_in_endless_failure(backoff, window, luck), window + HAIR)


def _in_endless_failure(backoff: Backoff, window: float, luck: float) -> list[float]:
    """When it sends them, with the first one after the window, too."""
    sent = [0.0]
    while sent[-1] <= window + HAIR:
        sent.append(sent[-1] + backoff.delay(len(sent) - 1, luck))
    return sent


def worst_excess(times: Sequence[float], backoff: Backoff, luck: float) -> tuple[float, str]:
    """Over all windows: by how many requests the worst one passes the envelope (below 0: none)."""
    worst = (float("-inf"), "no window")
    whole = times[-1] - times[0] if times else 0.0
    sent = _in_endless_failure(backoff, whole, luck)
    for count in range(1, len(times) + 1):
        window, start = min(
            (times[last] - times[last - count + 1], times[last - count + 1])
            for last in range(count - 1, len(times))
        )
        excess = count - 2 - bisect_right(sent, window + HAIR) - window - HAIR
        worst = max(worst, (excess, f"{count} requests in {window:.3f} s from {start:.3f} s on"))
    return worst
