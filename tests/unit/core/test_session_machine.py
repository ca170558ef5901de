"""The resume machine as a whole: laws that hold after each step, in any order of steps."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.core.driving import BUSY, EXPIRED, GARBAGE, IDLE, RESET, Driver
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
from watchkit.core.session import is_restored

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
