"""A driver without I/O: it starts what the machine says, when it says, and tells it what came."""

from dataclasses import dataclass, field
from typing import Literal

from watchkit.core import errors
from watchkit.core.backoff import Backoff
from watchkit.core.position import (
    Decision,
    Ended,
    Failed,
    Listed,
    Moved,
    Next,
    Opened,
    Policy,
    Position,
    Signal,
    Watch,
)
from watchkit.core.session import begin, step

PLAIN = Backoff(jitter="none")
"""0.8, 1.6, 3.2, ... 30 s: exact, so that tests can name the delay."""

RESET = errors.TransportError("reset")
EXPIRED = errors.ResourceExpired(410, "Expired", "too old")
BUSY = errors.ServerUnavailable(503)
GARBAGE = errors.ProtocolError("a watch event that cannot be read")
IDLE = errors.IdleTimeout("nothing came for 150 s")
TOO_LARGE = errors.ServerUnavailable(504, "Timeout", "Too large resource version", 1.0)
DELAYS = [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
"""The waits of PLAIN."""


@dataclass
class Driver:
    """Drives one watch through a story; times are in seconds since its beginning."""

    version: str | None = "5"
    backoff: Backoff = PLAIN
    on_expired: Literal["relist", "raise"] = "relist"
    stream: bool = False
    luck: float = 0.5
    now: float = 0.0
    starts: list[float] = field(default_factory=list)
    sent: list[Next] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.policy = Policy(self.backoff, self.on_expired)
        self.at: Position = begin(self.policy, self.now, version=self.version, stream=self.stream)

    @property
    def delay(self) -> float:
        """Seconds until the next request may start."""
        return round(self.at.not_before - self.now, 6)

    def next(self) -> Next:
        """What comes next; a call, as type checkers would take an attribute for constant."""
        return self.at.next

    def start(self) -> Next:
        """Wait for the time, and start what comes next."""
        self.now = max(self.now, self.at.not_before)
        self.starts.append(self.now)
        self.sent.append(self.at.next)
        return self.at.next

    def see(self, signal: Signal, *, after: float = 0.0) -> Decision:
        """Tell what came, `after` so many seconds."""
        self.now += after
        decision = step(self.at, signal, self.policy, self.now, self.luck)
        self.at = decision.position
        return decision

    def fail(
        self, error: errors.WatchkitError = RESET, *, opened: bool = False, after: float = 0.0
    ) -> Decision:
        """Start the next request, and fail at it; `opened`: once it was answered."""
        self.start()
        if opened:
            self.see(Opened())
        return self.see(Failed(error, opened), after=after)

    def watch(self, *versions: str) -> None:
        """Start a watch that is answered and brings these versions."""
        assert isinstance(self.start(), Watch)
        self.see(Opened())
        for version in versions:
            self.see(Moved(version))

    def end(self, lived: float, *, asked: int = 120, moved: bool = False) -> Decision:
        """See a clean end of the watch that is open."""
        return self.see(Ended(lived, asked, moved), after=lived)

    def list(self, version: str = "9") -> Decision:
        """Start a list, and see it complete."""
        self.start()
        return self.see(Listed(version))
