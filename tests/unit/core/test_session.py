"""The resume machine: the rows of the design's table (5) about watches that are well, and laws.

Each docstring of a row begins with the row's own words.
"""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.core.driving import BUSY, EXPIRED, GARBAGE, PLAIN, RESET, Driver
from tests.unit.core.envelope import excess
from tests.unit.core.strategies import lucks
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
    Policy,
    Restored,
    Stream,
    Watch,
)
from watchkit.core.session import begin, is_restored, silence_bound, step

IDLE = errors.IdleTimeout("nothing came for 150 s")


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
        assert driver.delay == pytest.approx(0.25 * luck) or driver.delay < 1.0
        assert decision.said is not None
        assert (decision.said.event, decision.said.level) == ("watch.resumed", "debug")
        driver.now += 1.0
    assert (driver.at.attempt, driver.at.failures) == (0, 0)


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


# Probes and restored stores.


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


# Silence.


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


# Laws, for any story.

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


some_luck = st.floats(0.01, 0.99)
"""No luck at all makes a wait of nothing, with full jitter."""


class SessionMachine(RuleBasedStateMachine):
    """Any order of what a driver may see; the laws hold after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = Driver()
        self.newest = 100
        self.expired: set[str] = set()
        self.suspicious = False
        self.may_hurry = True
        self.is_open = False
        self.progressed = False
        self.last_start = -1.0

    @initialize(
        version=st.sampled_from([None, "100"]),
        on_expired=st.sampled_from(["relist", "raise"]),
        jitter=st.sampled_from(["full", "equal", "none"]),
        stream=st.booleans(),
    )
    def start_somewhere(
        self,
        version: str | None,
        on_expired: str,
        jitter: str,
        stream: bool,  # noqa: FBT001
    ) -> None:
        """Begin as a caller may."""
        self.driver = Driver(
            version,
            Backoff(jitter=jitter),  # type: ignore[arg-type]
            on_expired,  # type: ignore[arg-type]
            stream and version is None,
        )
        self._start()

    def _start(self) -> None:
        """Start the next request, and check that it may."""
        driver = self.driver
        driver.start()
        sent = driver.next()
        assert not isinstance(sent, Watch) or sent.version not in self.expired
        waited = driver.now > self.last_start
        assert waited or self.progressed or self.may_hurry, "progress, or a delay"
        self.last_start = driver.now
        self.progressed = self.may_hurry = self.is_open = False

    def _see(self, signal: object, luck: float, after: float) -> Decision:
        driver = self.driver
        driver.luck = luck
        before = driver.at
        decision = driver.see(signal, after=after)  # type: ignore[arg-type]
        self._check(before.attempt, decision)
        return decision

    def _check(self, attempt: int, decision: Decision) -> None:
        at = self.driver.at
        assert at is decision.position
        assert at.attempt >= attempt or self.progressed, "only progress clears the attempts"
        assert at.not_before - self.driver.now <= 60.0 + 30.0
        assert decision.probe is None or self.suspicious

    def _over(self) -> None:
        """A request is over: start the next one, if any."""
        if not isinstance(self.driver.at.next, Dead):
            self._start()

    def _expire(self, before: object) -> None:
        if isinstance(before, Watch) and not isinstance(self.driver.at.next, Watch):
            self.expired.add(before.version)

    def _dead(self) -> bool:
        return isinstance(self.driver.at.next, Dead)

    @precondition(lambda self: isinstance(self.driver.at.next, Watch | Stream) and not self.is_open)
    @rule(luck=some_luck)
    def open(self, luck: float) -> None:
        """The watch is answered; only the first one after a break is probed."""
        was_suspicious, self.suspicious = self.suspicious, True
        decision = self._see(Opened(), luck, 0.1)
        assert (decision.probe is not None) <= was_suspicious
        self.suspicious = was_suspicious and isinstance(self.driver.at.next, Stream)
        self.is_open = True

    @precondition(lambda self: self.is_open)
    @rule(luck=some_luck, by_bookmark=st.booleans(), after=st.floats(0, 200))
    def move(self, luck: float, by_bookmark: bool, after: float) -> None:  # noqa: FBT001
        """A frame moves the version."""
        self.newest += 1
        self.progressed = True
        self._see(Moved(str(self.newest), by_bookmark=by_bookmark), luck, after)
        assert self.driver.at.next == Watch(str(self.newest))
        assert (self.driver.at.attempt, self.driver.at.failures) == (0, 0)

    @precondition(lambda self: self.is_open and isinstance(self.driver.at.next, Watch))
    @rule(luck=some_luck, lived=st.floats(0, 150), moved=st.booleans())
    def end(self, luck: float, lived: float, moved: bool) -> None:  # noqa: FBT001
        """The watch ends cleanly."""
        before = self.driver.at.next
        self.progressed = self.progressed or lived >= 1.0
        self._see(Ended(lived, 120, moved and self.progressed), luck, lived)
        self._expire(before)
        self._over()

    @precondition(lambda self: isinstance(self.driver.at.next, List))
    @rule(luck=some_luck, restored=st.booleans())
    def list(self, luck: float, restored: bool) -> None:  # noqa: FBT001
        """The list is complete; it may show that the store was restored."""
        if restored and is_restored(self.driver.at, "7"):
            epoch = self.driver.at.epoch
            self._see(Restored("7"), luck, 0.1)
            assert self.driver.at.epoch == epoch + 1
            self.newest = 7
            self.expired.clear()
        self.newest += 1
        self._see(Listed(str(self.newest)), luck, 0.1)
        assert self.driver.at.next == Watch(str(self.newest))
        self.suspicious = False
        self.may_hurry = True
        self._over()

    @precondition(lambda self: not self._dead())
    @rule(
        luck=some_luck,
        error=st.sampled_from(
            [
                EXPIRED,
                BUSY,
                RESET,
                IDLE,
                GARBAGE,
                errors.Unauthorized(401),
                errors.Forbidden(403),
                errors.NotFound(404),
                errors.InvalidRequest(422),
                errors.TooManyRequests(429, retry_after=3600.0),
                errors.ServerUnavailable(504, message="Too large resource version"),
            ]
        ),
        after=st.floats(0, 150),
    )
    def fail(self, luck: float, error: errors.WatchkitError, after: float) -> None:
        """Something fails, before or after the answer."""
        before = self.driver.at
        decision = self._see(Failed(error, opened=self.is_open), luck, after)
        now = self.driver.at
        self.suspicious |= isinstance(error, errors.TransportError)
        self.suspicious |= isinstance(error, errors.ProtocolError) and isinstance(
            before.next, Watch
        )
        if isinstance(error, errors.ResourceExpired) and isinstance(before.next, Watch):
            assert not isinstance(now.next, Watch)
        hurried = (not before.refreshed and now.refreshed) or (not before.hushed and now.hushed)
        self.may_hurry = hurried
        assert decision.said is not None
        self._expire(before.next)
        self._over()

    @precondition(lambda self: self.is_open and isinstance(self.driver.at.next, Watch))
    @rule(luck=some_luck)
    def restore(self, luck: float) -> None:
        """A probe shows that the store was restored."""
        before = self.driver.at.next
        epoch = self.driver.at.epoch
        self._see(Restored("7"), luck, 1.0)
        self._expire(before)
        assert self.driver.at.epoch == epoch + 1
        if not self._dead():
            assert self.driver.at.next == List(gap=True)
            self.newest = 7
            self.expired.clear()
        self._over()

    @precondition(lambda self: not self._dead() and not self.is_open)
    @rule(luck=some_luck)
    def abandon(self, luck: float) -> None:
        """The consumer gives the request up: nothing is learnt, nothing is lost."""
        before = self.driver.at
        self._see(Abandoned(), luck, 0.0)
        assert self.driver.at.next == before.next
        self.may_hurry = True
        self._over()

    @precondition(_dead)
    @rule()
    def iterate_again(self) -> None:
        """The error is raised again, and nothing is asked of the server."""
        assert isinstance(self.driver.at.next, Dead)
        assert isinstance(self.driver.at.next.error, errors.ResourceExpired)

    @invariant()
    def what_is_dead_stays_dead(self) -> None:
        """There is no version, and there will be no request."""
        if self._dead():
            assert self.driver.policy.on_expired == "raise"
            assert self.driver.at.known is None


TestSession = SessionMachine.TestCase


@given(luck=lucks, now=st.floats(0, 1e6))
def test_a_decision_is_a_function_of_what_it_is_given(luck: float, now: float) -> None:
    """The same position, signal, time and luck: the same decision, and the position unchanged."""
    at = begin(Policy(), 0.0, version="5")
    copy = begin(Policy(), 0.0, version="5")

    for signal in (Opened(), Moved("6"), Ended(0.1, 120, moved=False), Failed(RESET), Abandoned()):
        first, second = (step(each, signal, Policy(), now, luck) for each in (at, copy))
        assert repr(first) == repr(second), "errors have no equality, but a repr"
    assert at == copy == begin(Policy(), 0.0, version="5")
