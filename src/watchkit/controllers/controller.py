"""Controller: what changes is reconciled, one key at a time, until it succeeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from anyio.abc import ObjectReceiveStream

from watchkit.controllers.enqueueing import enqueue_object
from watchkit.controllers.outcomes import Reconcile, Statistics, Tally
from watchkit.controllers.requests import Request
from watchkit.controllers.running import Run
from watchkit.controllers.sources import Watched
from watchkit.controllers.work_queue import WorkQueue
from watchkit.controllers.workers import Settings, Workers
from watchkit.core.events import Change
from watchkit.core.limiters import Limiter
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
        self._tally = Tally()
        self._workers = Workers(reconcile, self._queue, self._settings, self._tally)
        self._sources: list[Watched] = []
        self._run: Run | None = None

    @property
    def name(self) -> str:
        """The controller's name, in logs and as a label."""
        return self._settings.name

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

    def statistics(self) -> Statistics:
        """Count what was reconciled so far, over all runs, and what the queue holds."""
        return self._tally.statistics(self._settings.workers, self._queue.statistics())

    def __repr__(self) -> str:
        state = "stopped" if self._run is None else self._run.state
        counts = f"running={self._tally.running}/{self._settings.workers} queue={self._queue!r}"
        return f"<Controller {self.name} {state} {counts}>"
