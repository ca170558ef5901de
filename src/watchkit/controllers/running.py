"""One run of a controller: it waits for its sources, works, drains, and ends with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import anyio
from anyio.abc import ObjectReceiveStream

from watchkit.controllers.fencing import FencingToken, fencing_token
from watchkit.controllers.requests import Request
from watchkit.controllers.sources import Watched, priority_of
from watchkit.controllers.work_queue import WorkQueue
from watchkit.controllers.workers import Settings, Workers
from watchkit.core.errors import WatchkitError
from watchkit.core.statistics import ControllerState
from watchkit.informer.life import Life
from watchkit.informer.registration import Registration
from watchkit.informer.shared_informer import SharedInformer
from watchkit.observe.reconciling import ControllerObserver

_LOOK: Final = 0.5
"""Seconds between two looks at a lease; others wait for longer than that before they take it."""


class Run:
    """What feeds the queue of a controller, and the workers, from one start to its end."""

    def __init__(
        self,
        workers: Workers,
        queue: WorkQueue[Request],
        sources: Sequence[Watched],
        settings: Settings,
    ) -> None:
        self.state: ControllerState = "waiting"
        self._workers = workers
        self._queue = queue
        self._sources = sources
        self._settings = settings
        self._observer = ControllerObserver(settings.name)
        self._life = Life(f"controller {settings.name}", self._drain)
        self._registrations: list[Registration[Any]] = []
        self._working = settings.workers
        self._token = fencing_token()

    async def go(self) -> None:
        """Work until cancelled, until the queue was closed and is drained, or until it fails.

        Raises:
            WatchkitError: a worker was cancelled by nobody knows whom; a fatal error is raised
                as itself, never inside an ExceptionGroup.

        """
        try:
            async with self._life.block():
                await self._sync()
                self._start()
                await self._life.until(lambda: self._working == 0)
            self._check()
        except Exception as error:
            self._observer.failed(error)
            raise
        finally:
            self._observer.stopped(len(self._queue))

    async def _sync(self) -> None:
        """Let everything feed the queue, and wait until all that is there has been told."""
        self._observer.waiting(len(self._sources))
        informers: list[SharedInformer[Any]] = []
        for watched in self._sources:
            source = watched.source
            if isinstance(source, ObjectReceiveStream):
                self._life.start(partial(self._read, source, watched))
                continue
            tell = partial(self._tell, watched)
            name = f"controller {self._settings.name}"
            self._registrations.append(source.add_event_handler(on_change=tell, name=name))
            self._life.start(source.run_forever)  # raises what ends it
            informers.append(source)
        for informer in informers:
            await informer.wait_for_sync()
        for registration in self._registrations:
            await registration.wait_for_sync()

    def _start(self) -> None:
        self.state = "working"
        self._observer.started(self._working, len(self._queue))
        if self._token is not None:
            self._life.start(partial(self._oversee, self._token))
        for _ in range(self._working):
            self._life.start(self._work)

    def _check(self) -> None:
        """Raise where it has ended though nobody ended it: asyncio lets a task be cancelled alone.

        Such a cancellation of a worker ends the others too, and would leave no error behind.
        """
        if self._working:
            raise WatchkitError(f"a worker of controller {self._settings.name} was cancelled")

    async def _work(self) -> None:
        await self._workers.work()
        self._working -= 1
        self._life.notify()

    async def _oversee(self, token: FencingToken) -> None:
        """End reconciles with the term of the lease, also while they are let end in peace."""
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                while len(self._workers) and token.is_valid:
                    with anyio.move_on_after(_LOOK):
                        await self._workers.ended()
                self._workers.drain(0.0)

    async def _read(self, stream: ObjectReceiveStream[Any], watched: Watched) -> None:
        """Take in what comes by a stream; its end is not the controller's."""
        try:
            while True:
                self._tell(watched, await stream.receive())
        except anyio.EndOfStream:
            return

    def _tell(self, watched: Watched, item: object) -> None:
        """Enqueue what is asked for; where that raises, a key would be lost, so it ends the run."""
        try:
            for request in watched.requests(item):
                self._queue.add(request, priority_of(item))
        except Exception as error:  # noqa: BLE001 - it may raise anything
            self._observer.enqueue_failed(str(getattr(item, "key", item)), error)
            self._life.fail(error)

    def _drain(self, failure: BaseException | None) -> None:  # noqa: ARG002 - go() raises it
        """Take nothing in any more, and let the reconciles that are at work end.

        Not so where a lease was lost: another one may begin soon, and shall find nobody at work.
        """
        self.state = "draining"
        is_lost = self._token is not None and not self._token.is_valid
        grace = 0.0 if is_lost else self._settings.grace
        for registration in self._registrations:
            registration.remove()
        if len(self._workers):
            self._observer.draining(len(self._workers), grace)
        self._workers.drain(grace)
