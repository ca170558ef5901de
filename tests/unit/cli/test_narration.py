"""Laws of the narration: a line for each failure and each return, and none for routine."""

from typing import Any

import pytest

from watchkit.cli.narration import Narrator

OPENED: dict[str, object] = {"event": "watch.opened", "resource_version": "7", "timeout": 120}


def failed(**more: object) -> dict[str, Any]:
    """Give the log event of a failure."""
    said = {"event": "watch.retrying", "cause": "watch pods: refused", "delay": 1.234}
    return said | more


def test_a_quiet_watch_says_nothing() -> None:
    """Neither its start, nor that it ran its time and goes on in the next one."""
    narrator = Narrator("pods")
    log: list[tuple[float, dict[str, object]]] = [
        (0.0, {"event": "list.done", "gap": False, "events": 3}),
        (0.1, OPENED),
        (120.0, {"event": "watch.resumed", "cause": "ended", "delay": 0.2}),
        (120.2, OPENED),
        (120.3, {"event": "watch.probe_failed", "cause": "x"}),
    ]

    assert [narrator.tell(event, now) for now, event in log] == [None] * 5


def test_an_outage_is_told_from_end_to_end() -> None:
    """Each failure with its delay, then the return with how long it took."""
    narrator = Narrator("pods")
    narrator.tell(OPENED, 0.0)

    assert narrator.tell(failed(), 10.0) == "watch pods: refused; trying again in 1.2 s"
    assert narrator.tell(failed(delay=0.04), 12.0) == "watch pods: refused; trying again now"
    assert narrator.tell(OPENED, 13.0) == "watching pods again from version 7, after 3s"
    assert narrator.tell(OPENED, 14.0) is None


def test_a_failure_before_the_first_watch_is_told_too() -> None:
    """Then it is not "again" that it watches."""
    narrator = Narrator("pods")
    narrator.tell(failed(), 0.0)

    assert narrator.tell(OPENED, 0.5) == "watching pods from version 7"


def test_an_expired_version_is_told_with_what_it_costs() -> None:
    """What happened, when the list comes, what can't be known; then what the list showed."""
    narrator = Narrator("pods")
    narrator.tell(OPENED, 0.0)
    expired = {"event": "watch.expired", "cause": "410 Expired: too old", "delay": 0.5}

    known = narrator.tell(expired | {"known": True}, 1.0)
    unknown = narrator.tell(expired | {"known": False}, 1.0)

    assert known == "pods: 410 Expired: too old; listing again in 0.5 s"
    assert unknown == f"{known}; what was deleted since can't be known"
    listed = {"event": "list.done", "gap": True}
    assert narrator.tell(listed | {"events": 1}, 2.0) == "listed pods again: 1 change in the gap"
    assert narrator.tell(listed | {"events": 2}, 2.0) == "listed pods again: 2 changes in the gap"
    assert narrator.tell(OPENED, 3.0) == "watching pods again from version 7, after 2s"


def test_a_watch_that_the_server_ends_early_is_told() -> None:
    """A server that goes down in good order ends its watches cleanly."""
    narrator = Narrator("pods")
    narrator.tell(OPENED, 100.0)
    resumed = {"event": "watch.resumed", "cause": "ended", "delay": 0.2}

    assert narrator.tell(resumed, 112.0) == (
        "pods: the server ended the watch after 12s; trying again in 0.2 s"
    )
    assert narrator.tell(OPENED, 112.2) == "watching pods again from version 7"


@pytest.mark.parametrize(
    "event",
    [
        failed(event="watch.idle"),
        {"event": "watch.epoch", "known": "9", "found": "5"},
    ],
)
def test_silence_and_a_restored_store_are_told(event: dict[str, object]) -> None:
    """Every kind of trouble has its line."""
    assert Narrator("pods").tell(event, 0.0)


@pytest.mark.parametrize("event", [{}, {"event": "of another library"}, {"event": 7}])
def test_what_is_not_known_is_not_told(event: dict[str, object]) -> None:
    """Another library may log through structlog too."""
    assert Narrator("pods").tell(event, 0.0) is None


@pytest.mark.fault("F96")
def test_a_line_is_one_line() -> None:
    """A server's message may have several, and colours."""
    line = Narrator("pods").tell(failed(cause="a\nb\x1b[31m"), 0.0)

    assert line is not None
    assert line.isprintable()
