"""How these tests look at a controller: a reconcile that notes what it is asked, and obeys."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

from watchkit.controllers import Controller, Request, Result

Doing = Callable[[Request], Awaitable[Result | None]]


class Reconciler:
    """Notes when it is asked for what; does the next thing told of a key, or nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, str]] = []
        self.ended: list[tuple[float, str]] = []
        self.cancelled: list[tuple[float, str]] = []
        self.busy: set[str] = set()
        self.most = 0
        self._told: dict[str, list[Doing]] = {}

    def when(self, key: str, *doings: Doing) -> None:
        """Do these things when asked for a key, one each time."""
        self._told.setdefault(key, []).extend(doings)

    @property
    def keys(self) -> list[str]:
        """For what it was asked, in order."""
        return [key for _, key in self.asked]

    async def __call__(self, request: Request) -> Result | None:
        """Reconcile."""
        key = request.key
        assert key not in self.busy
        self.asked.append((anyio.current_time(), key))
        self.busy.add(key)
        self.most = max(self.most, len(self.busy))
        try:
            doings = self._told.get(key)
            result = await doings.pop(0)(request) if doings else None
        except anyio.get_cancelled_exc_class():
            self.cancelled.append((anyio.current_time(), key))
            raise
        finally:
            self.busy.remove(key)
        self.ended.append((anyio.current_time(), key))
        return result


def sleeps(seconds: float, result: Result | None = None) -> Doing:
    """Take a while."""

    async def doing(request: Request) -> Result | None:
        await anyio.sleep(seconds)
        return result

    return doing


def gives(result: object) -> Doing:
    """Give something back at once; a test may give what no type checker lets pass."""

    async def doing(request: Request) -> Result | None:
        return result  # type: ignore[return-value] # pyright: ignore[reportReturnType]

    return doing


def raises(error: BaseException) -> Doing:
    """Raise something at once."""

    async def doing(request: Request) -> Result | None:
        raise error

    return doing


@asynccontextmanager
async def running(controller: Controller) -> AsyncGenerator[anyio.CancelScope]:
    """Run a controller beside the block, which gives the scope that ends it; then end it."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(controller.run)
        try:
            yield tasks.cancel_scope
        finally:
            tasks.cancel_scope.cancel()
