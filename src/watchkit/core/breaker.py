"""Whether a server is asked at all: a circuit breaker as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum


class Circuit(Enum):
    """What a breaker lets through: everything, nothing, or one call to try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """Opens once `failure_rate` of the last `window` outcomes are failures, for `open_for` seconds.

    It is judged once `window` outcomes are in. After `open_for` seconds one call goes through:
    its success closes the circuit, with a new window, its failure opens it again. `turn` counts
    the changes: the outcome of a call that began before the last one says nothing any more.

    Raises:
        ValueError: a rate outside (0, 1], a window below 1, a time below 0.

    """

    failure_rate: float = 0.5
    window: int = 10
    open_for: float = 1.0
    circuit: Circuit = Circuit.CLOSED
    outcomes: tuple[bool, ...] = ()
    until: float = 0.0
    probing: bool = False
    turn: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.failure_rate <= 1:
            raise ValueError(f"failure_rate is above 0 and at most 1, not {self.failure_rate!r}")
        if self.window < 1 or self.window != int(self.window):
            raise ValueError(f"window is a number of outcomes, at least 1, not {self.window!r}")
        if not 0 <= self.open_for < math.inf:
            raise ValueError(f"open_for is in seconds >= 0, not {self.open_for!r}")

    def admit(self, now: float) -> Breaker | None:
        """Give the breaker with one more call under way, None where that may not begin."""
        match self.circuit:
            case Circuit.CLOSED:
                return self
            case Circuit.OPEN if now < self.until:
                return None
            case Circuit.HALF_OPEN if self.probing:
                return None
            case Circuit.OPEN:
                return self._turned(Circuit.HALF_OPEN, probing=True)
            case Circuit.HALF_OPEN:
                return replace(self, probing=True)

    def settle(self, turn: int, *, failed: bool, now: float) -> Breaker:
        """Give the breaker after the outcome of a call that was admitted in `turn`."""
        if turn != self.turn:
            return self
        if self.circuit is Circuit.HALF_OPEN:
            return self._opened(now) if failed else self._turned(Circuit.CLOSED)
        outcomes = (*self.outcomes, failed)[-self.window :]
        full = len(outcomes) == self.window
        if full and sum(outcomes) >= self.failure_rate * self.window:
            return self._opened(now)
        return replace(self, outcomes=outcomes)

    def abandon(self, turn: int) -> Breaker:
        """Give the breaker after a call of `turn` that has no outcome: it was cancelled."""
        return replace(self, probing=False) if turn == self.turn else self

    def _opened(self, now: float) -> Breaker:
        return replace(self._turned(Circuit.OPEN), until=now + self.open_for)

    def _turned(self, circuit: Circuit, *, probing: bool = False) -> Breaker:
        return replace(self, circuit=circuit, outcomes=(), probing=probing, turn=self.turn + 1)
