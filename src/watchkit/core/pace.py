"""How often a watcher may start requests at all: promise C7, whatever a server does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchkit.core.backoff import Backoff

_BURST = 3.0
"""C7's 2 requests at once, and the first of an endless failure."""
_RATE = 1.0
"""C7's W/1 s."""
_MOST = 100.0
"""Requests a second even where the back-off is none at all."""
_DEBT = 30.0
"""Seconds, at most, until requests that were borrowed are paid back; the usual cap of a wait."""


@dataclass(frozen=True, slots=True)
class Pace:
    """A token bucket over the starts of lists and watches (pages and probes are free).

    Back-off slows failures down; it does not slow a server down that makes a little progress
    and hangs up, over and over. A start that follows progress waits for a token. One that
    follows a failure after a failure waits for its back-off alone, but takes a token too, as a
    debt at need: so what a run of failures sends beyond one a second, an endless failure would
    have sent as well, and the next run of them starts no sooner than that is paid back.
    """

    rate: float = _RATE
    tokens: float = _BURST
    at: float = 0.0

    @classmethod
    def beside(cls, backoff: Backoff, now: float) -> Pace:
        """The pace of C7 for a back-off: never slower than what that alone would send for ever."""
        longest = backoff.delay_at_cap(0.5)
        return cls(rate=max(_RATE, min(_MOST, 1.0 / longest) if longest > 0 else _MOST), at=now)

    def free_at(self, now: float) -> float:
        """When the next token is there, at the earliest `now`."""
        missing = 1.0 - self._filled(now)
        return now if missing <= 0 else max(now, self.at) + missing / self.rate

    def spend(self, at: float) -> Pace:
        """The pace after a start at `at`."""
        tokens = max(-_DEBT * self.rate, self._filled(at) - 1.0)
        return replace(self, tokens=tokens, at=max(at, self.at))

    def _filled(self, now: float) -> float:
        return min(_BURST, self.tokens + max(0.0, now - self.at) * self.rate)
