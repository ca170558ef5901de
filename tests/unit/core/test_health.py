"""Health: judged from what is known at that moment, never on hope."""

import pytest

from tests.unit.core.driving import (
    BUSY,
    EXPIRED,
    IDLE,
    RESET,
    Driver,
)
from watchkit.core import errors
from watchkit.core.health import Health, HealthState, judge
from watchkit.core.position import Failed, Opened

BOUND = 150.0


def state(
    driver: Driver, *, silence: float = 0.0, is_open: bool = False, heard: bool = True
) -> HealthState:
    """Judge a driver's position."""
    return judge(driver.at, is_open=is_open, heard=heard, silence=silence, bound=BOUND)


def watching() -> Driver:
    """Make a driver that lists, watches, and has seen an event."""
    driver = Driver(None)
    driver.list("9")
    driver.watch("10")
    return driver


def test_before_the_first_answer_it_is_syncing() -> None:
    """It does not know the world yet; nor does it in the middle of the first list."""
    assert state(Driver(None), heard=False) is HealthState.SYNCING
    assert state(Driver("5"), heard=False) is HealthState.SYNCING
    assert state(Driver(None), heard=True) is HealthState.SYNCING
    assert state(Driver(None, stream=True), heard=True) is HealthState.SYNCING


@pytest.mark.parametrize("silence", [0.0, BOUND])
def test_it_is_watching_as_soon_as_a_watch_is_open_and_within_its_bound(silence: float) -> None:
    """Also after failures: those are forgotten by progress only, but the watch is there."""
    driver = watching()
    assert state(driver, is_open=True, silence=silence) is HealthState.WATCHING

    driver.see(Failed(BUSY))
    driver.start()
    driver.see(Opened())
    assert driver.at.failures == 1
    assert state(driver, is_open=True, silence=silence) is HealthState.WATCHING


def test_between_two_watches_it_is_watching() -> None:
    """A clean end is no failure."""
    driver = watching()
    driver.end(120.0)

    assert state(driver) is HealthState.WATCHING


@pytest.mark.parametrize("error", [RESET, BUSY, EXPIRED, errors.Unauthorized(401)], ids=str)
def test_after_a_failure_it_is_retrying(error: errors.WatchkitError) -> None:
    """What is known is not older than the bound."""
    driver = watching()
    driver.see(Failed(error))

    assert state(driver, silence=BOUND) is HealthState.RETRYING


def test_between_the_list_and_the_watch_after_a_failure_it_is_retrying_still() -> None:
    """A list is no progress."""
    driver = watching()
    driver.see(Failed(EXPIRED))
    driver.list("20")

    assert state(driver) is HealthState.RETRYING


@pytest.mark.parametrize("is_open", [False, True])
def test_past_the_bound_it_is_stale(*, is_open: bool) -> None:
    """A dead connection is noticed within a bound, and health says STALE no later than that."""
    driver = watching()
    assert state(driver, is_open=is_open, silence=BOUND + 0.1) is HealthState.STALE
    driver.see(Failed(RESET))
    assert state(driver, is_open=is_open, silence=BOUND + 0.1) is HealthState.STALE


def test_a_first_reconnect_after_silence_is_not_stale_until_it_fails() -> None:
    """The first time at once and without STALE unless that fails; the connect deadline is 10 s."""
    driver = watching()
    driver.see(Failed(IDLE, opened=True))
    assert state(driver, silence=BOUND + 10.0) is HealthState.WATCHING
    assert state(driver, silence=BOUND + 10.1) is HealthState.STALE

    driver.fail(RESET)
    assert state(driver, silence=BOUND + 1.0) is HealthState.STALE
    assert state(driver, silence=BOUND) is HealthState.RETRYING


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.Forbidden(403), HealthState.FORBIDDEN),
        (errors.NotFound(404), HealthState.NOT_SERVED),
    ],
)
def test_who_may_not_or_cannot_be_served_is_told_so(
    error: errors.ApiError, expected: HealthState
) -> None:
    """403: FORBIDDEN. 404: NOT_SERVED. However long ago it was well; until it is again."""
    driver = watching()
    driver.see(Failed(error))
    assert state(driver) is expected
    assert state(driver, silence=BOUND * 10) is expected

    driver.watch("11")
    assert state(driver, is_open=True) is HealthState.WATCHING
    driver = Driver(None)
    driver.fail(error)
    assert state(driver, heard=False) is expected


def test_once_the_version_is_gone_for_good_it_is_stopped() -> None:
    """It ended with an error, and asks nothing any more."""
    driver = Driver("5", on_expired="raise")
    driver.fail(EXPIRED)

    assert state(driver) is HealthState.STOPPED
    assert state(driver, silence=BOUND * 10) is HealthState.STOPPED


def test_health_is_a_value() -> None:
    """To be compared, logged, and held by nothing unless it says so."""
    health = Health(HealthState.WATCHING, 1.0, 0, None, "5", 0)

    assert health == Health(HealthState.WATCHING, 1.0, 0, None, "5", 0, held_by=None)
    assert [each.name for each in HealthState] == [
        "SYNCING",
        "WATCHING",
        "RETRYING",
        "STALE",
        "FORBIDDEN",
        "NOT_SERVED",
        "STOPPED",
    ]
