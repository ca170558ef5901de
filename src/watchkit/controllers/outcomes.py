"""What came of one reconcile, as a value, and how many had which outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

import anyio

from watchkit.controllers import work_queue
from watchkit.controllers.requests import Request, Result
from watchkit.core.errors import TerminalError
from watchkit.core.histogram import Distribution, Histogram

Reconcile: TypeAlias = Callable[[Request], Awaitable[Result | None]]
Verdict: TypeAlias = Literal[
    "success", "requeue_after", "error", "timeout", "terminal", "cancelled"
]

_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds; those of controller-runtime, fewer."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """All is well; look again in `requeue_after` seconds, if at all."""

    requeue_after: float | None

    @property
    def verdict(self) -> Verdict:
        """In a word."""
        return "success" if self.requeue_after is None else "requeue_after"


@dataclass(frozen=True, slots=True)
class Failed:
    """It raised, or took too long: it is tried again."""

    error: BaseException
    verdict: Verdict = "error"


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It raised what trying again does not heal."""

    error: Exception
    verdict: Verdict = "terminal"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It was still at work at the end of the grace period."""

    verdict: Verdict = "cancelled"


Outcome: TypeAlias = Succeeded | Failed | GivenUp | Cancelled


async def attempt(reconcile: Reconcile, request: Request, timeout: float | None) -> Outcome:
    """Reconcile once; what that raises is an outcome, a cancellation from outside is not."""
    with anyio.move_on_after(timeout):
        try:
            result = await reconcile(request)
        except Exception as error:  # noqa: BLE001 - a reconcile may raise anything
            return failed(error)
        return succeeded(result)
    return Failed(TimeoutError(f"a reconcile took longer than {timeout:g} s"), "timeout")


def succeeded(result: object) -> Outcome:
    """Judge what a reconcile gave back: the types of Python don't hold it to a Result."""
    match result:
        case None:
            return Succeeded(None)
        case Result(requeue_after):
            return Succeeded(requeue_after)
        case _:
            return Failed(TypeError(f"a reconcile gives a Result or None, not {result!r:.80}"))


def failed(error: Exception) -> Outcome:
    """Judge what a reconcile raised; of a group, all has to be terminal."""
    return GivenUp(error) if _is_terminal(error) else Failed(error)


def _is_terminal(error: object) -> bool:
    if isinstance(error, ExceptionGroup):
        return cast("ExceptionGroup[Exception]", error).split(TerminalError)[1] is None
    return isinstance(error, TerminalError)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a controller has done so far, and what it is doing.

    `running` reconciles are at work, on at most `workers` at once. `results` counts those that
    ended, by outcome: success, requeue_after, error, timeout, terminal, cancelled. `duration` is
    how long they took, in seconds.
    """

    workers: int
    running: int
    results: Mapping[Verdict, int]
    duration: Distribution
    queue: work_queue.Statistics

    @property
    def errors(self) -> int:
        """How many reconciles failed, however."""
        return sum(self.results.get(each, 0) for each in ("error", "timeout", "terminal"))


class Tally:
    """Counts the reconciles of a controller, over all its runs."""

    def __init__(self) -> None:
        self.running: int = 0
        self._results: Counter[Verdict] = Counter()
        self._duration = Histogram(_BOUNDS)

    def count(self, outcome: Outcome, duration: float) -> None:
        """Count one that ended."""
        self._results[outcome.verdict] += 1
        self._duration.observe(duration)

    def statistics(self, workers: int, queue: work_queue.Statistics) -> Statistics:
        """Give what was counted, as a value."""
        duration = self._duration.snapshot()
        return Statistics(workers, self.running, dict(self._results), duration, queue)
