"""Is it the same store still? Probes, and what a restored store leads to.

Each docstring of a row begins with the row's own words.
"""

import pytest

from tests.unit.core.driving import (
    BUSY,
    EXPIRED,
    RESET,
    Driver,
)
from watchkit.core import errors
from watchkit.core.position import (
    Dead,
    List,
    Listed,
    Opened,
    Restored,
    Watch,
)
from watchkit.core.session import is_restored


def test_one_probe_is_sent_beside_the_first_watch_after_a_break() -> None:
    """The first watch answered after a refused, reset...: beside it, once, a list."""
    driver = Driver("5")
    driver.fail(RESET)
    driver.fail(BUSY)
    driver.start()

    assert driver.see(Opened()).probe == "5"
    driver.end(120.0)
    driver.start()
    assert driver.see(Opened()).probe is None


def test_no_probe_is_sent_where_nothing_broke() -> None:
    """Clean ends are no reason to suspect another store; nor is the first connection."""
    driver = Driver("5")
    for _ in range(3):
        driver.start()
        assert driver.see(Opened()).probe is None
        driver.end(120.0)


def test_no_probe_is_sent_for_an_opaque_version() -> None:
    """Numerically below: without numbers there is nothing to compare."""
    driver = Driver("abc")
    driver.fail(RESET)
    driver.start()

    assert driver.see(Opened()).probe is None


def test_a_list_saves_the_probe() -> None:
    """Also when any other list says so: a list has just shown the store's version."""
    driver = Driver("5")
    driver.fail(RESET)
    driver.fail(EXPIRED)
    driver.list("9")
    driver.start()

    assert driver.see(Opened()).probe is None


@pytest.mark.fault("F52")
def test_a_restored_store_is_expiry_and_a_new_epoch() -> None:
    """A version numerically below ... means the store was restored: expiry, health.epoch."""
    driver = Driver("50")
    driver.fail(RESET)
    driver.watch()
    decision = driver.see(Restored("30"), after=2.0)

    assert decision.said is not None
    assert (decision.said.event, decision.said.level) == ("watch.epoch", "warning")
    assert (decision.said.fields["known"], decision.said.fields["found"]) == ("50", "30")
    assert driver.next() == List(gap=True)
    assert (driver.at.epoch, driver.at.known) == (1, "30")
    assert driver.delay > 0
    assert isinstance(driver.at.cause, errors.ResourceExpired)
    assert driver.at.failures == 2
    driver.list("31")
    assert driver.next() == Watch("31")


def test_a_list_that_shows_a_restored_store_goes_on() -> None:
    """It is the list that an expiry would ask for; the epoch is counted once."""
    driver = Driver("50")
    driver.fail(EXPIRED)
    assert is_restored(driver.at, "30")
    driver.start()
    decision = driver.see(Restored("30"))

    assert decision.error is None
    assert driver.next() == List(gap=True)
    assert driver.at.epoch == 1
    assert not is_restored(driver.at, "30")
    driver.see(Listed("30"))
    assert driver.next() == Watch("30")


def test_a_restored_store_is_raised_where_the_caller_wants_expiry_raised() -> None:
    """Expiry is one path."""
    driver = Driver("50", on_expired="raise")
    driver.watch()
    decision = driver.see(Restored("30"))

    assert isinstance(decision.error, errors.ResourceExpired)
    assert isinstance(driver.next(), Dead)
    assert driver.at.epoch == 1


@pytest.mark.fault("F52")
@pytest.mark.parametrize(
    ("known", "found", "restored"),
    [
        ("50", "49", True),
        ("50", "50", False),
        ("50", "51", False),
        ("9", "10", False),
        ("abc", "1", False),
        ("50", "abc", False),
        (None, "1", False),
    ],
)
def test_only_a_smaller_number_proves_a_restore(
    known: str | None, found: str, *, restored: bool
) -> None:
    """Numerically below the one known; opaque versions prove nothing."""
    assert is_restored(Driver(known).at, found) == restored
