"""The log: one structlog event for each decision, with the keys of one vocabulary."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from tests.unit.core.driving import BUSY, EXPIRED, Driver
from watchkit.core.position import Said
from watchkit.observe.log import Observer

Entry = MutableMapping[str, Any]


@pytest.fixture
def log() -> Iterator[list[Entry]]:
    """Capture what is logged, by the application's own configuration of structlog."""
    capture = LogCapture()
    structlog.configure(processors=[capture])
    yield capture.entries
    structlog.reset_defaults()


@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_a_decision_is_one_event_at_its_level(log: list[Entry], level: Any) -> None:  # noqa: ANN401
    """With the resource and namespace that are bound, the version, and what was decided."""
    said = Said("watch.retrying", level, {"attempt": 2, "delay": 1.6, "cause": "503"})

    Observer("pods", "shop").decided(said, "48213")

    assert log == [
        {
            "event": "watch.retrying",
            "log_level": level,
            "resource": "pods",
            "namespace": "shop",
            "resource_version": "48213",
            "attempt": 2,
            "delay": 1.6,
            "cause": "503",
        }
    ]


def test_a_list_is_told_with_its_size(log: list[Entry]) -> None:
    """How many objects it had, how many events it made, and whether it closed a gap."""
    Observer("nodes", None).listed("9", objects=3, events=1, gap=True)

    assert log == [
        {
            "event": "list.done",
            "log_level": "info",
            "resource": "nodes",
            "namespace": None,
            "resource_version": "9",
            "objects": 3,
            "events": 1,
            "gap": True,
        }
    ]


def test_what_is_usual_is_told_to_who_debugs(log: list[Entry]) -> None:
    """A watch that was answered, a probe that failed: neither is news."""
    observer = Observer("pods", "shop")
    observer.opened("9", timeout=120)
    observer.probe_failed(BUSY)

    assert [(each["event"], each["log_level"]) for each in log] == [
        ("watch.opened", "debug"),
        ("watch.probe_failed", "debug"),
    ]
    assert (log[0]["resource_version"], log[0]["timeout"]) == ("9", 120)
    assert log[1]["cause"] == str(BUSY)


def test_two_watches_are_told_apart(log: list[Entry]) -> None:
    """Each has its own bound keys; nothing global is changed."""
    first, second = Observer("pods", "shop"), Observer("pods", "blog")
    first.opened("1", timeout=1)
    second.opened("2", timeout=1)

    assert [each["namespace"] for each in log] == ["shop", "blog"]
    assert structlog.contextvars.get_contextvars() == {}


def test_a_configuration_made_later_is_honoured(log: list[Entry]) -> None:
    """An application may configure its log after it has made its watchers."""
    observer = Observer("pods", "shop")
    later = LogCapture()
    structlog.configure(processors=[later])
    observer.opened("9", timeout=1)

    assert (len(log), len(later.entries)) == (0, 1)


def test_the_machines_own_words_can_be_logged(log: list[Entry]) -> None:
    """No key of a decision collides with one that the log adds."""
    driver, observer = Driver("5"), Observer("pods", "shop")
    driver.watch()
    decisions = [driver.end(5.0), driver.fail(BUSY), driver.fail(EXPIRED)]

    for decision in decisions:
        assert decision.said is not None
        observer.decided(decision.said, "5")

    assert [each["event"] for each in log] == ["watch.resumed", "watch.retrying", "watch.expired"]
    assert all({"resource", "resource_version", "attempt", "delay"} <= set(each) for each in log)
