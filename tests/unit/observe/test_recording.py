"""What a recorder logs: levels and keys, as docs/logging.md has them."""

import inspect
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from tests.unit.observe.test_documented import documented
from watchkit.observe.recording import RecordingObserver

OBSERVER = RecordingObserver("shops")
SAID: dict[str, Callable[[], None]] = {
    "record.retrying": lambda: OBSERVER.retrying(1.0, "no"),
    "record.dropped": lambda: OBSERVER.dropped("spam", "shop/web", "Scaled"),
    "record.refused": lambda: OBSERVER.refused("shop/web", "Scaled", "no"),
    "record.failed": lambda: OBSERVER.failed("no"),
}


@pytest.mark.parametrize("event", SAID)
def test_an_event_of_a_recorder_is_as_documented(event: str) -> None:
    """Its level, its keys, and who says it."""
    with capture_logs() as logs:
        SAID[event]()

    (entry,) = logs
    levels, keys = documented()[event]
    assert entry["event"] == event
    assert {entry["log_level"]} == levels
    assert set(entry) - {"event", "log_level", "component"} == keys
    assert entry["component"] == "shops"


def test_all_that_a_recorder_can_say_is_tried_here() -> None:
    """None is left out."""
    named = [name for name, _ in inspect.getmembers(RecordingObserver, inspect.isfunction)]

    assert len([name for name in named if not name.startswith("_")]) == len(SAID)
