"""The resume machine: the rows of the design's table (5) about watches that are well, and laws.

Each docstring of a row begins with the row's own words.
"""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.core.driving import (
    IDLE,
    RESET,
    Driver,
)
from tests.unit.core.strategies import lucks
from watchkit.core import errors
from watchkit.core.backoff import Backoff
from watchkit.core.position import (
    Abandoned,
    Doubted,
    Ended,
    Failed,
    List,
    Listed,
    Moved,
    Opened,
    Policy,
    Restored,
    Stream,
    Watch,
)
from watchkit.core.session import begin, silence_bound, step

# The start.


def test_it_begins_at_the_callers_version_or_with_a_list_or_a_stream() -> None:
    """At once; a caller's version is known, and nothing else."""
    assert begin(Policy(), 7.0, version="5").next == Watch("5")
    assert begin(Policy(), 7.0, version="5").known == "5"
    assert begin(Policy(), 7.0).next == List(gap=False)
    assert begin(Policy(), 7.0, stream=True).next == Stream()
    assert begin(Policy(), 7.0).not_before == 7.0
    assert begin(Policy(), 7.0).known is None


def test_a_list_is_followed_by_a_watch_at_its_version_at_once() -> None:
    """List metadata are a place where a version is learnt from."""
    driver = Driver(None)
    driver.list("9")

    assert (driver.next(), driver.at.known, driver.delay) == (Watch("9"), "9", 0.0)
    assert driver.at.whole


@pytest.mark.fault("F46")
def test_the_end_of_the_initial_events_is_the_version_of_a_stream() -> None:
    """Bookmarks ... the only places a version is learnt from; then the world is known."""
    driver = Driver(None, stream=True)
    driver.start()
    driver.see(Opened())
    driver.see(Moved("9", by_bookmark=True))

    assert (driver.next(), driver.at.known, driver.at.whole) == (Watch("9"), "9", True)


def test_events_of_a_watch_from_a_callers_version_do_not_make_the_world_known() -> None:
    """What was there before them stays unknown, until a list says it."""
    driver = Driver("5")
    driver.watch("6", "7")

    assert driver.next() == Watch("7")
    assert not driver.at.whole


# Ends.


