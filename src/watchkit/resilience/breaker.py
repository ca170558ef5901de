"""CircuitBreaker: a server that fails again and again is left alone for a while."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import anyio

from watchkit.core.breaker import Breaker, Circuit
from watchkit.core.classify import shows_outage
from watchkit.core.errors import CircuitOpen
from watchkit.observe import calls

P = ParamSpec("P")
T = TypeVar("T")


class CircuitBreaker:
    """Opens when `failure_rate` of the last `window` calls failed, for `open_for` seconds.

    Failures are transport faults and answers of 5xx; any other end of a call, an answer of 4xx
    too, shows a server that works. It is judged once `window` outcomes are in. Then one call
    may try: its success closes the circuit, its failure opens it again. `name` is for the log.

    Raises:
        ValueError: a rate outside (0, 1], a window below 1, a time below 0.

    """

    def __init__(
        self,
        failure_rate: float = 0.5,
        window: int = 10,
        open_for: float = 1.0,
        *,
        name: str = "",
    ) -> None:
        self._breaker = Breaker(failure_rate, window, open_for)
        self._name = name
        self._rejected = 0

    async def call(self, f: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Await `f(...)` if the circuit lets it through; what it raises is raised as it came.

        A cancelled call has no outcome and counts as none.

        Raises:
            CircuitOpen: it was not called.

        """
        turn = self._admit()
        try:
            result = await f(*args, **kwargs)
        except Exception as error:
            self._settle(turn, failed=shows_outage(error))
            raise
        except BaseException:
            self._breaker = self._breaker.abandon(turn)
            raise
        self._settle(turn, failed=False)
        return result

    def _admit(self) -> int:
        now = anyio.current_time()
        admitted = self._breaker.admit(now)
        if admitted is None:
            self._rejected += 1
            raise CircuitOpen(max(now, self._breaker.until), self._name)
        self._become(admitted)
        return admitted.turn

    def _settle(self, turn: int, *, failed: bool) -> None:
        self._become(self._breaker.settle(turn, failed=failed, now=anyio.current_time()))

    def _become(self, breaker: Breaker) -> None:
        turned = breaker.turn != self._breaker.turn
        self._breaker = breaker
        if turned:
            calls.turned(self._name, breaker.circuit, breaker.until)

    @property
    def statistics(self) -> dict[str, int]:
        """The failures among the outcomes in the window, the changes, the calls rejected."""
        return {
            "outcomes": len(self._breaker.outcomes),
            "failures": sum(self._breaker.outcomes),
            "changes": self._breaker.turn,
            "rejected": self._rejected,
        }

    @property
    def is_closed(self) -> bool:
        """Whether calls go through without question."""
        return self._breaker.circuit is Circuit.CLOSED

    def __repr__(self) -> str:
        of = f" {self._name}" if self._name else ""
        failures, outcomes = sum(self._breaker.outcomes), len(self._breaker.outcomes)
        return f"<CircuitBreaker{of} {self._breaker.circuit.value}, {failures}/{outcomes} failed>"
