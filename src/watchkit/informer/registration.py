"""Registration: one handler of an informer's changes, run at its own pace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeAlias

import anyio
import anyio.lowlevel

from watchkit.core.errors import WatchkitError
from watchkit.core.events import Change
from watchkit.informer.handler import Handler, teller
from watchkit.informer.outlet import Outlet
from watchkit.informer.records import T

OnError: TypeAlias = Literal["log", "fail"]

_TURN: Final = 100
"""Changes after which a handler that never waits lets others run."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a handler has done so far, and what waits for it.

    `queued` changes wait (with delivery="latest", one entry per key), `peak` is the most that
    ever did; `running` are being handled; of `received` ones, `handled` were given to the
    handler, `failed` of them raised.
    """

    queued: int
    peak: int
    running: int
    received: int
    handled: int
    failed: int


class Registration(Generic[T]):
    """A handler that was added to an informer.

    Made by `SharedInformer.add_event_handler`.
    """

    def __init__(
        self,
        handler: Handler[T],
        outlet: Outlet[T],
        *,
        concurrency: int,
        on_error: OnError,
        on_failure: Callable[[Exception, Change[T]], None],
        on_removed: Callable[[Outlet[T]], None],
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1 call at once, not {concurrency}")
        if on_error not in {"log", "fail"}:
            raise ValueError(f"on_error is 'log' or 'fail', not {on_error!r}")
        self.outlet = outlet
        self._tell = teller(handler)
        self._concurrency = concurrency
        self._on_failure = on_failure
        self._on_removed = on_removed
        self._running = 0
        self._handled = 0
        self._failed = 0

    @property
    def name(self) -> str:
        """The handler's name, in logs, in `health.held_by`, and as a label."""
        return self.outlet.name

    def remove(self) -> None:
        """Call the handler no more; what waits is dropped. Never waits; a second call is nothing.

        An async call that runs goes on to its end.
        """
        self.outlet.close(WatchkitError(f"handler {self.name} was removed"))
        self._on_removed(self.outlet)

    async def wait_for_sync(self, timeout: float | None = None) -> None:
        """Wait until the handler has handled all that was cached when it was added.

        A call that raised counts as handled.

        Raises:
            WatchkitError: the handler was removed first, or the informer ended; a fatal error
                of the informer is raised as itself.
            TimeoutError: that took longer than `timeout` seconds.

        """
        if not self.outlet.synced.is_set():
            with anyio.fail_after(timeout):
                await self.outlet.synced.wait()
        if self.outlet.error is not None:
            await anyio.lowlevel.checkpoint_if_cancelled()  # who is cancelled too is no failure
            raise self.outlet.error

    def statistics(self) -> Statistics:
        """Count what was handled, and what waits."""
        outlet = self.outlet
        return Statistics(
            queued=len(outlet.queue),
            peak=outlet.peak,
            running=self._running,
            received=outlet.received,
            handled=self._handled,
            failed=self._failed,
        )

    def __repr__(self) -> str:
        state = "" if self.outlet.is_open else " removed"
        return f"<Registration {self.name} queued={len(self.outlet.queue)}{state}>"

    async def run(self) -> None:
        """Handle changes until removed or cancelled."""
        if self._concurrency == 1:
            await self._work()
            return
        async with anyio.create_task_group() as workers:
            for _ in range(self._concurrency):
                workers.start_soon(self._work)

    async def _work(self) -> None:
        while self.outlet.is_open:
            if await self._turn() == _TURN:
                await anyio.lowlevel.checkpoint()
            elif self.outlet.is_open:
                await self.outlet.more()

    async def _turn(self) -> int:
        """Handle what there is, up to a number; how many that were."""
        count, tell = 0, self._tell
        for change in self.outlet.each(_TURN):
            count += 1
            # In this coroutine itself: one of its own for each costs as much as the rest.
            self._running += 1
            try:
                rest = tell(change)
                if rest is not None:
                    await rest
            except Exception as error:  # noqa: BLE001 - a handler may raise anything
                self._failed += 1
                self._on_failure(error, change)
            finally:
                self._running -= 1
            self._handled += 1
        return count
