"""What an expired version leads to: the rows of the design's table (5) about a gap.

Each docstring begins with the row's own words.
"""

import pytest

from tests.unit.core.driving import (
    DELAYS,
    EXPIRED,
    TOO_LARGE,
    Driver,
)
from watchkit.core import errors
from watchkit.core.position import Dead, Failed, List, Stream, Watch

EXPIRIES = {
    "as HTTP status": (EXPIRED, False),
    "as ERROR event": (EXPIRED, True),
    "as reason Gone": (errors.ResourceExpired(500, "Gone"), True),
}


@pytest.mark.fault("F59")
@pytest.mark.parametrize("form", EXPIRIES)
def test_expiry_backs_off_and_lists(form: str) -> None:
    """410 as HTTP status, as ERROR event, as reason: Expired/Gone ... one path: expiry."""
    error, opened = EXPIRIES[form]
    driver = Driver("5")
    decision = driver.fail(error, opened=opened)

    assert decision.error is None
    assert driver.next() == List(gap=True)
    assert driver.delay == pytest.approx(0.8)
    driver.list("9")
    assert driver.next() == Watch("9")


def test_list_and_expiry_in_turns_back_off_ever_more() -> None:
    """Back off, relist: the attempt outlives the relist, as a list is no progress."""
    driver = Driver("5")
    delays = []
    for number in range(8):
        driver.fail(EXPIRED)
        delays.append(driver.delay)
        driver.list(f"{number + 10}")
        assert driver.delay <= 1.0, "what was listed is watched soon"

    assert delays == pytest.approx(DELAYS)


def test_the_loss_of_an_unknown_world_is_a_warning() -> None:
    """After a caller's N that expired before anything was known ...: warning, known=False."""
    driver = Driver("5")
    first = driver.fail(EXPIRED).said
    driver.list("9")
    second = driver.fail(EXPIRED).said

    assert first is not None
    assert second is not None
    assert (first.event, first.level, first.fields["known"]) == ("watch.expired", "warning", False)
    assert (second.event, second.level, second.fields["known"]) == ("watch.expired", "info", True)


def test_expiry_is_raised_once_and_for_all_where_the_caller_wants_it() -> None:
    """Where it says "raise", raise ResourceExpired; iterating again raises it without a request."""
    driver = Driver("5", on_expired="raise")
    decision = driver.fail(EXPIRED)

    assert decision.error is EXPIRED
    assert driver.next() == Dead(EXPIRED)
    assert driver.at.known is None


@pytest.mark.fault("F56")
def test_after_three_expired_pages_the_list_is_not_paged() -> None:
    """After 3 expired pages in a row, list unpaged; whatever the caller's policy on expiry."""
    for policy in ("relist", "raise"):
        driver = Driver(None, on_expired=policy)
        listed = []
        for _ in range(5):
            decision = driver.fail(EXPIRED)
            assert decision.error is None
            listed.append(driver.next())
        assert listed == [List(gap=False)] * 2 + [List(gap=False, paged=False)] * 3
        assert driver.delay == pytest.approx(12.8)


def test_a_complete_list_begins_to_count_expired_pages_anew() -> None:
    """In a row means within one list."""
    driver = Driver("5")
    for number in range(4):
        driver.fail(EXPIRED)
        driver.fail(EXPIRED)
        driver.fail(EXPIRED)
        assert driver.next() == List(gap=True)
        driver.list(f"{number + 10}")


def test_a_streaming_list_that_expires_is_listed() -> None:
    """There is no version to lose, and nothing known to be diffed."""
    driver = Driver(None, stream=True)
    assert driver.start() == Stream()
    driver.see(Failed(EXPIRED, opened=True))

    assert driver.next() == List(gap=False)


# A version ahead of the server.


@pytest.mark.fault("F54")
def test_a_version_ahead_of_the_server_is_tried_once_more_then_listed() -> None:
    """504 "Too large resource version": honour Retry-After once, then list with no version."""
    driver = Driver("5")
    driver.fail(TOO_LARGE)
    assert driver.next() == Watch("5")
    assert driver.delay == 1.0

    driver.fail(TOO_LARGE)
    assert driver.next() == List(gap=True)


def test_progress_or_a_list_forgets_a_version_ahead() -> None:
    """The next one is tried once more, too."""
    driver = Driver("5")
    driver.fail(TOO_LARGE)
    driver.watch("6")
    driver.see(Failed(TOO_LARGE))
    assert driver.next() == Watch("6")
    driver.fail(TOO_LARGE)
    driver.list("9")
    driver.fail(TOO_LARGE)
    assert driver.next() == Watch("9")


def test_a_list_that_the_server_is_behind_is_just_retried() -> None:
    """It named no version: there is none to give up."""
    driver = Driver(None)
    for _ in range(4):
        driver.fail(TOO_LARGE)
        assert driver.next() == List(gap=False)
