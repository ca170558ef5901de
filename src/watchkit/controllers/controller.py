"""Controller: what changes is reconciled, one key at a time, until it succeeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from anyio.abc import ObjectReceiveStream

from watchkit.controllers.enqueueing import enqueue_object
from watchkit.controllers.outcomes import Reconcile
from watchkit.controllers.requests import Request
from watchkit.controllers.running import Run
from watchkit.controllers.sources import Watched
from watchkit.controllers.work_queue import WorkQueue
from watchkit.controllers.workers import Settings, Workers
from watchkit.core.counting import ReconcileTally
from watchkit.core.events import Change
from watchkit.core.limiters import Limiter
from watchkit.core.statistics import ControllerState, ControllerStatistics
from watchkit.informer.shared_informer import SharedInformer

T = TypeVar("T")


class Controller:
    """Calls `reconcile` for what changes, again and again until it succeeds.

    No key is reconciled twice at once; changes that come meanwhile lead to one more reconcile
    after it. What was there before it began comes last. A reconcile that raises, or takes longer
    than `timeout` seconds, is tried again after the delay of `rate_limiter` (by default
    `WorkQueue`'s); one that raises `TerminalError` is not, until something changes; `Result` says
    when to look again without a change. Nothing that a reconcile raises ends the controller.

    Cancelled, it takes no key any more, lets running reconciles end within `grace` seconds, then
    cancels them; where that is because a `LeaderElector` lost its lease, at once. A reconcile's
    writes should carry the version that it read: who took over is protected by that.

    Within a reconcile, `controller`, `key` and `reconcile_id` are bound to structlog's context.
    `queue` is for keys from elsewhere; it is not closed with the controller.

    Raises:
        ValueError: a number that makes no sense, no name, or both a limiter and a queue.

    """

    def __init__(
        self,
        reconcile: Reconcile,
        *,
        name: str,
        workers: int = 1,
        rate_limiter: Limiter[Request] | None = None,
        queue: WorkQueue[Request] | None = None,
        timeout: float | None = None,
        grace: float = 30.0,
    ) -> None:
        if queue is not None and rate_limiter is not None:
            raise ValueError("a queue has its own rate_limiter: give it that one")
        self._settings = Settings(name, workers, timeout, grace)
        self._queue: WorkQueue[Request] = WorkQueue(rate_limiter) if queue is None else queue
        self._queue.name = self._queue.name or name
        self._tally = ReconcileTally(name)
        self._workers = Workers(reconcile, self._queue, self._settings, self._tally)
        self._sources: list[Watched] = []
        self._run: Run | None = None

    @property
    def name(self) -> str:
        """The controller's name, in logs and as a label."""
        return self._settings.name

    @property
    def queue(self) -> WorkQueue[Request]:
        """The requests that wait, and those that are worked on."""
        return self._queue

    @property
    def tally(self) -> ReconcileTally:
        """The counters of what came of its reconciles, which outlive it."""
        return self._tally

    @overload
    def watches(
        self,
        informer: SharedInformer[T],
        enqueue: Callable[[Change[T]], Iterable[Request]] = enqueue_object,
        *,
        predicates: Iterable[Callable[[Change[T]], object]] = (),
    ) -> None: ...

    @overload
    def watches(
        self,
        informer: ObjectReceiveStream[T],
        enqueue: Callable[[T], Iterable[Request]] = ...,
        *,
        predicates: Iterable[Callable[[T], object]] = (),
    ) -> None: ...

    def watches(
        self,
        informer: SharedInformer[Any] | ObjectReceiveStream[Any],
        enqueue: Callable[[Any], Iterable[Request]] = enqueue_object,
        *,
        predicates: Iterable[Callable[[Any], object]] = (),
    ) -> None:
        """Let each change that all predicates want lead to the requests that `enqueue` gives.

        Each run begins with all that the informer caches, at a low priority. Where a predicate
        or `enqueue` raises, a change would be lost: that ends the run with this error.

        Other sources send into a memory stream, whose receiving end is given in an informer's
        place. What comes by it is treated like a change; as it is, a `Request`, or whatever has a
        `namespace` and a `name`, asks for that object. It is read while the controller runs.

        Raises:
            RuntimeError: the controller is running.
            TypeError: neither an informer nor a receive stream.

        """
        if self._run is not None:
            raise RuntimeError(f"controller {self.name} is running: let it watch before that")
        self._sources.append(Watched(informer, enqueue, tuple(predicates)))

    async def run(self) -> None:
        """Wait until every watched informer has synced, then work until cancelled.

        It can be run again, after leadership was lost for example: then all that is cached is
        enqueued again. If a queue was given and is closed, it ends when that is drained.

        Raises:
            LeadershipLost: it was to reconcile for a `LeaderElector` whose term is over.
            RuntimeError: it is running already.
            WatchkitError: an informer ended; a fatal error of an informer, and what a predicate
                or an enqueue function raised, is raised as itself.

        """
        if self._run is not None:
            raise RuntimeError(f"controller {self.name} is running already")
        self._run = Run(self._workers, self._queue, self._sources, self._settings)
        try:
            await self._run.go()
        finally:
            self._run = None

    def statistics(self) -> ControllerStatistics:
        """Count what was reconciled so far, over all runs; may be read from any thread."""
        done = self._tally.statistics()
        return ControllerStatistics(
            done.controller,
            done.results,
            done.duration,
            state=self._state,
            workers=self._settings.workers,
            running=len(self._workers),
            queue=self._queue.statistics(),
        )

    def is_live(self, max_age: float) -> bool:
        """Whether no reconcile is at work `max_age` seconds after it had to end.

        For a liveness probe. It has to end at its `timeout`, and at the end of the grace period;
        one that is still at work much later does not heed its cancellation, and only a restart
        ends it. Without a timeout a reconcile may take as long as it likes.
        """
        return self._workers.overdue <= max_age

    @property
    def _state(self) -> ControllerState:
        return "stopped" if self._run is None else self._run.state

    def __repr__(self) -> str:
        counts = f"running={len(self._workers)}/{self._settings.workers} queue={self._queue!r}"
        return f"<Controller {self.name} {self._state} {counts}>"
