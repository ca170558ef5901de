"""The resume machine as a whole: whatever a server does, requests keep to C7's envelope."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.driving import (
    BUSY,
    EXPIRED,
    GARBAGE,
    IDLE,
    PLAIN,
    RESET,
    Driver,
)
from tests.unit.core.envelope import excess
from watchkit.core import errors
from watchkit.core.backoff import Backoff
from watchkit.core.position import (
    Abandoned,
    Dead,
    Decision,
    Ended,
    Failed,
    List,
    Listed,
    Moved,
    Opened,
    Restored,
    Stream,
    Watch,
)

STORIES = st.lists(
    st.tuples(st.integers(0, 99), st.floats(0, 3) | st.sampled_from([0.0, 0.5, 1.0])), max_size=50
)
BACKOFFS = [PLAIN, Backoff(0.05, 3.0, 2.0, "none"), Backoff(0.01, 2.0, 30.0, "none")]


class Story:
    """Plays what a server may do, by numbers; versions go up, save where it is restored."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.newest = 100
        self.began = 0.0

    def turn(self, choice: int, time: float) -> Decision | None:
        """Start what is due, and let it end in some way after some time."""
        driver = self.driver
        match driver.start():
            case Dead():
                return None
            case List():
                return self._list(choice, time)
            case Stream():
                return driver.see(Moved(self._new()), after=time)
            case Watch():
                return self._watch(choice, time)

    def _new(self) -> str:
        self.newest += 1
        return str(self.newest)

    def _list(self, choice: int, time: float) -> Decision:
        errs = [EXPIRED, BUSY, RESET, IDLE, errors.Unauthorized(401), errors.ProtocolError("no")]
        if choice < 6:
            return self.driver.see(Failed(errs[choice]), after=time)
        if choice < 10:
            return self.driver.see(Abandoned(), after=time)
        return self.driver.see(Listed(self._new()), after=time)

    def _watch(self, choice: int, time: float) -> Decision:
        driver = self.driver
        errs = [
            EXPIRED,
            BUSY,
            RESET,
            IDLE,
            GARBAGE,
            errors.Unauthorized(401),
            errors.Forbidden(403),
            errors.TooManyRequests(429, retry_after=1.0),
            errors.ServerUnavailable(504, message="Too large resource version"),
            errors.InvalidRequest(400),
        ]
        moved = choice % 2 == 1
        if choice < 10:
            return driver.see(Failed(errs[choice]), after=time)
        driver.see(Opened())
        if moved:
            driver.see(Moved(self._new(), by_bookmark=choice % 3 == 0), after=time / 2)
        if choice < 60:
            return driver.see(Failed(errs[choice % 10], opened=True), after=time)
        if choice < 70:
            return driver.see(Restored("7"), after=time)
        lived = time * (1.5 if moved else 1.0)
        return driver.see(Ended(lived, 120, moved), after=time)


@pytest.mark.fault("F24")
@given(story=STORIES, backoff=st.sampled_from(BACKOFFS), version=st.sampled_from([None, "100"]))
def test_no_story_makes_a_hot_loop(
    story: list[tuple[int, float]], backoff: Backoff, version: str | None
) -> None:
    """Over any window at most 2 requests, an endless failure's, and one a second (C7)."""
    player = Story(Driver(version, backoff=backoff, luck=0.0))
    for choice, time in story:
        player.turn(choice, time)

    assert excess(player.driver.starts, backoff) <= 0


def an_event_and(end: Callable[[Driver], object]) -> Callable[[Driver], object]:
    """Make a server whose watches bring one event each, and end in some way."""

    def turn(driver: Driver) -> None:
        if isinstance(driver.start(), List):
            driver.see(Listed(f"{len(driver.starts) + 1000}"))
            return
        driver.see(Opened())
        driver.see(Moved(f"{len(driver.starts) + 1000}"))
        end(driver)

    return turn


def failing_with(error: errors.WatchkitError, *, lists: bool = True) -> Callable[[Driver], object]:
    """Make a server that answers watches, and lists unless told not to, with an error."""

    def turn(driver: Driver) -> None:
        if isinstance(driver.start(), List) and not lists:
            driver.see(Listed(f"{len(driver.starts) + 1000}"))
        else:
            driver.see(Failed(error))

    return turn


def turn_given_up(driver: Driver) -> None:
    """Let the consumer give up each request at once."""
    driver.start()
    driver.see(Abandoned())


RELENTLESS: dict[str, tuple[Callable[[Driver], object], range]] = {
    "an event and a close": (an_event_and(lambda d: d.end(0.0, moved=True)), range(3600, 3605)),
    "an event and a reset": (an_event_and(lambda d: d.see(Failed(RESET))), range(3600, 3605)),
    "an event and a 410": (an_event_and(lambda d: d.see(Failed(EXPIRED))), range(3600, 3605)),
    "an event and silence": (an_event_and(lambda d: d.see(Failed(IDLE))), range(3600, 3605)),
    "requests given up": (turn_given_up, range(3600, 3605)),
    "410 ping-pong": (failing_with(EXPIRED, lists=False), range(230, 260)),
    "410 to everything": (failing_with(EXPIRED), range(120, 130)),
    "refused connections": (failing_with(RESET), range(120, 130)),
    "503": (failing_with(BUSY), range(120, 130)),
    "401": (failing_with(errors.Unauthorized(401)), range(120, 130)),
    "403": (failing_with(errors.Forbidden(403)), range(120, 122)),
    "silence at once": (failing_with(IDLE), range(120, 130)),
    "no list": (failing_with(errors.ProtocolError("?")), range(120, 130)),
}


@pytest.mark.parametrize("server", RELENTLESS)
def test_an_hour_of_one_fault_makes_no_hot_loop(server: str) -> None:
    """Answers come at once: an hour holds one request a second where there is progress.

    Without any, it holds what the back-off sends; and C7 holds for each window of it.
    """
    turn, expected = RELENTLESS[server]
    driver = Driver(None, luck=0.0)
    while driver.at.not_before < 3600:
        turn(driver)

    assert len(driver.starts) in expected
    assert excess(driver.starts, PLAIN, longest=60.0) <= 0
    assert excess([*driver.starts[:1], *driver.starts[-1:]], PLAIN) <= 0