@pytest.mark.fault("F24")
@pytest.mark.parametrize("luck", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("lived", [1.0, 120.0])
def test_a_clean_close_reconnects_at_the_same_version_after_a_small_jitter(
    lived: float, luck: float
) -> None:
    """Clean close after a life >= 1 s: reconnect at the same version after a small jitter."""
    driver = Driver("5", luck=luck)
    for _ in range(5):
        driver.watch()
        decision = driver.end(lived)
        assert driver.next() == Watch("5")
        assert driver.delay == pytest.approx(0.25 * luck)
        assert decision.said is not None
        assert (decision.said.event, decision.said.level) == ("watch.resumed", "debug")
        driver.now += 1.0
    assert (driver.at.attempt, driver.at.failures) == (0, 0)


@pytest.mark.fault("F24")
def test_a_short_life_without_an_event_backs_off_ever_more() -> None:
    """A watch that lived < 1 s: never followed by another without a delay, the growing one."""
    driver = Driver("5")
    delays = []
    for _ in range(2):
        driver.watch()
        driver.end(0.1)
        delays.append(driver.delay)

    assert delays == pytest.approx([0.8, 1.6])
    assert driver.next() == Watch("5")
    assert driver.at.failures == 2


@pytest.mark.fault("F24")
def test_three_short_lives_without_an_event_are_expiry() -> None:
    """Clean, without an event, 3 in a row: the version counts as expired."""
    driver = Driver("5")
    for _ in range(2):
        driver.watch()
        driver.end(0.1)
    driver.watch()
    said = driver.end(0.1).said

    assert said is not None
    assert said.event == "watch.expired"
    assert driver.next() == List(gap=True)
    assert driver.delay == pytest.approx(3.2)

    driver.list("9")
    for _ in range(2):
        driver.watch()
        driver.end(0.1)
    assert driver.next() == Watch("9"), "a list begins a new row"


@pytest.mark.parametrize(
    "between",
    [
        lambda driver: driver.fail(RESET),
        lambda driver: (driver.watch(), driver.end(5.0)),
        lambda driver: (driver.watch("6"), driver.end(0.1, moved=True)),
    ],
    ids=["a failure", "a long life", "an event"],
)
def test_short_lives_with_something_between_them_are_not_in_a_row(
    between: Callable[[Driver], object],
) -> None:
    """Three in a row means with nothing else between them."""
    driver = Driver("5")
    for _ in range(4):
        for _ in range(2):
            driver.watch()
            driver.end(0.1)
        between(driver)
        assert isinstance(driver.next(), Watch)


@pytest.mark.parametrize(("luck", "delay"), [(0.0, 0.0), (0.5, 0.4)])
def test_a_short_life_with_progress_waits_the_first_delay(luck: float, delay: float) -> None:
    """delay(0) if it made progress; and in the long run its turn."""
    driver = Driver("5", backoff=Backoff(), luck=luck)
    driver.watch("6")
    driver.end(0.1, moved=True)

    assert driver.next() == Watch("6")
    assert driver.delay == pytest.approx(delay)
    for version in range(7, 20):
        driver.watch(str(version))
        driver.end(0.1, moved=True)
    assert driver.delay == pytest.approx(0.9), "one a second"
    assert driver.at.attempt == 0


@pytest.mark.parametrize(("lived", "asked"), [(0.6, 1), (0.5, 1), (0.9, 1)])
def test_an_end_as_asked_for_is_never_short(lived: float, asked: int) -> None:
    """An end within 0.5 s of the asked timeoutSeconds is never short."""
    driver = Driver("5")
    for _ in range(5):
        driver.watch()
        driver.end(lived, asked=asked)
        driver.now += 1.0

    assert (driver.next(), driver.at.attempt, driver.at.short_ends) == (Watch("5"), 0, 0)


def test_an_end_well_before_the_timeout_is_short() -> None:
    """From the other side of the slack."""
    driver = Driver("5")
    driver.watch()
    driver.end(0.4, asked=1)

    assert driver.at.attempt == 1


# Progress.

NO_PROGRESS: dict[str, Callable[[Driver], object]] = {
    "a 200": lambda driver: driver.see(Opened()),
    "a list": lambda driver: driver.see(Listed("9")),
    "a short life": lambda driver: driver.end(0.1),
    "a restored store": lambda driver: driver.see(Restored("3")),
    "a request given up": lambda driver: driver.see(Abandoned()),
    "silence": lambda driver: driver.see(Failed(IDLE, opened=True)),
    "a 401": lambda driver: driver.see(Failed(errors.Unauthorized(401))),
}
PROGRESS: dict[str, Callable[[Driver], object]] = {
    "a frame that moves the version": lambda driver: driver.see(Moved("6")),
    "a bookmark that moves it": lambda driver: driver.see(Moved("6", by_bookmark=True)),
    "a life of a second that ended cleanly": lambda driver: driver.end(1.0),
}


def failing() -> Driver:
    """Make a driver in the middle of a run of failures, whose next watch has started."""
    driver = Driver("5")
    for _ in range(5):
        driver.fail(RESET)
    driver.start()
    return driver


@pytest.mark.parametrize("what", NO_PROGRESS)
def test_only_progress_ends_a_run_of_failures(what: str) -> None:
    """A 200, a dropped frame, a bookmark at the same version and a relist's events are none."""
    driver = failing()
    before = driver.at
    NO_PROGRESS[what](driver)

    assert driver.at.attempt >= before.attempt == 5
    assert driver.at.failures >= before.failures == 5
    assert driver.at.cause is not None


@pytest.mark.parametrize("what", PROGRESS)
def test_progress_ends_a_run_of_failures(what: str) -> None:
    """The version moved by a watch frame, or a life >= 1 s that ended cleanly."""
    driver = failing()
    PROGRESS[what](driver)

    assert (driver.at.attempt, driver.at.failures, driver.at.cause) == (0, 0, None)


def test_a_bookmark_at_the_same_version_is_no_progress() -> None:
    """It says that the server sends bookmarks, and nothing else."""
    driver = failing()
    driver.fail(IDLE, opened=True)
    driver.fail(IDLE, opened=True)
    driver.start()
    driver.see(Opened())
    before = driver.at
    driver.see(Moved("5", by_bookmark=True))

    assert driver.at == replace(before, bookmarked=True)
    assert silence_bound(driver.at, driver.policy, 300) == 150.0


# A doubt.


def test_a_doubt_lists_at_once_and_no_sooner_than_a_back_off_allows() -> None:
    """A back-off is a deadline: what makes one list anew amid it does not end it."""
    driver = Driver("5")
    driver.watch()
    driver.see(Doubted("an audit"))
    assert (driver.next(), driver.delay) == (List(gap=True), 0.0)

    driver = failing()
    driver.fail(errors.TooManyRequests(429, retry_after=50.0))
    driver.see(Doubted("an audit"), after=10.0)
    assert (driver.next(), driver.delay) == (List(gap=True), 40.0)


# Silence.


@pytest.mark.fault("F47")
def test_a_watch_may_be_silent_for_the_idle_timeout() -> None:
    """150 s; two silent watches without a bookmark ever make it timeoutSeconds + 15 s."""
    driver = Driver("5")

    def bound(timeout: int = 300) -> float:
        return silence_bound(driver.at, driver.policy, timeout)

    assert bound() == 150.0
    driver.fail(IDLE, opened=True)
    assert bound() == 150.0
    driver.fail(IDLE)
    assert bound() == 150.0, "heads stay at idle_timeout, and prove nothing of bookmarks"
    driver.fail(IDLE, opened=True)
    assert bound() == 315.0
    assert bound(10) == 150.0, "never less than the caller allows"
    driver.watch("6")
    assert bound() == 315.0, "an event says nothing of bookmarks"
    driver.see(Moved("7", by_bookmark=True))
    assert bound() == 150.0


# Requests that the consumer gives up.


def test_a_request_given_up_keeps_its_deadline_and_costs_its_token() -> None:
    """A back-off is a deadline: a wait that is cancelled and begun again does not start it anew."""
    driver = Driver("5")
    for _ in range(5):
        driver.fail(RESET)
    deadline = driver.at.not_before
    driver.see(Abandoned(), after=1.0)
    assert driver.at.not_before == deadline

    driver = Driver("5")
    for _ in range(10):
        driver.start()
        driver.see(Abandoned())
    assert driver.starts[-1] == pytest.approx(7.0), "three at once, then one a second"


@given(luck=lucks, now=st.floats(0, 1e6))
def test_a_decision_is_a_function_of_what_it_is_given(luck: float, now: float) -> None:
    """The same position, signal, time and luck: the same decision, and the position unchanged."""
    at = begin(Policy(), 0.0, version="5")
    copy = begin(Policy(), 0.0, version="5")

    for signal in (Opened(), Moved("6"), Ended(0.1, 120, moved=False), Failed(RESET), Abandoned()):
        first, second = (step(each, signal, Policy(), now, luck) for each in (at, copy))
        assert repr(first) == repr(second), "errors have no equality, but a repr"
    assert at == copy == begin(Policy(), 0.0, version="5")
