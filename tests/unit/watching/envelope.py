"""Promise C7 as a function: how many requests a watcher may send in any window of time."""

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
    sent, elapsed = 1, backoff.delay(0, luck)
    while elapsed <= window + HAIR:
        elapsed += backoff.delay(sent, luck)
        sent += 1
    return sent


def worst_excess(times: Sequence[float], backoff: Backoff, luck: float) -> tuple[float, str]:
    """Over all windows: by how many requests the worst one passes the envelope (below 0: none)."""
    worst = (float("-inf"), "no window")
    for count in range(1, len(times) + 1):
        window, start = min(
            (times[last] - times[last - count + 1], times[last - count + 1])
            for last in range(count - 1, len(times))
        )
        excess = count - 2 - of_endless_failure(backoff, window, luck) - window - HAIR
        worst = max(worst, (excess, f"{count} requests in {window:.3f} s from {start:.3f} s on"))
    return worst
