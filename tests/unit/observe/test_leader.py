"""What an election logs: levels and keys, as docs/logging.md has them."""

import inspect
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from tests.unit.observe.test_documented import documented
from watchkit.observe.leader import LeaseObserver

OBSERVER = LeaseObserver("web", "shop", "a")
SAID: dict[str, Callable[[], None]] = {
    "lease.waiting": lambda: OBSERVER.waiting("b"),
    "lease.acquire_failed": lambda: OBSERVER.acquire_failed(1, 2.0, "no"),
    "lease.acquired": lambda: OBSERVER.acquired(3, "7"),
    "lease.renewed": lambda: OBSERVER.renewed("8"),
    "lease.renew_failed": lambda: OBSERVER.renew_failed(1, 2.0, "no"),
    "lease.lost": lambda: OBSERVER.lost("no"),
    "lease.released": OBSERVER.released,
    "lease.release_failed": lambda: OBSERVER.release_failed("no"),
}


@pytest.mark.parametrize("event", SAID)
def test_an_event_of_an_election_is_as_documented(event: str) -> None:
    """Its level, its keys, and who says it."""
    with capture_logs() as logs:
        SAID[event]()

    (entry,) = logs
    levels, keys = documented()[event]
    assert entry["event"] == event
    assert {entry["log_level"]} == levels
    assert set(entry) - {"event", "log_level", "lease", "namespace", "identity"} == keys
    assert (entry["lease"], entry["namespace"], entry["identity"]) == ("web", "shop", "a")


def test_all_that_an_election_can_say_is_tried_here() -> None:
    """None is left out."""
    named = [name for name, _ in inspect.getmembers(LeaseObserver, inspect.isfunction)]

    assert len([name for name in named if not name.startswith("_")]) == len(SAID)
