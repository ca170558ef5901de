"""How often a watcher may start requests at all: promise C7, whatever a server does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchkit.core.backoff import Backoff

_BURST = 2.0
_RATE = 1.0
"""C7: 2 requests at once and 1 a second, beside what an endless failure would send."""
_DEBT = 3.0
"""Requests after failures borrow; three are paid back, more the back-off's growth pays for."""
_EARLY = 10
"""Retries of the first second that count into the burst, at most."""


@dataclass(frozen=True, slots=True)
class Pace:
    """A token bucket over the starts of lists and watches (pages and probes are free).

    Back-off slows failures down; it does not slow a server down that makes a little progress
    and hangs up, over and over. A start that follows progress waits for a token; one that
    follows a failure waits for its back-off alone, but takes a token too, as a debt at need.
    """

    burst: float = _BURST
    rate: float = _RATE
    tokens: float = _BURST
    at: float = 0.0

    @classmethod
    def beside(cls, backoff: Backoff, now: float) -> Pace:
        """The pace of C7 for a back-off: what an endless failure would send comes on top."""
        spent, early = 0.0, 0
        while early < _EARLY and spent < 1.0:
            spent += backoff.delay(early, 0.5)
            early += 1
        longest = backoff.delay_at_cap(0.5)
        rate = _RATE + (1.0 / longest if longest > 0 else 100.0)
        return cls(burst=_BURST + early, rate=rate, tokens=_BURST + early, at=now)

    def free_at(self, now: float) -> float:
        """When the next token is there, at the earliest `now`."""
        missing = 1.0 - self._filled(now)
        return now if missing <= 0 else now + missing / self.rate

    def spend(self, at: float) -> Pace:
        """The pace after a start at `at`."""
        return replace(self, tokens=max(-_DEBT, self._filled(at) - 1.0), at=at)

    def _filled(self, now: float) -> float:
        return min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)
