"""Says what becomes of a controller and its reconciles as structlog events."""

from __future__ import annotations

from contextlib import AbstractContextManager

import structlog

from watchkit.core.classify import as_ours
from watchkit.core.errors import WatchkitError
from watchkit.observe.tracebacks import Raised, raised


def _log() -> structlog.typing.FilteringBoundLogger:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger("watchkit")
    return log


class ControllerObserver:
    """The log of one controller: every event carries its name."""

    def __init__(self, controller: str) -> None:
        self._controller = controller

    def waiting(self, sources: int) -> None:
        """Say that it waits until what it watches has synced."""
        _log().info("controller.waiting", controller=self._controller, sources=sources)

    def started(self, workers: int, queued: int) -> None:
        """Say that all it watches has synced, and that it reconciles from now on."""
        keys = {"workers": workers, "queued": queued}
        _log().info("controller.started", controller=self._controller, **keys)

    def draining(self, running: int, grace: float) -> None:
        """Say that it takes no new key, and how long those that are worked on may take."""
        keys = {"running": running, "grace": grace}
        _log().info("controller.draining", controller=self._controller, **keys)

    def stopped(self, queued: int) -> None:
        """Say that nothing of it runs any more."""
        _log().info("controller.stopped", controller=self._controller, queued=queued)

    def failed(self, error: BaseException) -> None:
        """Say what ended it; it is raised, too."""
        cause, shown = _told(error)
        name = self._controller
        _log().error("controller.failed", controller=name, cause=cause, exc_info=shown)

    def enqueue_failed(self, key: str, error: Exception) -> None:
        """Say over what a predicate or an enqueue function raised; that ends the controller."""
        keys = {"controller": self._controller, "key": key}
        cause, shown = _told(error)
        _log().error("enqueue.failed", **keys, cause=cause, exc_info=shown)


class ReconcileObserver:
    """The log of one reconcile: every event carries the controller, the key, and an id of its own.

    So does what the reconcile itself logs through structlog, within `bound()`.
    """

    def __init__(self, controller: str, key: str, reconcile_id: str) -> None:
        self._keys = {"controller": controller, "key": key, "reconcile_id": reconcile_id}

    def bound(self) -> AbstractContextManager[None]:
        """Bind the keys into the context, for structlog's `merge_contextvars`."""
        return structlog.contextvars.bound_contextvars(**self._keys)

    def started(self) -> None:
        """Say that it begins."""
        _log().debug("reconcile.started", **self._keys)

    def done(self, duration: float, requeue_after: float | None) -> None:
        """Say that it succeeded, and in how many seconds it comes again of itself."""
        keys = {"duration": duration, "requeue_after": requeue_after}
        _log().debug("reconcile.done", **self._keys, **keys)

    def failed(self, duration: float, attempt: int, delay: float, error: BaseException) -> None:
        """Say that it failed, for the how manieth time, and when it is tried again."""
        cause, shown = _told(error)
        keys = {"duration": duration, "attempt": attempt, "delay": delay}
        _log().error("reconcile.failed", **self._keys, **keys, cause=cause, exc_info=shown)

    def given_up(self, duration: float, error: BaseException) -> None:
        """Say that it failed in a way that trying again does not heal."""
        cause, shown = _told(error)
        keys = {"duration": duration, "cause": cause}
        _log().error("reconcile.given_up", **self._keys, **keys, exc_info=shown)

    def cancelled(self, duration: float) -> None:
        """Say that it was still at work at the end of the grace period."""
        _log().warning("reconcile.cancelled", **self._keys, duration=duration)


def _told(error: BaseException) -> tuple[str, Raised]:
    """Say what an error means, and give what is to be shown as a traceback.

    Of an answer of the API server, what it means is shown in its place: the text of the original
    holds the whole body.
    """
    ours = as_ours(error)
    said = str(ours) if isinstance(ours, WatchkitError) else f"{type(error).__name__}: {error}"
    return said, raised(error, ours)
