"""The workers of a controller: they take requests, reconcile, and settle what came of that."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never
from uuid import uuid4

import anyio

from watchkit.controllers.fencing import fencing_token
from watchkit.controllers.outcomes import (
    Cancelled,
    Failed,
    GivenUp,
    Outcome,
    Reconcile,
    Succeeded,
    attempt,
)
from watchkit.controllers.requests import Request
from watchkit.controllers.work_queue import WorkQueue
from watchkit.core.counting import ReconcileTally
from watchkit.observe.reconciling import ReconcileObserver


@dataclass(frozen=True, slots=True)
class Settings:
    """How a controller works.

    Raises:
        ValueError: a value that makes no sense; the text says why.

    """

    name: str
    workers: int
    timeout: float | None
    grace: float

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a controller has a name: its logs and metrics carry it")
        if self.workers < 1 or self.workers != int(self.workers):
            raise ValueError(f"workers is a number, at least 1, not {self.workers!r}")
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout is in seconds, above 0, or None, not {self.timeout!r}")
        if not self.grace >= 0:
            raise ValueError(f"grace is in seconds >= 0, not {self.grace!r}")


class Workers:
    """Reconcile what the queue gives out; a reconcile that began is let end in peace, for a while.

    Each runs shielded from the cancellation of its worker; `drain` says until when.
    """

    def __init__(
        self,
        reconcile: Reconcile,
        queue: WorkQueue[Request],
        settings: Settings,
        tally: ReconcileTally,
    ) -> None:
        self._reconcile = reconcile
        self._queue = queue
        self._settings = settings
        self._tally = tally
        self._at_work: dict[anyio.CancelScope, float] = {}  # when its reconcile times out
        self._ended: anyio.Event | None = None

    def __len__(self) -> int:
        """How many reconciles are at work."""
        return len(self._at_work)

    @property
    def overdue(self) -> float:
        """For how many seconds a reconcile has been at work that had to end; 0: there is none."""
        now = anyio.current_time()
        late = (now - min(due, scope.deadline) for scope, due in self._at_work.items())
        return max(0.0, *late) if self._at_work else 0.0

    def drain(self, grace: float) -> None:
        """Cancel the reconciles that are still at work after as many seconds."""
        last = anyio.current_time() + grace
        for scope in self._at_work:
            scope.deadline = min(scope.deadline, last)

    async def ended(self) -> None:
        """Wait until a reconcile has ended."""
        self._ended = self._ended or anyio.Event()
        await self._ended.wait()

    async def work(self) -> None:
        """Be one worker: until cancelled, or until the queue was closed and is drained.

        What is cancelled is its waiting: then it takes no key any more.

        Raises:
            LeadershipLost: the term of the lease under which it works is over; the key waits on.

        """
        while True:
            try:
                request = await self._queue.get()
            except anyio.EndOfStream:
                return
            try:
                self._check_term(request)
                await self._work_on(request)
            finally:
                self._queue.done(request)

    def _check_term(self, request: Request) -> None:
        """Begin nothing for a lease that is lost: who was frozen hears of his cancellation late."""
        token = fencing_token()
        if token is not None and not token.is_valid:
            self._queue.add_after(request, 0)
            token.check()

    async def _work_on(self, request: Request) -> None:
        observer = ReconcileObserver(self._settings.name, request.key, str(uuid4()))
        began = anyio.current_time()
        observer.started()
        outcome = await self._shielded(request, observer)
        duration = anyio.current_time() - began
        self._tally.count(outcome.verdict, duration)
        self._settle(request, outcome, duration, observer)

    async def _shielded(self, request: Request, observer: ReconcileObserver) -> Outcome:
        outcome: Outcome = Cancelled()
        with anyio.CancelScope(shield=True) as scope, observer.bound():
            timeout = self._settings.timeout
            self._at_work[scope] = math.inf if timeout is None else anyio.current_time() + timeout
            try:
                outcome = await attempt(self._reconcile, request, timeout)
            except anyio.get_cancelled_exc_class() as error:
                if scope.cancel_called:
                    raise
                # asyncio only: the reconcile awaited something that somebody else cancelled. As
                # a cancellation it would end the worker, and with it the controller, in silence.
                outcome = Failed(error)
            finally:
                del self._at_work[scope]
                if self._ended is not None:
                    self._ended.set()
                    self._ended = None
        return outcome

    def _settle(
        self, request: Request, outcome: Outcome, duration: float, observer: ReconcileObserver
    ) -> None:
        queue = self._queue
        match outcome:
            case Succeeded(requeue_after):
                queue.forget(request)
                if requeue_after is not None:
                    queue.add_after(request, requeue_after)
                observer.done(duration, requeue_after)
            case Failed(error):
                delay = queue.add_rate_limited(request)
                observer.failed(duration, queue.failures(request), delay, error)
            case GivenUp(error):
                queue.forget(request)
                observer.given_up(duration, error)
            case Cancelled():
                queue.add_after(request, 0)  # for the next run
                observer.cancelled(duration)
            case _:
                assert_never(outcome)
