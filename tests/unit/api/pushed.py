"""A real event loop whose clock can be pushed on: no test with a socket has to be in time.

Bounds in such tests are long, so that a slow machine keeps them; where one is to run out, the
test, or its server once it has been asked, pushes the clock past it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio

PATIENCE: Final = 60.0
"""Seconds in which whatever is not broken has happened, however busy the machine is."""

TICK: Final = 0.005
"""Real seconds between two pushes, in which others get to run."""


class PushedLoop(asyncio.SelectorEventLoop):
    """Its time is the real one, plus what it was pushed by."""

    def __init__(self) -> None:
        self._pushed = 0.0
        super().__init__()

    def time(self) -> float:
        """Give the seconds of the pushed clock."""
        return super().time() + self._pushed

    def push(self, seconds: float) -> None:
        """Let so much time have passed; what was due by then happens next."""
        self._pushed += seconds


PUSHED: Final = ("asyncio", {"loop_factory": PushedLoop})
"""What `anyio_backend` gives to run on such a loop."""


def push(seconds: float) -> None:
    """Let so much time have passed on the running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, PushedLoop)
    loop.push(seconds)


async def ages(step: float = 10) -> None:
    """Let time fly until cancelled: `step` seconds in each moment, between which others run."""
    while True:
        await anyio.sleep(TICK)
        push(step)


@asynccontextmanager
async def flying(step: float = 10) -> AsyncIterator[None]:
    """Let time fly while the block runs; a bound around the block would fly, too."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ages, step)
        yield
        tasks.cancel_scope.cancel()
