"""The life of an informer: one block, the tasks in it, the error that ends it, those who wait."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from watchkit.core.errors import WatchkitError

Part = Callable[[], Awaitable[None]]


class Life:
    """Runs parts from the entering of its block to the end of that, or to the first error.

    `on_end` is called once, with the error that ended it, if any.
    """

    def __init__(self, what: str, on_end: Callable[[BaseException | None], None]) -> None:
        self.failure: BaseException | None = None
        self.is_begun: bool = False
        self.is_ended: bool = False
        self._what = what
        self._on_end = on_end
        self._parts: list[Part] = []
        self._group: TaskGroup | None = None
        self._news: anyio.Event | None = None

    def start(self, part: Part) -> None:
        """Run a part: now, or once the block is entered."""
        if self._group is not None:
            self._group.start_soon(self._guard, part)
        else:
            self._parts.append(part)

    def fail(self, error: BaseException) -> None:
        """End: the block is cancelled, and left with this error as itself.

        Those who wait are woken before that: they get the error rather than the cancellation.
        """
        if self.is_ended:
            return
        self.failure = error
        self._end()
        if self._group is not None:
            self._group.cancel_scope.cancel()

    def check(self) -> None:
        """Raise where it has ended.

        Raises:
            WatchkitError: it has; the cause is the error that ended it.

        """
        if self.is_ended:
            raise WatchkitError(f"the informer of {self._what} has ended") from self.failure

    @asynccontextmanager
    async def block(self) -> AsyncGenerator[None]:
        """Run everything while the block runs; an error leaves it as itself, never in a group."""
        if self.is_begun:
            raise RuntimeError("an informer is entered once: make a new one")
        self.is_begun = True
        raised: BaseException | None = None
        async with anyio.create_task_group() as group:
            self._begin(group)
            try:
                yield
            except BaseException as error:
                raised = without_cancellation(error)
                if raised is None:
                    raise
            finally:
                self._end()
                group.cancel_scope.cancel()
        fatal = self.failure or raised
        if fatal is not None:
            raise fatal

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, looking whenever something moved.

        Raises:
            WatchkitError: it has ended; the error that ended it, as itself.

        """
        while not holds():
            if self.failure is not None:
                raise self.failure
            if self.is_ended:
                await anyio.lowlevel.checkpoint_if_cancelled()  # who is cancelled too is no failure
            self.check()
            self._news = self._news or anyio.Event()
            await self._news.wait()

    def notify(self) -> None:
        """Let all that wait look again."""
        if self._news is not None:
            self._news.set()
            self._news = None

    def _begin(self, group: TaskGroup) -> None:
        self._group = group
        for part in self._parts:
            group.start_soon(self._guard, part)
        self._parts.clear()

    async def _guard(self, part: Part) -> None:
        try:
            await part()
        except (anyio.get_cancelled_exc_class(), GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - it leaves the block instead of the group
            self.fail(error)

    def _end(self) -> None:
        if self.is_ended:
            return
        self.is_ended = True
        self._on_end(self.failure)
        self.notify()


def without_cancellation(error: BaseException) -> BaseException | None:
    """What the block itself raised, None where it was but cancelled."""
    cancelled = anyio.get_cancelled_exc_class()
    if isinstance(error, cancelled):
        return None
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return group.split(cancelled)[1]
    return error
