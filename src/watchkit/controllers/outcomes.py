"""What came of one reconcile, as a value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias, cast

import anyio

from watchkit.controllers.requests import Request, Result
from watchkit.core.errors import TerminalError
from watchkit.core.statistics import ReconcileResult

Reconcile: TypeAlias = Callable[[Request], Awaitable[Result | None]]


@dataclass(frozen=True, slots=True)
class Succeeded:
    """All is well; look again in `requeue_after` seconds, if at all."""

    requeue_after: float | None

    @property
    def verdict(self) -> ReconcileResult:
        """In a word."""
        return "success" if self.requeue_after is None else "requeue_after"


@dataclass(frozen=True, slots=True)
class Failed:
    """It raised, or took too long: it is tried again."""

    error: BaseException
    verdict: ReconcileResult = "error"


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It raised what trying again does not heal."""

    error: Exception
    verdict: ReconcileResult = "terminal"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It was still at work at the end of the grace period."""

    verdict: ReconcileResult = "cancelled"


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
